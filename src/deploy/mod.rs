//! Deploying: from a rendered template to a stack that works.
//!
//! [`deploy`] is the ceremony, in order; [`destroy`](mod@destroy) and [`recover`](mod@recover) are those of taking a stack away
//! and of getting one going again. What is decided on the way is decided by functions from data to data, next to it:
//! [`stack::way`] (how to go on from each state), [`groups`](mod@groups) (those that another template made), [`change_set`] (what
//! would change), [`cascade`] (what that really reaches), [`review`](mod@review) (the same for people), [`difference`] (all that
//! without the rest), [`saved`] (a plan file), [`event`] (what is news), [`progress`] (how far it is), [`cause`] (why it failed).
//! The two edges are traits: [`cloud::Cloud`] is AWS, [`audience::Audience`] is whoever watches.

use std::collections::BTreeMap;

pub mod artifact;
pub mod audience;
pub mod capability;
pub mod cascade;
pub mod cause;
pub mod change_set;
pub mod cloud;
mod deployed;
pub mod destroy;
pub mod difference;
pub mod error;
pub mod event;
mod execution;
#[cfg(test)]
mod fake;
pub mod fleet;
pub mod follow;
pub mod groups;
pub mod hint;
mod lock;
pub mod origin;
mod pace;
pub mod progress;
mod proposal;
pub mod recover;
mod refresh;
pub mod request;
pub mod review;
pub mod running;
pub mod saved;
pub mod stack;
pub mod text;
pub mod trouble;
pub mod verify;

pub use audience::{Audience, Moment, Question};
pub use cloud::Cloud;
pub use error::DeployError;
pub use request::{PairName, Request, change_set_name, fingerprint};
pub use stack::{Stack, StackStatus};
pub use trouble::{CloudError, Trouble};

use crate::template::Template;
use change_set::Change;
use cloud::Deletion;
use event::News;
use execution::{DELETED, Watched, begin_deletion, execute, resume, watch};
use follow::Operation;
use lock::{Lock, take};
use progress::Progress;
use proposal::Ready;
use stack::{Way, way};

/// How it ended, when it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The stack was as the template says.
    NoChange,
    /// The change set is left to be executed.
    Left {
        /// Its ARN.
        change_set: String,
    },
    /// CloudFormation is at work, and nobody watches.
    Detached,
    /// It is done, and it works.
    Deployed,
}

/// Brings the stack to what the template says.
///
/// # Errors
/// Everything in [`DeployError`]; what was told to the audience before is part of the explanation.
pub async fn deploy<C: Cloud, A: Audience>(
    request: &Request<'_>,
    cloud: &C,
    audience: &mut A,
) -> Result<Outcome, DeployError> {
    if request.execute && !request.yes && !audience.can_answer() {
        return Err(DeployError::NeedsYes {
            how: "`--yes` deploys without asking; `--no-execute` leaves the change set for somebody to review",
        });
    }
    let identity = cloud.identity().await?;
    if let Some(plan) = request.plan {
        plan.check(request, &identity)?;
    }
    let stack = cloud.stack(request.stack).await?;
    stack::owned(stack.as_ref(), request.adopt)?;
    audience.hear(&Moment::Target {
        stack: request.stack,
        region: &identity.region,
        account: &identity.account,
        status: stack.as_ref().map(|stack| stack.status.0.as_str()),
    });
    let token = request.plan.and_then(|plan| plan.change_set.as_ref()).map_or(request.change_set, |saved| &saved.name);
    // Who only wants to look at the changes does not watch somebody do them.
    let own = (token, request.execute);
    let stack = match take(stack, own, request.wait_for_lock, cloud, audience).await? {
        Lock::Free(stack) => stack,
        Lock::Ours(stack, beginning) => {
            let bucket = artifact::name_in(&stack, request.artifact_bucket, &identity);
            let watched = resume(request, &stack, beginning, cloud, audience).await?;
            return finish(request, watched, &bucket, cloud, audience).await;
        }
    };
    let way = way(stack.as_ref())?;
    if way == Way::Renew && request.plan.is_some() {
        return Err(DeployError::Unplannable { stack: request.stack.into() });
    }

    let groups = groups::find(request.groups, request.stack, stack.as_ref(), cloud, audience).await?;
    let asked =
        request.plan.map(|plan| plan.artifact_bucket.as_str()).filter(|name| *name != artifact::bucket_name(&identity));
    let bucket = artifact::bucket(asked.or(request.artifact_bucket), &identity, cloud, audience).await?;
    artifact::handler(request.package, &bucket, &identity, cloud, audience).await?;
    if let (Way::Renew, Some(stack)) = (way, &stack) {
        remove(stack, request, cloud, audience).await?;
    }

    let asked = match request.plan {
        Some(plan) => proposal::recall(plan, cloud).await?,
        None => proposal::ask(request, (way, stack.as_ref()), groups, &bucket, &identity, cloud, audience).await?,
    };
    let Some(Ready { proposed, changes, leftovers }) = asked else {
        return unchanged(request, stack, &bucket, cloud, audience).await;
    };

    let (review, changes) = reviewed(request, (way, stack.as_ref()), &changes, cloud, audience).await;
    audience.hear(&Moment::Reviewed(&review));
    if let Some(stack) = stack.as_ref().filter(|_| way != Way::Renew) {
        tell_others(stack, token, cloud, audience).await;
    }
    if !request.execute {
        return Ok(Outcome::Left { change_set: proposed.arn });
    }
    if !request.yes && !audience.ask(&Question::Deploy).await {
        // A plan is somebody's to keep.
        if request.plan.is_none() {
            leftovers.clear(request.change_set, cloud, audience).await;
        }
        return Err(DeployError::Declined);
    }
    let watched = execute(request, (token, &proposed, &changes), way != Way::Update, cloud, audience).await;
    // It was refused, and not merely unanswered: then nothing has begun, and nothing of it is worth keeping.
    if watched.as_ref().is_err_and(DeployError::is_refusal) && request.plan.is_none() {
        leftovers.clear(request.change_set, cloud, audience).await;
    }
    let watched = watched?;
    finish(request, watched, &bucket, cloud, audience).await
}

