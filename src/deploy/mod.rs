//! Deploying: from a rendered template to a stack that works.
//!
//! [`deploy`] is the ceremony, in order. What is decided on the way is decided by functions from data to data, next to it:
//! [`stack::way`] (how to go on from each state), [`groups`](mod@groups) (those that another template made), [`change_set`] (what would change), [`cascade`] (what that really reaches),
//! [`review`](mod@review) (the same for people), [`difference`](mod@difference) (all that without the rest), [`event`] (what is news), [`progress`] (how far it is, and the root cause). The two edges are traits: [`cloud::Cloud`] is
//! AWS, [`audience::Audience`] is whoever watches.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

pub mod artifact;
pub mod audience;
pub mod cascade;
pub mod change_set;
pub mod cloud;
pub mod destroy;
pub mod difference;
pub mod error;
pub mod event;
#[cfg(test)]
mod fake;
pub mod follow;
pub mod groups;
pub mod progress;
mod proposal;
pub mod review;
pub mod stack;
pub mod text;
pub mod verify;

pub use audience::{Audience, Moment, Question};
pub use cloud::Cloud;
pub use error::{CloudError, DeployError, Trouble};
pub use stack::{Stack, StackStatus};

use crate::package::{Package, hex};
use crate::plan::Plan;
use crate::template::Template;
use change_set::Change;
use cloud::Proposed;
use event::News;
use follow::{Operation, follow};
use progress::Progress;
use proposal::Ready;
use stack::{Way, way};

/// What is to be deployed, and how.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The stack's tags, which CloudFormation hands on to every resource that takes some.
    pub tags: &'a BTreeMap<String, String>,
    /// The pairs in it.
    pub pairs: &'a [PairName<'a>],
    /// Those of them whose groups another template made.
    pub groups: &'a [groups::Wanted<'a>],
    /// The document.
    pub template: &'a Template,
    /// The SpotManager's handler.
    pub package: &'a Package,
    /// The artifact bucket, if not spotstack's own.
    pub artifact_bucket: Option<&'a str>,
    /// The role that CloudFormation acts as, if not ours. It stays with the stack.
    pub role: Option<&'a str>,
    /// The change set's name: see [`change_set_name`].
    pub change_set: &'a str,
    /// Not to be asked.
    pub yes: bool,
    /// Whether to do what the change set says, or to leave it for somebody else to execute.
    pub execute: bool,
    /// How long to watch.
    pub timeout: Option<Duration>,
}

/// A pair, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairName<'a> {
    /// In the spec: `gpu`.
    pub name: &'a str,
    /// The prefix of its logical ids: `Gpu`.
    pub id: &'a str,
}

impl<'a> PairName<'a> {
    /// The pairs of a plan.
    pub fn all(plan: &'a Plan) -> Vec<Self> {
        plan.pairs.iter().map(|pair| Self { name: &pair.name, id: &pair.id }).collect()
    }
}

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
    /// It is done, and it works.
    Deployed,
}

