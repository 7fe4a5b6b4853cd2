//! The ceremony of getting a stack going again whose update failed, and whose way back failed too.

use std::collections::BTreeMap;
use std::time::Duration;

use super::audience::{Audience, Moment, Question};
use super::cause::{Cause, Left};
use super::cloud::{Cloud, Continuation};
use super::deployed::Deployed;
use super::error::DeployError;
use super::event::{Beginning, Event, News};
use super::execution::{RECOVERED, asked_for, watch};
use super::follow::Operation;
use super::lock::free;
use super::origin::Origin;
use super::progress::{Failure, Progress};
use super::stack::{self, Stack};
use super::trouble::CloudError;

/// What is to be got going again.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Logical ids of what is left as it is, because it cannot be brought back.
    pub skip: &'a [String],
    /// Not to be asked.
    pub yes: bool,
    /// How long to watch.
    pub timeout: Option<Duration>,
    /// How long to wait while CloudFormation is at work on the stack.
    pub wait_for_lock: Option<Duration>,
    /// The role that CloudFormation acts as, if not the stack's own.
    pub role: Option<&'a str>,
    /// Where in the spec a resource comes from.
    pub origin: Option<Origin<'a>>,
    /// Unique: makes asking twice the same as asking once.
    pub token: &'a str,
}

/// How it ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The stack was not stuck.
    Nothing,
    /// Everything is as it was before the update that failed, but for what was skipped.
    Recovered,
}

/// Goes on with going back, after saying what stopped it and what would be skipped.
///
/// # Errors
/// It is not ours, in a state from which something else is the way on, not confirmed, or something stops it again.
pub async fn recover<C: Cloud, A: Audience>(
    request: &Request<'_>,
    cloud: &C,
    audience: &mut A,
) -> Result<Outcome, DeployError> {
    if !request.yes && !audience.can_answer() {
        return Err(DeployError::NeedsYes { how: "`--yes` recovers without asking" });
    }
    let identity = cloud.identity().await?;
    let stack = cloud.stack(request.stack).await?;
    stack::owned(stack.as_ref(), false)?;
    let stack = free(stack, request.token, request.wait_for_lock, cloud, audience).await?;
    let Some(stack) = stack.filter(|stack| !stack.status.is_deleted()) else {
        return Err(DeployError::NoStack { stack: request.stack.into() });
    };
    match stack.status.0.as_str() {
        "UPDATE_ROLLBACK_FAILED" => {}
        "UPDATE_ROLLBACK_COMPLETE" => return Ok(Outcome::Nothing),
        _ if stack.status.is_deployed() => return Ok(Outcome::Nothing),
        _ => return Err(DeployError::NothingToRecover { stack: stack.name, status: stack.status }),
    }
    audience.hear(&Moment::Target {
        stack: &stack.name,
        region: &identity.region,
        account: &identity.account,
        status: Some(&stack.status.0),
    });
    // Only words: they are worth having, not worth failing for.
    let abouts = Deployed::of(&stack, cloud).await.unwrap_or_default().abouts;
    let stuck = stuck(&stack, &abouts, cloud).await?;
    can_skip(request.skip, &stuck)?;
    let left = |failure: Failure| Left {
        skipped: request.skip.contains(&failure.logical_id),
        cause: Cause::new(failure, Vec::new(), request.origin),
    };
    let left: Vec<Left> = stuck.into_iter().map(left).collect();
    audience.hear(&Moment::Recovering { stuck: &left, reason: stack.reason.as_deref() });
    let question = Question::Recover { stack: &stack.name, skipped: request.skip.len() };
    if !request.yes && !audience.ask(&question).await {
        return Err(DeployError::Declined);
    }

    let news = News::from_now_on(cloud, &stack.arn).await;
    let (token, role, skip) = (request.token, request.role, request.skip);
    let answer = cloud.continue_rollback(&Continuation { stack_arn: &stack.arn, token, role, skip }).await;
    asked_for(answer, &stack.arn, cloud, |stack| {
        stack.is_some_and(|stack| stack.status.0.starts_with("UPDATE_ROLLBACK_") && !stack.status.0.ends_with("FAILED"))
    })
    .await?;
    audience.hear(&Moment::Begun { stack_arn: &stack.arn });
    let progress = Progress::of_changes(&stack.name, &[], abouts);
    let timeout = request.timeout;
    let operation = Operation { news, timeout, ..Operation::new(&stack.name, &stack.arn, token) };
    let (stack, seconds) = watch(operation, RECOVERED, progress, request.origin, cloud, audience).await?;
    audience.hear(&Moment::Ended { status: &stack.status, outputs: &stack.outputs, seconds: Some(seconds) });
    Ok(Outcome::Recovered)
}