/// The changes in words, with what runs where they reach; and the changes that are left when it is known what they reach.
async fn reviewed<C: Cloud, A: Audience>(
    request: &Request<'_>,
    (way, stack): (Way, Option<&Stack>),
    changes: &[Change],
    cloud: &C,
    audience: &mut A,
) -> (review::Review, Vec<Change>) {
    let pair_ids: Vec<_> = request.pairs.iter().map(|pair| pair.id).collect();
    let (changes, unaffected) = cascade::settle(changes.to_vec(), |id| replaces_itself(request.template, id));
    let mut review = review::review(&changes, unaffected, &pair_ids, |id| request.template.description(id));
    if let Some(stack) = stack.filter(|_| way == Way::Update && running::reaches_a_group(&changes)) {
        match running::read(request.pairs, &stack.outputs, cloud).await {
            Ok(running) => review.notes.extend(running::notes(&running, request.pairs, &changes, request.template)),
            Err(error) => {
                let text = format!("what runs in the groups could not be looked up: {error}");
                audience.hear(&Moment::Warning { text: &text });
            }
        }
    }
    (review, changes)
}

/// Says which other change sets wait on the stack: CloudFormation deletes them when ours is executed.
async fn tell_others<C: Cloud, A: Audience>(stack: &Stack, own: &str, cloud: &C, audience: &mut A) {
    // Not everybody may list them; they change nothing of what we do.
    let mut others = cloud.change_sets(&stack.name).await.unwrap_or_default();
    others.retain(|other| other.name != own);
    if !others.is_empty() {
        audience.hear(&Moment::OtherChangeSets { stack: &stack.name, others: &others });
    }
}

/// Whether a group is to be replaced as a whole by its own update policy; spotstack's blueprints have none, a user's may.
fn replaces_itself(template: &Template, logical_id: &str) -> bool {
    let resource = template.resources().find(|(id, _)| *id == logical_id).map(|(_, resource)| resource);
    resource.and_then(|resource| resource.get("UpdatePolicy")?.get("AutoScalingReplacingUpdate")).is_some()
}

/// What each resource is for, in the template's words.
fn abouts(template: &Template) -> BTreeMap<String, String> {
    let about = |id: &str| Some((id.to_owned(), template.description(id)?.to_owned()));
    template.resources().filter_map(|(id, _)| about(id)).collect()
}

/// What CloudFormation does not do: sees that it works, and replaces what runs, if that was asked for.
async fn finish<C: Cloud, A: Audience>(
    request: &Request<'_>,
    watched: Watched,
    bucket: &str,
    cloud: &C,
    audience: &mut A,
) -> Result<Outcome, DeployError> {
    let Watched::Deployed(stack, seconds) = watched else { return Ok(Outcome::Detached) };
    audience.hear(&Moment::Ended { status: &stack.status, outputs: &stack.outputs, seconds: Some(seconds) });
    verify::code(request.pairs, &stack.outputs, request.package, bucket, cloud, audience).await?;
    verify::self_test(request.pairs, &stack.outputs, cloud, audience).await?;
    if request.refresh {
        refresh::refresh(request, &stack, cloud, audience).await?;
    }
    Ok(Outcome::Deployed)
}

/// Nothing to do for CloudFormation, which does not see code that was changed behind its back.
async fn unchanged<C: Cloud, A: Audience>(
    request: &Request<'_>,
    stack: Option<Stack>,
    bucket: &str,
    cloud: &C,
    audience: &mut A,
) -> Result<Outcome, DeployError> {
    if let Some(stack) = stack {
        audience.hear(&Moment::Ended { status: &stack.status, outputs: &stack.outputs, seconds: None });
        verify::code(request.pairs, &stack.outputs, request.package, bucket, cloud, audience).await?;
        if request.refresh && request.execute {
            refresh::refresh(request, &stack, cloud, audience).await?;
        }
    }
    Ok(Outcome::NoChange)
}

/// Deletes a stack that was never made whole.
async fn remove<C: Cloud, A: Audience>(
    stack: &Stack,
    request: &Request<'_>,
    cloud: &C,
    audience: &mut A,
) -> Result<(), DeployError> {
    if stack.protected {
        return Err(DeployError::Protected { stack: stack.name.clone() });
    }
    if !request.yes && !audience.can_answer() {
        return Err(DeployError::NeedsYes {
            how: "the stack's creation failed, and it has to be deleted first; `--yes` does so without asking",
        });
    }
    let question = Question::Renew { stack: &stack.name, reason: stack.reason.as_deref() };
    if !request.yes && !audience.ask(&question).await {
        return Err(DeployError::Declined);
    }
    let news = News::from_now_on(cloud, &stack.arn).await;
    let token = &format!("{}-remove", request.change_set);
    begin_deletion(&Deletion { stack_arn: &stack.arn, token, role: request.role, retain: &[] }, cloud).await?;
    let progress = Progress::of_deletion(&stack.name, &[], abouts(request.template));
    let timeout = request.timeout;
    let operation = Operation { news, timeout, ..Operation::new(&stack.name, &stack.arn, token) };
    watch(operation, DELETED, progress, request.origin, cloud, audience).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
