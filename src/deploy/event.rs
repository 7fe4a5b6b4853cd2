//! What CloudFormation reports while it works, as news in the order in which it happened.

use std::collections::HashSet;

use spot_policy::Timestamp;

use super::cloud::{Asked, Cloud};
use super::pace::Pace;

/// One event of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Unique.
    pub id: String,
    /// When, by AWS's clock.
    pub at: Timestamp,
    /// The resource's name in the template; the stack's own events have the stack's name.
    pub logical_id: String,
    /// The resource's name in AWS; the stack's own events have the stack's ARN.
    pub physical_id: Option<String>,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// Such as `CREATE_IN_PROGRESS`.
    pub status: String,
    /// AWS's text.
    pub reason: Option<String>,
    /// What whoever began the operation called it; see [`super::change_set_name`].
    pub token: Option<String>,
}

/// Something that CloudFormation says has failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedEvent {
    /// When, by AWS's clock.
    pub at: Timestamp,
    /// The resource's name in the template, if it is about one.
    pub logical_id: Option<String>,
    /// Such as `AWS::SQS::Queue`, if it is about one.
    pub resource_type: Option<String>,
    /// Such as `CREATE_FAILED`, if a resource is in such a state.
    pub status: Option<String>,
    /// The place in the template: `/Resources/GpuQueue/Properties/QueueName`.
    pub path: Option<String>,
    /// The validation or the hook that found it.
    pub finder: Option<String>,
    /// AWS's text.
    pub reason: String,
    /// What whoever began the operation called it.
    pub token: Option<String>,
}

impl FailedEvent {
    /// In a line: where, who found it, and what.
    pub fn line(&self) -> String {
        let place = self.path.as_deref().or(self.logical_id.as_deref()).unwrap_or("the template");
        let finder = self.finder.as_ref().map(|finder| format!("{finder}: ")).unwrap_or_default();
        format!("{place}: {finder}{}", self.reason)
    }
}

/// A page of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventPage {
    /// Newest first, as AWS lists them.
    pub events: Vec<Event>,
    /// Where older ones are.
    pub next: Option<String>,
}

/// What of a stack's events was told already.
///
/// AWS lists all events that a stack ever had, newest first. What is news is therefore everything before the first one that
/// is known; no clock is compared, because ours may be wrong.
#[derive(Debug, Clone, Default)]
pub struct News {
    known: HashSet<String>,
}

impl News {
    /// Everything that happens from now on; `None` if we may not read what happened until now. Without it nothing of a failure
    /// could be explained, so that no answer is no reason to do without it.
    pub async fn from_now_on(cloud: &impl Cloud, stack_arn: &str) -> Option<Self> {
        let mut pace = Pace::quick(stack_arn);
        loop {
            match cloud.events(stack_arn, None).await {
                Ok(page) => return Some(Self { known: page.events.into_iter().map(|event| event.id).collect() }),
                Err(error) if error.is_passing() && pace.unanswered() < 5 => tokio::time::sleep(pace.pause()).await,
                Err(_) => return None,
            }
        }
    }

    /// What has happened since the last time, oldest first.
    ///
    /// # Errors
    /// A page is not to be had; then nothing counts as told, and the next call tells all of it.
    pub async fn read(&mut self, cloud: &impl Cloud, stack_arn: &str) -> Asked<Vec<Event>> {
        let (mut news, mut token) = (Vec::new(), None);
        loop {
            let page = cloud.events(stack_arn, token.as_deref()).await?;
            let fresh = page.events.iter().take_while(|event| !self.known.contains(&event.id)).count();
            let reached_the_known = fresh < page.events.len();
            news.extend(page.events.into_iter().take(fresh));
            token = page.next;
            if reached_the_known || token.is_none() {
                break;
            }
        }
        news.reverse();
        // While we turn the pages, new events push old ones onto the next page: they are listed twice.
        news.retain(|event| self.known.insert(event.id.clone()));
        Ok(news)
    }
}

/// How the operation began that a stack is in, or was in last.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// What whoever began it called it.
    pub token: Option<String>,
    /// CloudFormation's word for what it is: `UPDATE_IN_PROGRESS`.
    pub status: String,
    /// Everything that has happened since is news.
    pub news: News,
}

