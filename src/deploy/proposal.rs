//! A change set, asked for and read; and nothing left of it unless somebody goes on with it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;

use super::audience::{Audience, Moment};
use super::change_set::{self, Change, Reading};
use super::cloud::{Cloud, Deletion, Failing, Identity, Proposal, Proposed};
use super::error::DeployError;
use super::hint::{Denied, hint_for};
use super::origin::Origin;
use super::saved::Saved;
use super::stack::{Stack, Way};
use super::trouble::Trouble;
use super::{Request, artifact, capability};

/// A change set that is ready.
pub(super) struct Ready {
    pub(super) proposed: Proposed,
    /// Everything that it would do.
    pub(super) changes: Vec<Change>,
    pub(super) leftovers: Leftovers,
}

/// Asks for the change set that a request needs, its parameters for `groups` filled, and reads all of it; `None` where there is
/// nothing to do. Whatever happens but a ready change set, Ctrl-C among it, nothing is left behind.
pub(super) async fn ask<C: Cloud, A: Audience>(
    request: &Request<'_>,
    (way, stack): (Way, Option<&Stack>),
    groups: BTreeMap<String, String>,
    bucket: &str,
    identity: &Identity,
    cloud: &C,
    audience: &mut A,
) -> Result<Option<Ready>, DeployError> {
    let proposal = Proposal {
        name: request.change_set.into(),
        stack: request.stack.into(),
        create: way != Way::Update,
        template: artifact::document(&request.template.text, bucket, identity, cloud, audience).await?,
        parameters: parameters(request, groups, bucket),
        tags: request.tags.clone(),
        role: request.role.map(Into::into),
        notifications: request.notifications.to_vec(),
        capabilities: capability::needed(&request.template.to_json()),
    };
    // Who interrupts this call would not know what it has made: it is waited for.
    let (proposed, interrupted) = waited_for(cloud.create_change_set(&proposal), audience.interrupted()).await;
    let proposed = proposed?;
    let made_stack = (way == Way::Renew || stack.is_none()).then(|| proposed.stack_arn.clone());
    let leftovers = Leftovers { change_set: proposed.arn.clone(), made_stack };
    let reading = if interrupted {
        Err(DeployError::Stopped)
    } else {
        tokio::select! {
            biased;
            () = audience.interrupted() => Err(DeployError::Stopped),
            read = change_set::read(cloud, &proposed.arn, request.change_set) => read,
        }
    };
    let result = match reading {
        Ok(Reading::Ready(changes)) => return Ok(Some(Ready { proposed, changes, leftovers })),
        Ok(Reading::NoChange) => Ok(None),
        Ok(Reading::Failed(reason)) => Err(refused(reason, &proposed.arn, request.origin, cloud).await),
        Err(error) => Err(error),
    };
    leftovers.clear(request.change_set, cloud, audience).await;
    result
}

/// What the template's parameters are filled with; `groups` with what was found of groups that another template made.
pub(super) fn parameters(
    request: &Request<'_>,
    mut groups: BTreeMap<String, String>,
    bucket: &str,
) -> BTreeMap<String, String> {
    groups.insert("ArtifactBucket".into(), bucket.into());
    groups.insert("HandlerKey".into(), request.package.key());
    groups
}

/// Does something to its end, and says whether somebody wanted to interrupt it.
async fn waited_for<T>(work: impl Future<Output = T>, interrupt: impl Future<Output = ()>) -> (T, bool) {
    let (mut work, interrupt) = (pin!(work), pin!(interrupt));
    tokio::select! {
        biased;
        done = &mut work => (done, false),
        () = interrupt => (work.await, true),
    }
}

/// The change set of a plan file, as it is now; `None` where there was nothing to do.
pub(super) async fn recall(plan: &Saved, cloud: &impl Cloud) -> Result<Option<Ready>, DeployError> {
    let Some(saved) = &plan.change_set else { return Ok(None) };
    let gone = |why: String| DeployError::StalePlan { stack: plan.stack.clone(), why };
    let page = match cloud.change_set(&saved.arn, None).await {
        Ok(page) => page,
        Err(error) if error.trouble == Trouble::Missing || error.code.starts_with("ChangeSetNotFound") => {
            return Err(gone("its change set is gone: it was deleted, or the stack was changed since".into()));
        }
        Err(error) => return Err(error.into()),
    };
    match page.execution.as_str() {
        "EXECUTE_COMPLETE" => return Err(gone("it was deployed already".into())),
        "AVAILABLE" | "" => {}
        other => return Err(gone(format!("its change set cannot be executed any more ({other})"))),
    }
    let proposed = Proposed { arn: saved.arn.clone(), stack_arn: saved.stack_arn.clone() };
    let leftovers = Leftovers { change_set: saved.arn.clone(), made_stack: None };
    match change_set::read(cloud, &saved.arn, &saved.name).await? {
        Reading::Ready(changes) => Ok(Some(Ready { proposed, changes, leftovers })),
        Reading::NoChange => Ok(None),
        Reading::Failed(reason) => Err(gone(format!("its change set failed: {reason}"))),
    }
}

/// The error of a change set that failed: the reason, what CloudFormation's own validation found, which the reason only hints
/// at, and what that means.
async fn refused(reason: String, change_set: &str, origin: Option<Origin<'_>>, cloud: &impl Cloud) -> DeployError {
    // Best effort: not everybody may read these, and the reason is there.
    let findings = cloud.failed_events(Failing::ChangeSet(change_set)).await.unwrap_or_default();
    let (mut told, mut advice) = (reason.clone(), hint_for(&reason));
    for finding in &findings {
        told.push_str("\n  ");
        told.push_str(&finding.line());
        let hint = hint_for(&finding.line());
        let topic = hint.and_then(|hint| hint.topic);
        let id = finding.logical_id.as_deref().unwrap_or_default();
        let kind = finding.resource_type.as_deref().unwrap_or_default();
        if let Some(place) = origin.and_then(|origin| origin.of(id, kind, &finding.reason, topic)) {
            told.push_str(&format!(" ({place})"));
        }
        advice = advice.or(hint);
    }
    let statement = Denied::of(&told).map(|denied| format!(": {}", denied.statement())).unwrap_or_default();
    DeployError::Refused {
        reason: told,
        advice: advice.map_or_else(
            || {
                "if the blueprints are spotstack's own, this is a fault of spotstack: please report it with this text"
                    .into()
            },
            |hint| format!("{}; {}{statement}", hint.meaning, hint.next),
        ),
    }
}

/// What a change set that is not executed leaves behind.
pub(super) struct Leftovers {
    change_set: String,
    /// The empty stack that asking for the change set made, if it did.
    made_stack: Option<String>,
}

impl Leftovers {
    /// Takes away what we made, and only that: an empty stack that was there before may have others' change sets.
    pub(super) async fn clear<C: Cloud, A: Audience>(&self, token: &str, cloud: &C, audience: &mut A) {
        let mut cleared = cloud.delete_change_set(&self.change_set).await;
        if let (Ok(()), Some(stack)) = (&cleared, &self.made_stack) {
            let token = &format!("{token}-clear");
            cleared = cloud.delete_stack(&Deletion { stack_arn: stack, token, role: None, retain: &[] }).await;
        }
        if let Err(error) = cleared {
            audience.hear(&Moment::Warning { text: &format!("the change set could not be cleared away: {error}") });
        }
    }
}