/// What could not be brought back, each with the last reason that AWS gave. `abouts` says what each resource is for.
async fn stuck(
    stack: &Stack,
    abouts: &BTreeMap<String, String>,
    cloud: &impl Cloud,
) -> Result<Vec<Failure>, CloudError> {
    let events = last_events(&stack.name, &stack.arn, cloud).await;
    let mut stuck = Vec::new();
    for resource in cloud.resources(&stack.arn).await? {
        let id = &resource.logical_id;
        let newest = || events.iter().rev().filter(move |event| event.logical_id == *id);
        let failed = |status: &str| status.ends_with("_FAILED");
        if !failed(&resource.status) && !newest().next().is_some_and(|event| failed(&event.status)) {
            continue;
        }
        let explained = newest().find(|event| event.reason.is_some());
        stuck.push(Failure {
            at: explained.map(|event| event.at).unwrap_or_default(),
            about: abouts.get(&resource.logical_id).cloned(),
            reason: explained.and_then(|event| event.reason.clone()).unwrap_or_else(|| "AWS gives no reason".into()),
            logical_id: resource.logical_id,
            resource_type: resource.resource_type,
            status: resource.status,
        });
    }
    Ok(stuck)
}

/// Whether all of these may be skipped.
fn can_skip(skip: &[String], stuck: &[Failure]) -> Result<(), DeployError> {
    let those: Vec<&str> = stuck.iter().map(|failure| failure.logical_id.as_str()).collect();
    match skip.iter().find(|id| !those.contains(&id.as_str())) {
        None => Ok(()),
        Some(id) => {
            let those = if those.is_empty() { "nothing that AWS names".into() } else { those.join(", ") };
            Err(DeployError::CannotSkip { id: id.clone(), those })
        }
    }
}

