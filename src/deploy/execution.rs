//! Having CloudFormation do something, and watching it; and what is said when it fails.

use super::audience::{Audience, Moment, Undo};
use super::cause;
use super::change_set::Change;
use super::cloud::{Cloud, Deletion, Proposed};
use super::error::DeployError;
use super::event::{Beginning, News};
use super::follow::{Ended, Operation, follow};
use super::origin::Origin;
use super::progress::Progress;
use super::stack::{Stack, StackStatus};
use super::trouble::CloudError;
use super::{Request, abouts};

/// What an operation is begun for.
#[derive(Clone, Copy)]
pub(super) struct Goal {
    /// «the stack was not …».
    verb: &'static str,
    is_reached: fn(&StackStatus) -> bool,
}

pub(super) const DEPLOYED: Goal = Goal { verb: "deployed", is_reached: StackStatus::is_deployed };
/// So that another one takes its place.
pub(super) const DELETED: Goal = Goal { verb: "deleted", is_reached: StackStatus::is_deleted };
/// For good.
pub(super) const DESTROYED: Goal = Goal { verb: "destroyed", is_reached: StackStatus::is_deleted };
pub(super) const RECOVERED: Goal =
    Goal { verb: "recovered", is_reached: |status| status.0 == "UPDATE_ROLLBACK_COMPLETE" };

/// How watching ended.
pub(super) enum Watched {
    /// The stack is deployed; how many seconds it took.
    Deployed(Box<Stack>, u64),
    /// Nobody watches: that was the wish.
    Detached,
}

/// Executes a change set and watches it.
///
/// # Errors
/// It fails, or cannot be watched to its end.
pub(super) async fn execute<C: Cloud, A: Audience>(
    request: &Request<'_>,
    (token, proposed, changes): (&str, &Proposed, &[Change]),
    creates: bool,
    cloud: &C,
    audience: &mut A,
) -> Result<Watched, DeployError> {
    let news = News::from_now_on(cloud, &proposed.stack_arn).await;
    if let Err(error) = cloud.execute_change_set(&proposed.arn, token).await {
        // The answer to an attempt may have been lost, and CloudFormation be at work.
        if !has_begun(token, proposed, request.stack, cloud).await {
            return Err(error.into());
        }
    }
    audience.hear(&Moment::Begun { stack_arn: &proposed.stack_arn });
    let undo = Some(if creates { Undo::Delete } else { Undo::GoBack });
    let progress = Progress::of_changes(request.stack, changes, abouts(request.template));
    let operation = Operation { news, undo, ..Operation::new(request.stack, &proposed.stack_arn, token) };
    deployed(request, operation, progress, cloud, audience).await
}

/// Goes on with what an earlier run of this deploy has begun.
///
/// # Errors
/// As [`execute`].
pub(super) async fn resume<C: Cloud, A: Audience>(
    request: &Request<'_>,
    stack: &Stack,
    beginning: Beginning,
    cloud: &C,
    audience: &mut A,
) -> Result<Watched, DeployError> {
    audience.hear(&Moment::Resumed { stack: &stack.name, status: &stack.status });
    let undo = match (beginning.status.as_str(), stack.status.0.as_str()) {
        ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS") => Some(Undo::Delete),
        (_, "UPDATE_IN_PROGRESS") => Some(Undo::GoBack),
        _ => None,
    };
    // What is to be done is as good as forgotten; it joins the list as it is done.
    let progress = Progress::of_changes(&stack.name, &[], abouts(request.template));
    let (news, token) = (Some(beginning.news), beginning.token.unwrap_or_default());
    let operation = Operation { news, undo, ..Operation::new(&stack.name, &stack.arn, &token) };
    deployed(request, operation, progress, cloud, audience).await
}

/// Watches a deploy, unless nobody wants to.
async fn deployed<C: Cloud, A: Audience>(
    request: &Request<'_>,
    operation: Operation<'_>,
    progress: Progress,
    cloud: &C,
    audience: &mut A,
) -> Result<Watched, DeployError> {
    if request.detach {
        return Ok(Watched::Detached);
    }
    let operation = Operation { timeout: request.timeout, ..operation };
    let (stack, seconds) = watch(operation, DEPLOYED, progress, request.origin, cloud, audience).await?;
    Ok(Watched::Deployed(Box::new(stack), seconds))
}

/// Watches an operation until its goal is reached: the stack as it is then, and how many seconds it took.
///
/// # Errors
/// It ends elsewhere, the audience having been told why; or it cannot be watched to its end.
pub(super) async fn watch<C: Cloud, A: Audience>(
    operation: Operation<'_>,
    goal: Goal,
    mut progress: Progress,
    origin: Option<Origin<'_>>,
    cloud: &C,
    audience: &mut A,
) -> Result<(Stack, u64), DeployError> {
    let begin = tokio::time::Instant::now();
    let (name, arn, token) = (operation.stack.to_owned(), operation.arn, operation.token);
    let Ended { stack, cancelled } = follow(operation, &mut progress, cloud, audience).await?;
    if (goal.is_reached)(&stack.status) {
        return Ok((stack, begin.elapsed().as_secs()));
    }
    let went_back = matches!(stack.status.0.as_str(), "UPDATE_ROLLBACK_COMPLETE" | "DELETE_COMPLETE");
    if cancelled && went_back {
        return Err(DeployError::Cancelled { stack: name, status: stack.status });
    }
    let causes = cause::of(&progress, arn, token, origin, cloud).await;
    audience.hear(&Moment::Failed {
        failures: &causes,
        cancelled: progress.cancelled(),
        reason: stack.reason.as_deref(),
    });
    Err(DeployError::Failed { stack: name, verb: goal.verb, status: stack.status })
}

/// Has CloudFormation begin to delete a stack.
///
/// # Errors
/// It does not.
pub(super) async fn begin_deletion(deletion: &Deletion<'_>, cloud: &impl Cloud) -> Result<(), CloudError> {
    let answer = cloud.delete_stack(deletion).await;
    // Not `DELETE_FAILED`, in which it may have been before.
    let goes = |stack: &Stack| matches!(stack.status.0.as_str(), "DELETE_IN_PROGRESS" | "DELETE_COMPLETE");
    asked_for(answer, deletion.stack_arn, cloud, |stack| stack.is_none_or(goes)).await
}

/// Whether the operation of this token has begun, although nobody said so.
async fn has_begun(token: &str, proposed: &Proposed, stack: &str, cloud: &impl Cloud) -> bool {
    let begun = Beginning::of(cloud, stack, &proposed.stack_arn).await;
    if begun.is_ok_and(|begun| begun.is_some_and(|begun| begun.token.as_deref() == Some(token))) {
        return true;
    }
    let page = cloud.change_set(&proposed.arn, None).await;
    page.is_ok_and(|page| matches!(page.execution.as_str(), "EXECUTE_IN_PROGRESS" | "EXECUTE_COMPLETE"))
}

/// Asks for something that changes the stack, and takes a lost answer for what it is: `is_so` looks whether it was done.
pub(super) async fn asked_for(
    answer: Result<(), CloudError>,
    stack_arn: &str,
    cloud: &impl Cloud,
    is_so: impl Fn(Option<&Stack>) -> bool,
) -> Result<(), CloudError> {
    let Err(error) = answer else { return Ok(()) };
    match cloud.stack(stack_arn).await {
        Ok(stack) if is_so(stack.as_ref()) => Ok(()),
        _ => Err(error),
    }
}
