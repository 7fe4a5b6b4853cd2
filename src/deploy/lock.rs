//! A stack on which CloudFormation is at work: by whom, and whether to wait, to go on with it, or to refuse.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::audience::{Audience, Moment};
use super::cloud::Cloud;
use super::error::DeployError;
use super::event::Beginning;
use super::follow::{Operation, follow};
use super::progress::Progress;
use super::request::wants_the_same;
use super::stack::{Stack, busy};

/// Whether the stack is ours to change now.
#[derive(Debug)]
pub(super) enum Lock {
    /// It is, as it is now; `None` if there is none.
    Free(Option<Stack>),
    /// CloudFormation does already what we want: an earlier run of this deploy has begun it, and went away.
    Ours(Stack, Beginning),
}

/// The stack once CloudFormation has finished, which is waited for if `patience` says so.
///
/// # Errors
/// It is still at work when the patience ends.
pub(super) async fn free<C: Cloud, A: Audience>(
    stack: Option<Stack>,
    token: &str,
    patience: Option<Duration>,
    cloud: &C,
    audience: &mut A,
) -> Result<Option<Stack>, DeployError> {
    match take(stack, (token, false), patience, cloud, audience).await? {
        Lock::Free(stack) => Ok(stack),
        Lock::Ours(stack, _) => Ok(Some(stack)),
    }
}

/// The same, unless CloudFormation is at work on what we want ourselves, for who `resumes`: `token` is what we call it.
///
/// # Errors
/// It is still at work when the patience ends.
pub(super) async fn take<C: Cloud, A: Audience>(
    mut stack: Option<Stack>,
    (token, resumes): (&str, bool),
    patience: Option<Duration>,
    cloud: &C,
    audience: &mut A,
) -> Result<Lock, DeployError> {
    let begin = Instant::now();
    loop {
        let Some(at_work) = stack.as_ref().filter(|stack| stack.status.is_in_progress()) else {
            return Ok(Lock::Free(stack));
        };
        // Who may not read events waits without knowing for whom.
        let beginning = Beginning::of(cloud, &at_work.name, &at_work.arn).await.ok().flatten();
        let theirs = beginning.as_ref().and_then(|beginning| beginning.token.as_deref());
        let by = whose(theirs);
        let is_deletion = at_work.status.0.starts_with("DELETE");
        if resumes
            && !is_deletion
            && theirs.is_some_and(|theirs| wants_the_same(theirs, token))
            && let Some(beginning) = beginning
        {
            return Ok(Lock::Ours(at_work.clone(), beginning));
        }
        let left = patience.map(|patience| patience.saturating_sub(begin.elapsed())).filter(|left| !left.is_zero());
        let Some(left) = left else { return Err(busy(at_work, by)) };
        audience.hear(&Moment::WaitingFor {
            stack: &at_work.name,
            status: &at_work.status,
            by,
            at_most: left.as_secs(),
        });
        let mut progress = Progress::of_changes(&at_work.name, &[], BTreeMap::new());
        let (news, timeout) = (beginning.map(|beginning| beginning.news), Some(left));
        let operation = Operation { news, timeout, ..Operation::new(&at_work.name, &at_work.arn, token) };
        match follow(operation, &mut progress, cloud, audience).await {
            Ok(_) => {}
            Err(DeployError::TimedOut { .. }) => return Err(busy(at_work, by)),
            Err(error) => return Err(error),
        }
        stack = cloud.stack(&at_work.name).await?;
    }
}

/// Who has begun an operation, as far as its token tells.
fn whose(token: Option<&str>) -> &'static str {
    match token {
        Some(token) if token.starts_with("spotstack-") => "another run of spotstack",
        Some(token) if token.starts_with("Console-") => "somebody in the console",
        _ => "somebody else",
    }
}
