//! Watching CloudFormation until it has finished.

use std::time::Duration;

use tokio::time::Instant;

use super::audience::{Audience, Moment, Undo, Wish};
use super::cloud::{Asked, Cloud, Deletion};
use super::error::DeployError;
use super::event::News;
use super::pace::Pace;
use super::progress::{Progress, Step};
use super::stack::{Stack, StackStatus};
use super::trouble::CloudError;

/// An operation that CloudFormation has begun.
#[derive(Debug)]
pub struct Operation<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The stack's ARN: the name may come to mean another stack.
    pub arn: &'a str,
    /// What of its events is old; `None` if we may not read them, and only the stack's state can be watched.
    pub news: Option<News>,
    /// How long to watch.
    pub timeout: Option<Duration>,
    /// How it could be called off.
    pub undo: Option<Undo>,
    /// What we call it.
    pub token: &'a str,
}

impl<'a> Operation<'a> {
    /// One on this stack that we call so: watched by the stack's state, for as long as it takes, and not called off.
    pub fn new(stack: &'a str, arn: &'a str, token: &'a str) -> Self {
        Self { stack, arn, token, news: None, timeout: None, undo: None }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The stack as it is then.
    pub stack: Stack,
    /// Whether somebody called it off meanwhile.
    pub cancelled: bool,
}

/// How often the audience is shown how far we are, between two questions to AWS.
const FRAME: Duration = Duration::from_millis(200);

/// Watches until CloudFormation has finished, and returns how the stack is then.
///
/// An unanswered question never ends the watch: AWS goes on, and the next answer tells all that happened meanwhile.
///
/// # Errors
/// The time is over, somebody does not want to watch any more, or we may not look any more. The operation goes on in each case.
pub async fn follow<C: Cloud, A: Audience>(
    mut operation: Operation<'_>,
    progress: &mut Progress,
    cloud: &C,
    audience: &mut A,
) -> Result<Ended, DeployError> {
    let begin = Instant::now();
    let mut pace = Pace::quick(operation.token);
    let mut finish = Finish::default();
    let mut cancelled = false;
    loop {
        let contact = tick(&mut operation, progress, &mut finish, begin, cloud, audience).await;
        match contact {
            Ok(Some(stack)) => {
                // What was reported between the last events and the end; the end itself is certain without it.
                let _ = tell_news(&mut operation, progress, begin, cloud, audience).await;
                return Ok(Ended { stack, cancelled });
            }
            Ok(None) => pace.answered(),
            Err(error) if error.is_passing() => {
                if pace.unanswered() == 3 {
                    audience.hear(&Moment::LostContact { cause: &error.to_string() });
                }
            }
            Err(cause) => return Err(DeployError::LostSight { stack: operation.stack.into(), cause }),
        }
        let mut left = pace.pause();
        while !left.is_zero() {
            let frame = left.min(FRAME);
            let interrupted = tokio::select! {
                () = audience.interrupted() => true,
                () = tokio::time::sleep(frame) => false,
            };
            if interrupted {
                cancelled |= interrupt(&mut operation, cloud, audience).await?;
                break;
            }
            left -= frame;
            audience.watch(progress, &[], begin.elapsed());
            if let Some(after) = operation.timeout.filter(|timeout| begin.elapsed() >= *timeout) {
                return match cloud.stack(operation.arn).await {
                    // Only the clean-up goes on: the update has succeeded.
                    Ok(Some(stack)) if stack.status.0 == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => {
                        Ok(Ended { stack, cancelled })
                    }
                    found => Err(DeployError::TimedOut { stack: operation.stack.into(), after, now: now(found) }),
                };
            }
        }
    }
}

/// Somebody interrupts: asks what is meant, and does it. Whether the operation is called off now.
async fn interrupt<C: Cloud, A: Audience>(
    operation: &mut Operation<'_>,
    cloud: &C,
    audience: &mut A,
) -> Result<bool, DeployError> {
    match audience.interrupt(operation.undo).await {
        Wish::GoOn => return Ok(false),
        Wish::Detach => {
            let now = now(cloud.stack(operation.arn).await);
            return Err(DeployError::Interrupted { stack: operation.stack.into(), now });
        }
        Wish::Cancel => {}
    }
    let token = format!("{}-cancel", operation.token);
    let called_off = match operation.undo {
        Some(Undo::Delete) => {
            let deletion = Deletion { stack_arn: operation.arn, token: &token, role: None, retain: &[] };
            cloud.delete_stack(&deletion).await
        }
        Some(Undo::GoBack) => cloud.cancel_update(operation.arn, &token).await,
        None => return Ok(false),
    };
    if let Err(error) = called_off {
        audience.hear(&Moment::Warning { text: &format!("it cannot be called off any more, and goes on: {error}") });
        return Ok(false);
    }
    operation.undo = None;
    Ok(true)
}

/// ` (UPDATE_IN_PROGRESS now)`, if it is to be had.
fn now(found: Asked<Option<Stack>>) -> String {
    found.ok().flatten().map(|stack| format!(" ({} now)", stack.status)).unwrap_or_default()
}

/// One look: the news, and the stack itself when the news say that it has finished, or have said nothing for a while.
async fn tick<C: Cloud, A: Audience>(
    operation: &mut Operation<'_>,
    progress: &mut Progress,
    finish: &mut Finish,
    begin: Instant,
    cloud: &C,
    audience: &mut A,
) -> Result<Option<Stack>, CloudError> {
    let told = tell_news(operation, progress, begin, cloud, audience).await;
    // The stack alone is enough to know the end.
    if told.as_ref().is_err_and(|error| !error.is_passing()) {
        operation.news = None;
    }
    if !finish.should_look(progress.status(), operation.news.is_some()) {
        return told.map(|()| None);
    }
    let stack = cloud.stack(operation.arn).await?.unwrap_or_else(|| Stack {
        name: operation.stack.into(),
        arn: operation.arn.into(),
        status: StackStatus("DELETE_COMPLETE".into()),
        ..Stack::default()
    });
    Ok(finish.is_certain(&stack.status, progress.status(), begin.elapsed()).then_some(stack))
}

async fn tell_news<C: Cloud, A: Audience>(
    operation: &mut Operation<'_>,
    progress: &mut Progress,
    begin: Instant,
    cloud: &C,
    audience: &mut A,
) -> Result<(), CloudError> {
    let Some(news) = &mut operation.news else { return Ok(()) };
    let events = news.read(cloud, operation.arn).await?;
    let steps: Vec<Step> = events.iter().filter_map(|event| progress.fold(event, begin.elapsed())).collect();
    audience.watch(progress, &steps, begin.elapsed());
    Ok(())
}

/// When to look at the stack itself, and when to believe that it has finished.
///
/// `DescribeStacks` may answer with the state from before the operation for a moment. What it says counts once an event of
/// this operation says the same, or when it keeps saying it and that moment is over.
#[derive(Debug, Default)]
struct Finish {
    ticks: u32,
    repeated: u32,
}

/// How long a stack's state may be that from before the operation.
const STALE: Duration = Duration::from_secs(10);

impl Finish {
    /// Every time when the events say that it has finished, or when there are none to be had; else every fifth time.
    fn should_look(&mut self, told: Option<&StackStatus>, have_events: bool) -> bool {
        self.ticks += 1;
        !have_events || self.ticks.is_multiple_of(5) || told.is_some_and(|status| !status.is_in_progress())
    }