impl Beginning {
    /// Looks for the last beginning among a stack's events.
    ///
    /// # Errors
    /// AWS does not say what happened until now.
    pub async fn of(cloud: &impl Cloud, stack: &str, stack_arn: &str) -> Asked<Option<Self>> {
        let (mut begun, mut token): (Option<Event>, _) = (None, None);
        loop {
            let page = cloud.events(stack_arn, token.as_deref()).await?;
            let mut events = page.events.into_iter();
            if begun.is_none() {
                begun = events.by_ref().find(|event| event.begins(stack));
            }
            let known: HashSet<String> = events.map(|event| event.id).collect();
            token = page.next;
            // One event from before is enough to know where the news end; what has no before is news as a whole.
            if let Some(begun) = begun.take_if(|_| !known.is_empty() || token.is_none()) {
                return Ok(Some(Self { token: begun.token, status: begun.status, news: News { known } }));
            }
            if token.is_none() {
                return Ok(None);
            }
        }
    }
}

impl Event {
    /// Whether it is the stack's own, and the first of an operation; going back is a part of the operation that failed.
    fn begins(&self, stack: &str) -> bool {
        let first = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"];
        self.resource_type == "AWS::CloudFormation::Stack"
            && self.logical_id == stack
            && first.contains(&self.status.as_str())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::deploy::fake::Fake;
    use crate::deploy::trouble::{Trouble, tests::error};

    /// The stack's own event that it is in this state.
    pub(in crate::deploy) fn of_stack(status: &str) -> Event {
        Event {
            id: status.into(),
            logical_id: "media-workers".into(),
            resource_type: "AWS::CloudFormation::Stack".into(),
            status: status.into(),
            ..Event::default()
        }
    }

    fn page(ids: &[&str], next: Option<&str>) -> Asked<EventPage> {
        let events = ids.iter().map(|id| Event { id: (*id).into(), ..Event::default() }).collect();
        Ok(EventPage { events, next: next.map(Into::into) })
    }

    fn ids(news: Asked<Vec<Event>>) -> Vec<String> {
        news.expect("read").into_iter().map(|event| event.id).collect()
    }

    #[tokio::test]
    async fn news_is_what_comes_before_the_known_oldest_first() {
        let cloud = Fake::default().events([
            page(&["c", "b", "a"], Some("older")),
            page(&["e", "d", "c", "b"], Some("older")),
            page(&["e", "d", "c", "b"], Some("older")),
        ]);
        let mut news = News::from_now_on(&cloud, "arn").await.expect("read");
        assert_eq!(ids(news.read(&cloud, "arn").await), ["d", "e"]);
        assert_eq!(ids(news.read(&cloud, "arn").await), [""; 0]);
        assert_eq!(cloud.calls(), ["events"; 3], "no page was turned for nothing");
    }

    #[tokio::test]
    async fn pages_are_turned_until_the_known_and_nothing_is_told_twice() {
        let cloud = Fake::default().events([
            page(&["a"], None),
            page(&["e", "d"], Some("2")),
            page(&["d", "c"], Some("3")),
            page(&["b", "a"], None),
        ]);
        let mut news = News::from_now_on(&cloud, "arn").await.expect("read");
        assert_eq!(ids(news.read(&cloud, "arn").await), ["b", "c", "d", "e"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_old_is_asked_for_until_it_is_answered_or_refused() {
        let throttled = || Err(error(Trouble::Throttled, "Throttling", "Rate exceeded"));
        let cloud = Fake::default().events([throttled(), throttled(), page(&["a"], None), page(&["b", "a"], None)]);
        let mut news = News::from_now_on(&cloud, "arn").await.expect("read");
        assert_eq!(ids(news.read(&cloud, "arn").await), ["b"]);
        for (trouble, asked) in [(Trouble::Throttled, 5), (Trouble::Denied, 1)] {
            let cloud = Fake::default().events([Err(error(trouble, "X", "no"))]);
            assert!(News::from_now_on(&cloud, "arn").await.is_none());
            assert_eq!(cloud.calls().len(), asked, "{trouble:?}");
        }
    }

    #[tokio::test]
    async fn a_page_that_fails_loses_nothing() {
        let throttled = || Err(error(Trouble::Throttled, "Throttling", "Rate exceeded"));
        let cloud = Fake::default().events([
            page(&["a"], None),
            page(&["d", "c"], Some("2")),
            throttled(),
            page(&["e", "d", "c"], Some("2")),
            page(&["b", "a"], None),
        ]);
        let mut news = News::from_now_on(&cloud, "arn").await.expect("read");
        assert!(news.read(&cloud, "arn").await.is_err(), "it is the watch that asks again");
        assert_eq!(ids(news.read(&cloud, "arn").await), ["b", "c", "d", "e"]);
    }
}
