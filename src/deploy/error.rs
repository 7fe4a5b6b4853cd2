//! Why a deploy, a recovery or a destroy did not do what was asked, and what to do next.

use std::time::Duration;

use miette::Diagnostic;

use super::groups::problem::Problem;
use super::stack::StackStatus;
use super::text::seconds;
use super::trouble::CloudError;
use crate::template::diff::DocumentError;

/// Why a deploy or a destroy did not do what was asked.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum DeployError {
    /// AWS said no.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cloud(#[from] CloudError),
    /// We would have to ask, and nobody is there. Said before any call.
    #[error("there is no terminal to ask on, so nothing was done")]
    #[diagnostic(help("{how}"))]
    NeedsYes {
        /// What to type instead.
        how: &'static str,
    },
    /// CloudFormation is at work.
    #[error("CloudFormation is at work on `{stack}`{since} ({status}), for {by}")]
    #[diagnostic(help(
        "`spotstack status --watch` follows it; `--wait-for-lock` waits until it has finished, and then goes on"
    ))]
    Busy {
        /// The stack.
        stack: String,
        /// Its state.
        status: StackStatus,
        /// ` since …`, if known.
        since: String,
        /// For whom, as far as it is known.
        by: String,
    },
    /// A stack of this name, not by spotstack.
    #[error("there is a stack `{stack}` that spotstack did not make, so it is left alone")]
    #[diagnostic(help(
        "give the spec another `stack:` name, or another Region or account; `deploy --adopt` makes it what the spec says, and removes all else that is in it"
    ))]
    NotOurs {
        /// The stack.
        stack: String,
    },
    /// A state without a way on.
    #[error("`{stack}` is stuck in {status}{reason}")]
    #[diagnostic(help("{}", unstick(status)))]
    Stuck {
        /// The stack.
        stack: String,
        /// Its state.
        status: StackStatus,
        /// `: ` and AWS's reason, if any.
        reason: String,
    },
    /// The groups that the spec names are not there, or cannot be a pair.
    #[error("the groups that another template made cannot be managed as the spec says; nothing was changed")]
    Groups {
        /// Everything that is wrong.
        #[related]
        problems: Vec<Problem>,
    },
    /// The bucket with our name for it is somebody else's.
    #[error("the bucket `{bucket}` is not this account's ({account}), or may not be seen by it: nothing was uploaded")]
    #[diagnostic(help(
        "`--artifact-bucket <name>` takes another bucket of this account in this Region; an account's administrator may also have to allow `s3:ListBucket` on it"
    ))]
    ForeignBucket {
        /// The bucket.
        bucket: String,
        /// Our account.
        account: String,
    },
    /// `--artifact-bucket` is not there.
    #[error("there is no bucket `{bucket}`")]
    #[diagnostic(help("make it, or leave out `--artifact-bucket`: spotstack then makes one of its own"))]
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// AWS Lambda reads code only from its own Region.
    #[error(
        "the bucket `{bucket}` is in {found}, and the stack in {wanted}: AWS Lambda reads code only from a bucket in its own Region"
    )]
    #[diagnostic(help("give `--artifact-bucket` a bucket in {wanted}, or leave it out"))]
    BucketElsewhere {
        /// The bucket.
        bucket: String,
        /// Where it is.
        found: String,
        /// Where it would have to be.
        wanted: String,
    },
    /// CloudFormation does not accept the template.
    #[error("CloudFormation refuses the change set: {reason}")]
    #[diagnostic(help("nothing was changed. {advice}"))]
    Refused {
        /// AWS's reason, and what its validation says.
        reason: String,
        /// What that means, and what to do.
        advice: String,
    },
    /// The plan file is about something else.
    #[error("this is not what was planned, so nothing was changed: {differences}")]
    #[diagnostic(help("`spotstack diff --out <file>` plans what is wanted now"))]
    OtherPlan {
        /// Every difference.
        differences: String,
    },
    /// The plan file cannot be carried out any more.
    #[error("the plan for `{stack}` cannot be carried out, so nothing was changed: {why}")]
    #[diagnostic(help("`spotstack diff --out <file>` plans anew"))]
    StalePlan {
        /// The stack.
        stack: String,
        /// Why.
        why: String,
    },
    /// There is nothing that a change set could be made of.
    #[error("the creation of `{stack}` failed, and CloudFormation only lets it be deleted: it cannot be planned")]
    #[diagnostic(help("`spotstack deploy` asks, deletes it and makes it anew; `spotstack destroy` deletes it"))]
    Unplannable {
        /// The stack.
        stack: String,
    },
    /// Termination protection.
    #[error("`{stack}` has termination protection, so it is not deleted")]
    #[diagnostic(help(
        "whoever switched it on may switch it off: `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {stack}`"
    ))]
    Protected {
        /// The stack.
        stack: String,
    },
    /// What should be recovered is not there.
    #[error("there is no stack `{stack}`")]
    #[diagnostic(help("`spotstack deploy` makes it"))]
    NoStack {
        /// The stack.
        stack: String,
    },
    /// What should be recovered is in a state from which something else is the way on.
    #[error("`{stack}` is in {status}, from which there is nothing to recover: {}", status.meaning())]
    #[diagnostic(help("{}", after_failure(status)))]
    NothingToRecover {
        /// The stack.
        stack: String,
        /// Its state.
        status: StackStatus,
    },
    /// `--skip` of something that is not stuck.
    #[error("`{id}` cannot be skipped: only what could not be brought back can, and that is {those}")]
    #[diagnostic(help("`spotstack recover` without `--skip` tries to bring everything back"))]
    CannotSkip {
        /// The logical id.
        id: String,
        /// Those that can be.
        those: String,
    },
    /// `--retain` where deleting has not failed, or of something else.
    #[error("`{id}` cannot be left behind: only what could not be deleted can, once deleting it has failed{those}")]
    #[diagnostic(help("`spotstack destroy` without `--retain` tries to delete everything"))]
    CannotRetain {
        /// The logical id.
        id: String,
        /// `, and that is …`, if there is any.
        those: String,
    },
    /// Somebody called it off, and it is undone.
    #[error("called off: `{stack}` is in {status}, {}", status.meaning())]
    Cancelled {
        /// The stack.
        stack: String,
        /// Its state.
        status: StackStatus,
    },
    /// Instances could not be replaced.
    #[error("the stack is deployed, but the instances of `{group}` were not all replaced: {status}{reason}")]
    #[diagnostic(help("those that are left go on as they were; `spotstack deploy --refresh` tries again"))]
    Refresh {
        /// The group.
        group: String,
        /// Auto Scaling's word.
        status: String,
        /// `: ` and Auto Scaling's reason, if any.
        reason: String,
    },
    /// Nobody watches any more while instances are replaced.
    #[error("{why}: the stack is deployed, and Auto Scaling goes on replacing the instances of `{group}` without us")]
    #[diagnostic(help(
        "`aws autoscaling describe-instance-refreshes --auto-scaling-group-name {group}` says how far it is"
    ))]
    RefreshGoesOn {
        /// The group.
        group: String,
        /// Why.
        why: String,
    },
    /// Instances were not replaced, or not in every group.
    #[error("the stack is deployed, but its instances could not all be replaced: {cause}")]
    #[diagnostic(help("what runs goes on as it was; `spotstack deploy --refresh` tries again{}", as_to(cause)))]
    NotRefreshed {
        /// Why.
        cause: CloudError,
    },
    /// CloudFormation still prepares the change set.
    #[error("CloudFormation has not finished the change set `{name}` in {}", seconds(*.after))]
    #[diagnostic(help("nothing was changed; deploy again in a minute"))]
    ChangeSetPending {
        /// The change set.
        name: String,
        /// How long we waited.
        after: Duration,
    },
    /// Ctrl-C before anything was changed.
    #[error("interrupted; nothing was changed, and nothing is left behind")]
    Stopped,
    /// The deployed template is none that we can read.
    #[error("the template of `{stack}` cannot be understood: it is {error}")]
    #[diagnostic(help(
        "`aws cloudformation get-template --stack-name {stack}` shows it; somebody deployed it by other means"
    ))]
    Template {
        /// The stack.
        stack: String,
        /// Why.
        error: DocumentError,
    },
    /// Asked, and not confirmed.
    #[error("not confirmed, so nothing was changed")]
    Declined,
    /// It ended elsewhere than wanted. The causes were told already, one by one.
    #[error("`{stack}` was not {verb}: {status}, {}", status.meaning())]
    #[diagnostic(help("{}", after_failure(status)))]
    Failed {
        /// The stack.
        stack: String,
        /// `deployed`, `destroyed` and the like.
        verb: &'static str,
        /// Its state.
        status: StackStatus,
    },
    /// `--timeout` is over.
    #[error("`{stack}` has not finished in {}; it goes on without us{now}", seconds(*.after))]
    #[diagnostic(help(
        "`spotstack status --watch` follows it, and so does the same command again; a longer `--timeout` waits longer"
    ))]
    TimedOut {
        /// The stack.
        stack: String,
        /// `--timeout`.
        after: Duration,
        /// ` (… now)`, the stack's state, if known.
        now: String,
    },
    /// Ctrl-C.
    #[error("interrupted; `{stack}` goes on without us{now}")]
    #[diagnostic(help("`spotstack status --watch` follows it, and so does the same command again"))]
    Interrupted {
        /// The stack.
        stack: String,
        /// ` (… now)`, the stack's state, if known.
        now: String,
    },
    /// It goes on, and we may not look any more.
    #[error("`{stack}` goes on, but cannot be followed: {cause}")]
    #[diagnostic(help("`spotstack status` says how it went{}", as_to(cause)))]
    LostSight {
        /// The stack.
        stack: String,
        /// Why.
        cause: CloudError,
    },
    /// The function is not what the stack says.
    #[error("the function `{function}` runs other code than the stack says ({found}, not {wanted})")]
    #[diagnostic(help(
        "somebody changed it behind CloudFormation's back, which therefore sees nothing to do. `aws lambda update-function-code --function-name {function} --s3-bucket {bucket} --s3-key {key}` puts it right"
    ))]
    OtherCode {
        /// The function.
        function: String,
        /// Its hash.
        found: String,
        /// The package's hash.
        wanted: String,
        /// The artifact bucket.
        bucket: String,
        /// The package's key.
        key: String,
    },
    /// A function that should be there is not.
    #[error("the stack gives no function for `{pair}`: {what}")]
    NoFunction {
        /// The pair.
        pair: String,
        /// What is missing.
        what: String,
    },
    /// The SpotManager does not work. Its own words were told already.
    #[error("the stack is deployed, but the SpotManager of `{pair}` fails when it is asked what it would do")]
    #[diagnostic(help("the end of its log is above; `spotstack explain {pair}` asks again"))]
    SelfTest {
        /// The pair.
        pair: String,
    },
}

