//! What CloudFormation reports while it works, as news in the order in which it happened.

use std::collections::HashSet;

use spot_policy::Timestamp;

use super::cloud::{Asked, Cloud};

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
    /// Everything that happens from now on.
    ///
    /// # Errors
    /// AWS does not say what happened until now.
    pub async fn from_now_on(cloud: &impl Cloud, stack_arn: &str) -> Asked<Self> {
        let page = cloud.events(stack_arn, None).await?;
        Ok(Self { known: page.events.into_iter().map(|event| event.id).collect() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::error::{Trouble, tests::error};
    use crate::deploy::fake::Fake;

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
        assert!(news.read(&cloud, "arn").await.is_err());
        assert_eq!(ids(news.read(&cloud, "arn").await), ["b", "c", "d", "e"]);
    }
}
