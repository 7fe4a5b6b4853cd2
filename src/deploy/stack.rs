//! A stack, its states, and the way on from each.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use spot_policy::Timestamp;

use super::error::DeployError;
use super::text::moment;

/// A CloudFormation stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its state.
    pub status: StackStatus,
    /// Why it is in that state, where AWS says it.
    pub reason: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When its last update began.
    pub updated: Option<Timestamp>,
    /// When its deletion began.
    pub deleted: Option<Timestamp>,
    /// Whether it may not be deleted (`EnableTerminationProtection`).
    pub protected: bool,
    /// The parameters that it was made with.
    pub parameters: BTreeMap<String, String>,
    /// What it gives.
    pub outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Whether spotstack made it: nobody else fills a `HandlerKey` with such a key. One that is not executed yet has no
    /// parameters and nothing to lose.
    pub fn is_ours(&self) -> bool {
        self.status.0 == "REVIEW_IN_PROGRESS"
            || self
                .parameters
                .iter()
                .any(|(name, value)| name.starts_with("HandlerKey") && value.starts_with("spotstack/handler/"))
    }

    /// When the operation that it is in, or was in last, began.
    pub fn since(&self) -> Option<Timestamp> {
        [self.created, self.updated, self.deleted].into_iter().flatten().max()
    }
}

/// The state of a stack, in CloudFormation's word: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct StackStatus(pub String);

impl StackStatus {
    /// Whether CloudFormation is at work on it. A stack in `REVIEW_IN_PROGRESS` waits for us instead.
    pub fn is_in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS") && self.0 != "REVIEW_IN_PROGRESS"
    }

    /// Whether what the last deploy wanted is there. `UPDATE_ROLLBACK_COMPLETE` is healthy and says that it is not; with
    /// the clean-up after an update everything is decided already.
    pub fn is_deployed(&self) -> bool {
        matches!(
            self.0.as_str(),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "IMPORT_COMPLETE"
        )
    }

    /// Whether it is gone.
    pub fn is_deleted(&self) -> bool {
        self.0 == "DELETE_COMPLETE"
    }

    /// What the state means for somebody whose deploy failed.
    pub fn meaning(&self) -> &'static str {
        match self.0.as_str() {
            "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => "everything is as it was before",
            "ROLLBACK_COMPLETE" => "all that was made is deleted again",
            "DELETE_COMPLETE" => "the stack is gone",
            "UPDATE_ROLLBACK_FAILED" => "the way back failed too, and the stack is stuck between both",
            "ROLLBACK_FAILED" | "CREATE_FAILED" => "some of what was made is still there",
            "DELETE_FAILED" => "some of it could not be deleted",
            "REVIEW_IN_PROGRESS" => "empty, with a change set that nobody has executed",
            _ => "it is not what the template says",
        }
    }
}

impl fmt::Display for StackStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a deploy goes on from where the stack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// There is nothing, or an empty stack whose change set was never executed: a change set that makes it.
    Create,
    /// A change set that updates it.
    Update,
    /// Its creation failed and was rolled back. CloudFormation lets such a stack only be deleted; then it is made.
    Renew,
}

/// Whether a stack may be changed by us: spotstack made it, or somebody says that it is to be adopted.
///
/// # Errors
/// It may not.
pub fn owned(stack: Option<&Stack>, adopt: bool) -> Result<(), DeployError> {
    match stack.filter(|stack| !stack.status.is_deleted() && !stack.is_ours()) {
        Some(stack) if !adopt => Err(DeployError::NotOurs { stack: stack.name.clone() }),
        _ => Ok(()),
    }
}

/// The way on from the state that a stack is in.
///
/// # Errors
/// There is none: CloudFormation is at work on it, or it is stuck.
pub fn way(stack: Option<&Stack>) -> Result<Way, DeployError> {
    let Some(stack) = stack.filter(|stack| !stack.status.is_deleted()) else { return Ok(Way::Create) };
    match stack.status.0.as_str() {
        "REVIEW_IN_PROGRESS" => Ok(Way::Create),
        "ROLLBACK_COMPLETE" => Ok(Way::Renew),
        // An update that failed without a rollback can be repaired by the next one.
        "CREATE_COMPLETE"
        | "UPDATE_COMPLETE"
        | "UPDATE_ROLLBACK_COMPLETE"
        | "UPDATE_FAILED"
        | "IMPORT_COMPLETE"
        | "IMPORT_ROLLBACK_COMPLETE" => Ok(Way::Update),
        _ if stack.status.is_in_progress() => Err(busy(stack, "somebody")),
        _ => Err(DeployError::Stuck {
            stack: stack.name.clone(),
            status: stack.status.clone(),
            reason: stack.reason.clone().map(|reason| format!(": {reason}")).unwrap_or_default(),
        }),
    }
}