/// The events of the update that failed, oldest first; none if we may not read them.
async fn last_events(stack: &str, stack_arn: &str, cloud: &impl Cloud) -> Vec<Event> {
    match Beginning::of(cloud, stack, stack_arn).await {
        Ok(Some(mut beginning)) => beginning.news.read(cloud, stack_arn).await.unwrap_or_default(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloud::{Asked, Resource};
    use crate::deploy::event::EventPage;
    use crate::deploy::fake::{Fake, Listener};
    use crate::deploy::stack::tests::stack;

    fn request(skip: &[String]) -> Request<'_> {
        Request {
            stack: "media-workers",
            skip,
            yes: true,
            timeout: None,
            wait_for_lock: None,
            role: None,
            origin: None,
            token: "token",
        }
    }

    fn event(id: &str, kind: &str, status: &str, reason: Option<&str>) -> Event {
        Event {
            id: format!("{id}{status}"),
            logical_id: id.into(),
            resource_type: kind.into(),
            status: status.into(),
            reason: reason.map(Into::into),
            ..Event::default()
        }
    }

    fn events(end: &[&str]) -> Asked<EventPage> {
        let stack = |status: &str| event("media-workers", "AWS::CloudFormation::Stack", status, None);
        let denied =
            "User: x is not authorized to perform: sqs:SetQueueAttributes on resource: arn:aws:sqs:::render-jobs";
        let before = [
            stack("UPDATE_IN_PROGRESS"),
            event("GpuQueue", "AWS::SQS::Queue", "UPDATE_FAILED", Some(denied)),
            stack("UPDATE_ROLLBACK_FAILED"),
        ];
        let events = before.into_iter().chain(end.iter().map(|status| stack(status))).rev().collect();
        Ok(EventPage { events, next: None })
    }

    fn stuck(end: &str) -> Fake {
        let resource = |id: &str, status: &str| Resource {
            logical_id: id.into(),
            resource_type: "AWS::SQS::Queue".into(),
            physical_id: None,
            status: status.into(),
        };
        Fake::default()
            .stacks([Ok(Some(stack("UPDATE_ROLLBACK_FAILED"))), Ok(Some(stack(end)))])
            .events([events(&[]), events(&[]), events(&[]), events(&["UPDATE_ROLLBACK_IN_PROGRESS", end])])
            .contents(
                [resource("GpuQueue", "UPDATE_FAILED"), resource("GpuTopic", "UPDATE_COMPLETE")],
                "Resources: {GpuQueue: {Type: 'AWS::SQS::Queue', Metadata: {Description: Jobs wait here}}}",
            )
    }

    #[tokio::test(start_paused = true)]
    async fn what_stopped_it_is_named_with_its_reason_and_then_it_goes_on() {
        let (cloud, mut audience) = (stuck("UPDATE_ROLLBACK_COMPLETE"), Listener { yes: true, ..Listener::default() });
        let outcome = recover(&Request { yes: false, ..request(&[]) }, &cloud, &mut audience).await.expect("recovered");
        assert_eq!(outcome, Outcome::Recovered);
        assert_eq!(
            audience.heard(),
            ["target", "recovering", "asked: Recover { stack: \"media-workers\", skipped: 0 }", "begun", "ended"]
        );
        let told = &audience.told[1];
        for word in ["GpuQueue", "Jobs wait here", "sqs:SetQueueAttributes", r#""skipped":false"#, "statement"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(!told.contains("GpuTopic"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_skipped_must_be_what_is_stuck() {
        let skip = ["GpuQueue".to_owned()];
        let cloud = stuck("UPDATE_ROLLBACK_COMPLETE");
        recover(&request(&skip), &cloud, &mut Listener::default()).await.expect("recovered");
        let arn = stack("").arn;
        assert!(cloud.calls().contains(&format!("continue_rollback {arn} without GpuQueue")), "{:?}", cloud.calls());

        let (skip, cloud) = (["GpuTopic".to_owned()], stuck("UPDATE_ROLLBACK_COMPLETE"));
        let error = recover(&request(&skip), &cloud, &mut Listener::default()).await.expect_err("refused");
        assert!(error.to_string().contains("`GpuTopic`") && error.to_string().contains("GpuQueue"), "{error}");
        assert!(!cloud.calls().iter().any(|call| call.starts_with("continue")));

        let cloud = Fake::default().stacks([Ok(Some(stack("UPDATE_ROLLBACK_FAILED")))]);
        let error = recover(&request(&skip), &cloud, &mut Listener::default()).await.expect_err("refused");
        assert!(error.to_string().ends_with("and that is nothing that AWS names"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_no_changes_nothing_and_a_second_failure_is_told() {
        let (cloud, mut audience) = (stuck("UPDATE_ROLLBACK_COMPLETE"), Listener::default());
        let error = recover(&Request { yes: false, ..request(&[]) }, &cloud, &mut audience).await;
        assert!(matches!(error, Err(DeployError::Declined)));
        assert!(!cloud.calls().iter().any(|call| call.starts_with("continue")));

        let (cloud, mut audience) = (stuck("UPDATE_ROLLBACK_FAILED"), Listener::default());
        let error = recover(&request(&[]), &cloud, &mut audience).await.expect_err("stuck again");
        assert!(error.to_string().contains("was not recovered: UPDATE_ROLLBACK_FAILED"), "{error}");
        assert_eq!(audience.heard().last().map(String::as_str), Some("failed"));
    }

    #[tokio::test(start_paused = true)]
    async fn every_other_state_has_its_word() {
        for (status, word) in [
            ("UPDATE_COMPLETE", None),
            ("UPDATE_ROLLBACK_COMPLETE", None),
            ("DELETE_FAILED", Some("DELETE_FAILED")),
            ("ROLLBACK_COMPLETE", Some("ROLLBACK_COMPLETE")),
            ("UPDATE_IN_PROGRESS", Some("at work")),
            ("DELETE_COMPLETE", Some("no stack")),
        ] {
            let cloud = Fake::default().stacks([Ok(Some(stack(status)))]);
            let told = recover(&request(&[]), &cloud, &mut Listener::default()).await;
            match word {
                None => assert_eq!(told.expect("nothing"), Outcome::Nothing, "{status}"),
                Some(word) => assert!(told.expect_err(status).to_string().contains(word), "{status}"),
            }
            assert!(!cloud.calls().iter().any(|call| call.starts_with("continue")), "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_terminal_nothing_is_called() {
        let (cloud, mut audience) = (stuck("UPDATE_ROLLBACK_COMPLETE"), Listener { mute: true, ..Listener::default() });
        let error = recover(&Request { yes: false, ..request(&[]) }, &cloud, &mut audience).await;
        assert!(matches!(error, Err(DeployError::NeedsYes { .. })));
        assert_eq!(cloud.calls(), [""; 0]);
    }
}
