//! Having done what was shown, and watching it; and what is said when it fails.

use super::audience::{Audience, Moment};
use super::cause;
use super::change_set::Change;
use super::cloud::{Cloud, Proposed};
use super::error::DeployError;
use super::event::{Beginning, News};
use super::follow::{Ended, Operation, Undo, follow};
use super::origin::Origin;
use super::progress::Progress;
use super::stack::Stack;
use super::trouble::CloudError;
use super::{Request, abouts};

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
    let news = News::from_now_on(cloud, &proposed.stack_arn).await.ok();
    if let Err(error) = cloud.execute_change_set(&proposed.arn, token).await {
        // The answer to an attempt may have been lost, and CloudFormation be at work.
        if !has_begun(token, proposed, request.stack, cloud).await {
            return Err(error.into());
        }
    }
    audience.hear(&Moment::Begun { stack_arn: &proposed.stack_arn });
    if request.detach {
        return Ok(Watched::Detached);
    }
    let undo = if creates { Undo::Delete } else { Undo::GoBack };
    let mut progress = Progress::of_changes(request.stack, changes, abouts(request.template));
    let operation = Operation {
        stack: request.stack,
        arn: &proposed.stack_arn,
        news,
        timeout: request.timeout,
        undo: Some(undo),
        token,
    };
    watch(request, operation, &mut progress, cloud, audience).await
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
    if request.detach {
        return Ok(Watched::Detached);
    }
    let undo = match (beginning.status.as_str(), stack.status.0.as_str()) {
        ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS") => Some(Undo::Delete),
        (_, "UPDATE_IN_PROGRESS") => Some(Undo::GoBack),
        _ => None,
    };
    // What is to be done is as good as forgotten; it joins the list as it is done.
    let mut progress = Progress::of_changes(&stack.name, &[], abouts(request.template));
    let token = beginning.token.unwrap_or_default();
    let operation = Operation {
        stack: &stack.name,
        arn: &stack.arn,
        news: Some(beginning.news),
        timeout: request.timeout,
        undo,
        token: &token,
    };
    watch(request, operation, &mut progress, cloud, audience).await
}

async fn watch<C: Cloud, A: Audience>(
    request: &Request<'_>,
    operation: Operation<'_>,
    progress: &mut Progress,
    cloud: &C,
    audience: &mut A,
) -> Result<Watched, DeployError> {
    let begin = tokio::time::Instant::now();
    let (arn, token) = (operation.arn, operation.token);
    let ended = follow(operation, progress, cloud, audience).await?;
    if ended.stack.status.is_deployed() {
        return Ok(Watched::Deployed(Box::new(ended.stack), begin.elapsed().as_secs()));
    }
    Err(failed(ended, "deployed", progress, (arn, token), request.origin, cloud, audience).await)
}

/// Tells why an operation did not end as wanted, and makes the error of it.
pub(super) async fn failed<C: Cloud, A: Audience>(
    ended: Ended,
    verb: &'static str,
    progress: &Progress,
    (stack_arn, token): (&str, &str),
    origin: Option<Origin<'_>>,
    cloud: &C,
    audience: &mut A,
) -> DeployError {
    let Ended { stack, cancelled } = ended;
    let name = progress.stack().to_owned();
    let went_back = matches!(stack.status.0.as_str(), "UPDATE_ROLLBACK_COMPLETE" | "DELETE_COMPLETE");
    if cancelled && went_back {
        return DeployError::Cancelled { stack: name, status: stack.status };
    }
    let causes = cause::of(progress, stack_arn, token, origin, cloud).await;
    audience.hear(&Moment::Failed {
        failures: &causes,
        cancelled: progress.cancelled(),
        reason: stack.reason.as_deref(),
    });
    DeployError::Failed { stack: name, verb, status: stack.status }
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