impl DeployError {
    /// Whether AWS said no to a call of ours.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Cloud(error) if !error.is_passing())
    }
}

/// What mends a cause, where it is known.
fn as_to(cause: &CloudError) -> String {
    cause.advice().map(|advice| format!(". As to the cause: {advice}")).unwrap_or_default()
}

fn unstick(status: &StackStatus) -> String {
    match status.0.as_str() {
        "UPDATE_ROLLBACK_FAILED" => {
            "mend what the reason says, then `spotstack recover`, which names what is stuck and can skip it; then deploy again".into()
        }
        "DELETE_FAILED" => {
            "mend what the reason says, then `spotstack destroy` again; `--retain <id>` leaves in AWS what cannot be deleted".into()
        }
        _ => "`spotstack destroy` removes what is left of it; then deploy again".into(),
    }
}

fn after_failure(status: &StackStatus) -> String {
    match status.0.as_str() {
        "UPDATE_ROLLBACK_FAILED" | "DELETE_FAILED" | "ROLLBACK_FAILED" | "CREATE_FAILED" => unstick(status),
        "ROLLBACK_COMPLETE" => {
            "mend the cause and deploy again: it offers to delete the empty stack, which CloudFormation cannot update"
                .into()
        }
        _ => "mend the cause and deploy again".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(error: &dyn Diagnostic) -> String {
        error.help().map(|help| help.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_failure_says_what_its_state_means_and_what_to_do() {
        let failed = |status: &str| DeployError::Failed {
            stack: "media".into(),
            verb: "deployed",
            status: StackStatus(status.into()),
        };
        assert_eq!(
            failed("UPDATE_ROLLBACK_COMPLETE").to_string(),
            "`media` was not deployed: UPDATE_ROLLBACK_COMPLETE, everything is as it was before"
        );
        assert!(help(&failed("UPDATE_ROLLBACK_FAILED")).contains("spotstack recover"));
        assert!(help(&failed("ROLLBACK_COMPLETE")).contains("deploy again"));
    }
}