    fn is_certain(&mut self, seen: &StackStatus, told: Option<&StackStatus>, elapsed: Duration) -> bool {
        if seen.is_in_progress() || seen.0 == "REVIEW_IN_PROGRESS" {
            self.repeated = 0;
            return false;
        }
        self.repeated += 1;
        told == Some(seen) || (self.repeated >= 3 && elapsed >= STALE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::deploy::event::{EventPage, tests::of_stack};
    use crate::deploy::fake::{Fake, Listener};
    use crate::deploy::stack::tests::stack;
    use crate::deploy::trouble::{Trouble, tests::error};

    fn told(status: &str) -> Asked<EventPage> {
        Ok(EventPage { events: vec![of_stack(status)], next: None })
    }

    async fn watch(cloud: &Fake, audience: &mut Listener, timeout: Option<Duration>) -> Result<Stack, DeployError> {
        Ok(watch_undoable(cloud, audience, timeout, None).await?.stack)
    }

    async fn watch_undoable(
        cloud: &Fake,
        audience: &mut Listener,
        timeout: Option<Duration>,
        undo: Option<Undo>,
    ) -> Result<Ended, DeployError> {
        let news = Some(News::default());
        let operation = Operation { news, timeout, undo, ..Operation::new("media-workers", "arn", "token") };
        let mut progress = Progress::of_changes("media-workers", &[], BTreeMap::new());
        follow(operation, &mut progress, cloud, audience).await
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_and_a_lost_connection_are_survived() {
        let throttled = || Err(error(Trouble::Throttled, "Throttling", "Rate exceeded"));
        let lost = || Err(error(Trouble::Unreachable, "", "no answer"));
        let cloud = Fake::default()
            .events([
                throttled(),
                lost(),
                throttled(),
                lost(),
                told("UPDATE_IN_PROGRESS"),
                throttled(),
                told("UPDATE_COMPLETE"),
                throttled(),
            ])
            .stacks([
                Err(error(Trouble::Throttled, "Throttling", "Rate exceeded")),
                Ok(Some(stack("UPDATE_COMPLETE"))),
            ]);
        let mut audience = Listener::default();
        let ended = watch(&cloud, &mut audience, None).await.expect("succeeded");
        assert!(ended.status.is_deployed());
        assert_eq!(audience.heard(), ["lost_contact"], "once, not each time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_answer_is_not_believed() {
        let cloud = Fake::default().events([told("UPDATE_IN_PROGRESS")]).stacks([
            Ok(Some(stack("UPDATE_COMPLETE"))),
            Ok(Some(stack("UPDATE_IN_PROGRESS"))),
            Ok(Some(stack("UPDATE_ROLLBACK_COMPLETE"))),
        ]);
        let ended = watch(&cloud, &mut Listener::default(), None).await.expect("ended");
        assert_eq!(ended.status.0, "UPDATE_ROLLBACK_COMPLETE");
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_right_to_read_events_the_state_is_enough() {
        let denied = || {
            Err(error(Trouble::Denied, "AccessDenied", "not authorized to perform: cloudformation:DescribeStackEvents"))
        };
        let cloud = Fake::default()
            .events([denied()])
            .stacks([Ok(Some(stack("CREATE_IN_PROGRESS"))), Ok(Some(stack("CREATE_COMPLETE")))]);
        assert!(watch(&cloud, &mut Listener::default(), None).await.expect("ended").status.is_deployed());
    }

    #[tokio::test(start_paused = true)]
    async fn without_events_the_state_from_before_is_not_believed_at_once() {
        let denied = || Err(error(Trouble::Denied, "AccessDenied", "no"));
        let stale = || Ok(Some(stack("UPDATE_COMPLETE")));
        let states = [stale(), stale(), stale(), stale(), Ok(Some(stack("UPDATE_IN_PROGRESS")))];
        let cloud =
            Fake::default().events([denied()]).stacks(states.into_iter().chain([Ok(Some(stack("UPDATE_FAILED")))]));
        let ended = watch(&cloud, &mut Listener::default(), None).await.expect("ended");
        assert_eq!(ended.status.0, "UPDATE_FAILED");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stack_that_is_not_found_any_more_is_deleted() {
        let cloud = Fake::default().events([told("DELETE_COMPLETE")]).stacks([Ok(None)]);
        assert!(watch(&cloud, &mut Listener::default(), None).await.expect("ended").status.is_deleted());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_may_be_over_before_the_end() {
        let cloud =
            Fake::default().events([told("CREATE_IN_PROGRESS")]).stacks([Ok(Some(stack("CREATE_IN_PROGRESS")))]);
        let begin = Instant::now();
        let ended = watch(&cloud, &mut Listener::default(), Some(Duration::from_secs(60))).await;
        assert!(matches!(ended, Err(DeployError::TimedOut { .. })));
        assert_eq!(begin.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_may_expire_meanwhile() {
        let expired = || error(Trouble::StaleCredentials, "ExpiredToken", "the token has expired");
        let cloud = Fake::default().events([Err(expired())]).stacks([Err(expired())]);
        let ended = watch(&cloud, &mut Listener::default(), None).await.expect_err("lost");
        assert!(
            ended
                .to_string()
                .starts_with("`media-workers` goes on, but cannot be followed: DescribeStacks: ExpiredToken")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn ctrl_c_ends_the_watch_and_not_the_stack() {
        let cloud =
            Fake::default().events([told("CREATE_IN_PROGRESS")]).stacks([Ok(Some(stack("CREATE_IN_PROGRESS")))]);
        let mut audience = Listener { interrupts: Some(Wish::Detach), ..Listener::default() };
        let error = watch(&cloud, &mut audience, None).await.expect_err("interrupted");
        assert_eq!(error.to_string(), "interrupted; `media-workers` goes on without us (CREATE_IN_PROGRESS now)");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_called_off_is_watched_until_it_is_undone() {
        for (undo, begun, end, call) in [
            (Undo::Delete, "CREATE_IN_PROGRESS", "DELETE_COMPLETE", "delete_stack arn"),
            (Undo::GoBack, "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "cancel_update arn"),
        ] {
            let cloud = Fake::default().events([told(begun), told(end)]).stacks([Ok(Some(stack(end)))]);
            let mut audience = Listener { interrupts: Some(Wish::Cancel), ..Listener::default() };
            let ended = watch_undoable(&cloud, &mut audience, None, Some(undo)).await.expect("ended");
            assert_eq!((ended.cancelled, ended.stack.status.0.as_str()), (true, end));
            assert_eq!(cloud.calls().iter().filter(|made| *made == call).count(), 1, "{:?}", cloud.calls());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_looked_up_goes_on_watching() {
        let cloud = Fake::default().events([told("UPDATE_IN_PROGRESS"), told("UPDATE_COMPLETE")]);
        let cloud = cloud.stacks([Ok(Some(stack("UPDATE_COMPLETE")))]);
        let mut audience = Listener { interrupts: Some(Wish::GoOn), ..Listener::default() };
        let ended = watch_undoable(&cloud, &mut audience, None, Some(Undo::GoBack)).await.expect("ended");
        assert!(ended.stack.status.is_deployed() && !ended.cancelled);
    }
}