/// A name for a change set: unique, so that two deploys at once cannot execute each other's, and the same for one deploy
/// however often it has to ask.
pub fn change_set_name(now: SystemTime, process: u32, template: &str) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut unique = Sha256::new();
    unique.update(since.as_nanos().to_le_bytes());
    unique.update(process.to_le_bytes());
    unique.update(template);
    format!("spotstack-{}-{}", since.as_secs(), &hex(&unique.finalize())[..12])
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
    let stack = cloud.stack(request.stack).await?;
    let way = way(stack.as_ref())?;
    audience.hear(&Moment::Target {
        stack: request.stack,
        region: &identity.region,
        account: &identity.account,
        status: stack.as_ref().map(|stack| stack.status.0.as_str()),
    });

    let groups = groups::find(request.groups, request.stack, stack.as_ref(), cloud, audience).await?;
    let bucket = artifact::bucket(request.artifact_bucket, &identity, cloud, audience).await?;
    artifact::handler(request.package, &bucket, &identity, cloud, audience).await?;
    if let (Way::Renew, Some(stack)) = (way, &stack) {
        remove(stack, request, cloud, audience).await?;
    }

    let asked = proposal::ask(request, (way, stack.as_ref()), groups, &bucket, &identity, cloud, audience).await?;
    let Some(Ready { proposed, changes, leftovers }) = asked else {
        return unchanged(request, stack, &bucket, cloud, audience).await;
    };

    let pair_ids: Vec<_> = request.pairs.iter().map(|pair| pair.id).collect();
    let (changes, unaffected) = cascade::settle(changes, |id| replaces_itself(request.template, id));
    let review = review::review(&changes, unaffected, &pair_ids, |id| request.template.description(id));
    audience.hear(&Moment::Reviewed(&review));
    if !request.execute {
        return Ok(Outcome::Left { change_set: proposed.arn });
    }
    if !request.yes && !audience.ask(&Question::Deploy).await {
        leftovers.clear(request.change_set, cloud, audience).await;
        return Err(DeployError::Declined);
    }

    let (stack, seconds) = execute(request, &proposed, &changes, cloud, audience).await?;
    audience.hear(&Moment::Ended { status: &stack.status, outputs: &stack.outputs, seconds: Some(seconds) });
    verify::code(request.pairs, &stack.outputs, request.package, &bucket, cloud, audience).await?;
    verify::self_test(request.pairs, &stack.outputs, cloud, audience).await?;
    Ok(Outcome::Deployed)
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

/// Executes what was shown and watches it; the stack, and how many seconds it took.
async fn execute<C: Cloud, A: Audience>(
    request: &Request<'_>,
    proposed: &Proposed,
    changes: &[Change],
    cloud: &C,
    audience: &mut A,
) -> Result<(Stack, u64), DeployError> {
    let name = request.stack;
    let news = News::from_now_on(cloud, &proposed.stack_arn).await.ok();
    cloud.execute_change_set(&proposed.arn, request.change_set).await?;
    audience.hear(&Moment::Begun { stack_arn: &proposed.stack_arn });
    let begin = tokio::time::Instant::now();
    let mut progress = Progress::of_changes(name, changes, abouts(request.template));
    let operation = Operation { stack: name, arn: &proposed.stack_arn, news, timeout: request.timeout };
    let stack = follow(operation, &mut progress, cloud, audience).await?;
    if stack.status.is_deployed() {
        return Ok((stack, begin.elapsed().as_secs()));
    }
    audience.hear(&Moment::Failed {
        failures: progress.failures(),
        cancelled: progress.cancelled(),
        reason: stack.reason.as_deref(),
    });
    Err(DeployError::Failed { stack: name.into(), verb: "deployed", status: stack.status })
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
    if !request.yes && !audience.can_answer() {
        return Err(DeployError::NeedsYes {
            how: "the stack's creation failed, and it has to be deleted first; `--yes` does so without asking",
        });
    }
    let question = Question::Renew { stack: &stack.name, reason: stack.reason.as_deref() };
    if !request.yes && !audience.ask(&question).await {
        return Err(DeployError::Declined);
    }
    let news = News::from_now_on(cloud, &stack.arn).await.ok();
    cloud.delete_stack(&stack.arn, &format!("{}-remove", request.change_set), request.role).await?;
    let mut progress = Progress::of_deletion(&stack.name, &[], abouts(request.template));
    let operation = Operation { stack: &stack.name, arn: &stack.arn, news, timeout: request.timeout };
    let ended = follow(operation, &mut progress, cloud, audience).await?;
    if ended.status.is_deleted() {
        return Ok(());
    }
    audience.hear(&Moment::Failed {
        failures: progress.failures(),
        cancelled: progress.cancelled(),
        reason: ended.reason.as_deref(),
    });
    Err(DeployError::Failed { stack: stack.name.clone(), verb: "deleted", status: ended.status })
}

#[cfg(test)]
mod tests;