/// The refusal of a stack that CloudFormation is at work on.
pub(super) fn busy(stack: &Stack, by: &str) -> DeployError {
    DeployError::Busy {
        stack: stack.name.clone(),
        status: stack.status.clone(),
        since: stack.since().map(|at| format!(" since {}", moment(at))).unwrap_or_default(),
        by: by.into(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A stack of ours in a state.
    pub(in crate::deploy) fn stack(status: &str) -> Stack {
        Stack {
            name: "media-workers".into(),
            arn: "arn:aws:cloudformation:eu-west-1:111122223333:stack/media-workers/1".into(),
            status: StackStatus(status.into()),
            created: Some(Timestamp(1_795_466_000)),
            parameters: [("HandlerKey".to_owned(), "spotstack/handler/x86_64/0.zip".to_owned())].into(),
            ..Stack::default()
        }
    }

    #[test]
    fn every_state_has_its_way_or_its_refusal() {
        for (status, expected) in [
            ("DELETE_COMPLETE", Ok(Way::Create)),
            ("REVIEW_IN_PROGRESS", Ok(Way::Create)),
            ("ROLLBACK_COMPLETE", Ok(Way::Renew)),
            ("CREATE_COMPLETE", Ok(Way::Update)),
            ("UPDATE_COMPLETE", Ok(Way::Update)),
            ("UPDATE_ROLLBACK_COMPLETE", Ok(Way::Update)),
            ("UPDATE_FAILED", Ok(Way::Update)),
            ("IMPORT_COMPLETE", Ok(Way::Update)),
            ("IMPORT_ROLLBACK_COMPLETE", Ok(Way::Update)),
            (
                "CREATE_IN_PROGRESS",
                Err("CloudFormation is at work on `media-workers` since 2026-11-23 20:33:20 UTC (CREATE_IN_PROGRESS)"),
            ),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Err("CloudFormation is at work")),
            ("UPDATE_ROLLBACK_IN_PROGRESS", Err("CloudFormation is at work")),
            ("DELETE_IN_PROGRESS", Err("CloudFormation is at work")),
            ("UPDATE_ROLLBACK_FAILED", Err("`media-workers` is stuck in UPDATE_ROLLBACK_FAILED")),
            ("CREATE_FAILED", Err("stuck in CREATE_FAILED")),
            ("ROLLBACK_FAILED", Err("stuck in ROLLBACK_FAILED")),
            ("DELETE_FAILED", Err("stuck in DELETE_FAILED")),
            ("A_STATE_OF_TOMORROW", Err("stuck in A_STATE_OF_TOMORROW")),
        ] {
            match (way(Some(&stack(status))), expected) {
                (Ok(way), Ok(expected)) => assert_eq!(way, expected, "{status}"),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{status}: {error}"),
                (got, _) => panic!("{status}: {got:?}"),
            }
        }
        assert!(matches!(way(None), Ok(Way::Create)));
    }

    #[test]
    fn a_stack_of_somebody_else_is_refused_unless_it_is_adopted() {
        let foreign = Stack { parameters: BTreeMap::new(), ..stack("UPDATE_COMPLETE") };
        assert!(matches!(owned(Some(&foreign), false), Err(DeployError::NotOurs { .. })));
        assert!(owned(Some(&foreign), true).is_ok() && owned(Some(&stack("UPDATE_COMPLETE")), false).is_ok());
        let parameters = [("HandlerKey".to_owned(), "other/handler.zip".to_owned())].into();
        assert!(matches!(owned(Some(&Stack { parameters, ..foreign }), false), Err(DeployError::NotOurs { .. })));
    }
}
