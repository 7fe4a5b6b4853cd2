//! Why an operation failed: what failed by itself, what that means, which line of the spec it comes from, and what to do.

use serde::Serialize;

use super::cloud::{Cloud, Failing};
use super::event::FailedEvent;
use super::hint::{Denied, Hint, hint_for};
use super::origin::{Origin, SpecPlace};
use super::progress::{Failure, Progress, is_cancellation};

/// A failure, and all there is to say about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cause {
    /// What failed, in AWS's words.
    #[serde(flatten)]
    pub failure: Failure,
    /// What else AWS says about it: findings of its validation, and of hooks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What it means.
    #[serde(flatten)]
    pub hint: Option<Hint>,
    /// The statement of an IAM policy that would allow what was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// Where in the spec it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<SpecPlace>,
}

/// A resource that could not be brought back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Left {
    /// What stopped it.
    #[serde(flatten)]
    pub cause: Cause,
    /// Whether it is left as it is.
    pub skipped: bool,
}

impl Cause {
    /// What there is to say about a failure.
    pub fn new(failure: Failure, details: Vec<String>, origin: Option<Origin<'_>>) -> Self {
        let texts: Vec<&str> =
            std::iter::once(failure.reason.as_str()).chain(details.iter().map(String::as_str)).collect();
        let hint = texts.iter().find_map(|text| hint_for(text)).copied();
        let denied = texts.iter().find_map(|text| Denied::of(text));
        let topic = hint.and_then(|hint| hint.topic);
        let spec = origin.and_then(|origin| {
            let place = |text: &&str| origin.of(&failure.logical_id, &failure.resource_type, text, topic);
            texts.iter().find_map(place)
        });
        let statement = denied.map(|denied| denied.statement());
        Self { failure, details, hint, statement, spec }
    }
}

/// The causes of a failed operation, the root cause first: the earliest failure that is no cancellation, in what was asked for
/// and in the way back. `token` is what the operation is called.
pub async fn of<C: Cloud>(
    progress: &Progress,
    stack_arn: &str,
    token: &str,
    origin: Option<Origin<'_>>,
    cloud: &C,
) -> Vec<Cause> {
    // Not everybody may read them, and not every endpoint has them; what the stack's events say is there already.
    let more = cloud.failed_events(Failing::Stack(stack_arn)).await.unwrap_or_default();
    let more: Vec<_> = more.into_iter().filter(|event| event.token.as_deref() == Some(token)).collect();
    merge(progress.failures(), &more, progress.stack(), origin)
}

/// The failures that stack events tell, with what else is known; what they do not tell is put in its place in time.
fn merge(failures: &[Failure], more: &[FailedEvent], stack: &str, origin: Option<Origin<'_>>) -> Vec<Cause> {
    let about = |failure: &Failure, event: &FailedEvent| event.logical_id.as_deref() == Some(&failure.logical_id);
    let mut all: Vec<(Failure, Vec<String>)> = failures.iter().cloned().map(|failure| (failure, Vec::new())).collect();
    for event in more {
        let of_stack = event.logical_id.as_deref().is_none_or(|id| id == stack);
        // That the stack failed is known; a validation or a hook that refused it is news.
        if is_cancellation(Some(&event.reason)) || (of_stack && event.finder.is_none()) {
            continue;
        }
        match all.iter_mut().find(|(failure, _)| about(failure, event)) {
            Some((failure, details)) => {
                let line = event.line();
                if failure.reason != event.reason && !details.contains(&line) {
                    details.push(line);
                }
            }
            None => all.push((
                Failure {
                    at: event.at,
                    logical_id: event.logical_id.clone().unwrap_or_else(|| stack.to_owned()),
                    resource_type: event.resource_type.clone().unwrap_or_else(|| "AWS::CloudFormation::Stack".into()),
                    about: None,
                    status: event.status.clone().unwrap_or_default(),
                    reason: match &event.finder {
                        Some(finder) => format!("{finder}: {}", event.reason),
                        None => event.reason.clone(),
                    },
                },
                Vec::new(),
            )),
        }
    }
    // Stable: what happened in the same second stays in AWS's order.
    all.sort_by_key(|(failure, _)| failure.at);
    all.into_iter().map(|(failure, details)| Cause::new(failure, details, origin)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spot_policy::Timestamp;

    fn failure(at: i64, id: &str, reason: &str) -> Failure {
        Failure {
            at: Timestamp(at),
            logical_id: id.into(),
            resource_type: "AWS::SQS::Queue".into(),
            about: None,
            status: "CREATE_FAILED".into(),
            reason: reason.into(),
        }
    }

    fn event(at: i64, id: Option<&str>, finder: Option<&str>, reason: &str) -> FailedEvent {
        FailedEvent {
            at: Timestamp(at),
            logical_id: id.map(Into::into),
            finder: finder.map(Into::into),
            reason: reason.into(),
            ..FailedEvent::default()
        }
    }

    #[test]
    fn what_a_hook_says_belongs_to_what_it_stopped() {
        let failures =
            [failure(5, "GpuQueue", "The following hook(s) failed: [Org::Tags]"), failure(9, "GpuSpotGroup", "no")];
        let more = [
            event(4, Some("GpuQueue"), Some("Org::Tags"), "the tag `owner` is missing"),
            event(9, Some("GpuSpotGroup"), None, "no"),
            event(3, Some("Gone"), None, "Resource creation cancelled"),
            event(3, Some("media"), None, "The following resource(s) failed to create: [GpuQueue]."),
            event(2, None, Some("AWS::EarlyValidation::PropertyValidation"), "wrong"),
        ];
        let causes = merge(&failures, &more, "media", None);
        let told: Vec<_> =
            causes.iter().map(|cause| (cause.failure.logical_id.as_str(), cause.details.len())).collect();
        assert_eq!(told, [("media", 0), ("GpuQueue", 1), ("GpuSpotGroup", 0)]);
        assert_eq!(causes[1].details, ["GpuQueue: Org::Tags: the tag `owner` is missing"]);
        assert!(causes[0].failure.reason.contains("EarlyValidation"));
    }

    #[test]
    fn a_denied_action_comes_with_its_statement_unless_it_is_forbidden() {
        let denied = "User: x is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::1:role/y because no identity-based policy allows it";
        let statement = |reason: &str| Cause::new(failure(0, "GpuSpotManagerRole", reason), vec![], None).statement;
        assert!(statement(denied).expect("a statement").contains("\"iam:CreateRole\""));
        assert_eq!(statement(&denied.replace("because", "with an explicit deny in a permissions boundary")), None);
    }
}
