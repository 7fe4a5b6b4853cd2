//! What a deploy would change in the stack that is there, without changing anything.

use std::collections::BTreeMap;

use super::proposal::{ask, parameters};
use super::saved::Saved;
use super::stack::{Stack, Way, owned, way};
use super::{Audience, Cloud, DeployError, Request, artifact, groups, reviewed};
use crate::template::LARGEST_INLINE;
use crate::template::diff::{Document, Entry, Mark, Replacement, Review, ValueChange, diff};

/// What differs, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What would change.
    pub review: Review,
    /// With what it was compared.
    pub against: Against,
    /// What `deploy` can be held to, where a plan was asked for.
    pub plan: Option<Saved>,
}

/// By what a comparison is made, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Our own eyes: the stack's template is read.
    Template,
    /// A change set, which is deleted again.
    ChangeSet,
    /// A change set that stays, for a plan to name; it makes an empty stack where there is none.
    Plan,
}

/// With what a template is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// There is no stack: everything is new.
    Nothing,
    /// The stack's template, by our own eyes.
    Template,
    /// The stack, by CloudFormation's: a change set.
    ChangeSet,
}

/// Compares the template with the stack. But for a plan nothing is left behind, however this returns, and nothing is made for a
/// stack that does not exist. A template too large for a request goes through the artifact bucket; nothing else is uploaded,
/// because a change set needs the handler's key only.
///
/// # Errors
/// Everything in [`DeployError`] that stands in the way of a change set.
pub async fn difference<C: Cloud, A: Audience>(
    request: &Request<'_>,
    by: By,
    cloud: &C,
    audience: &mut A,
) -> Result<Difference, DeployError> {
    let wanted = Document::of(request.template);
    let stack = cloud.stack(request.stack).await?.filter(|stack| !stack.status.is_deleted());
    // A stack that was never made whole is deleted first, so that everything is new; and in an empty one there is nothing.
    let new = |stack: &Stack| matches!(stack.status.0.as_str(), "REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE");
    let there = stack.as_ref().filter(|stack| !new(stack));
    if there.is_none() && by != By::Plan {
        let review = diff(&Document::empty(), &wanted);
        return Ok(Difference { review, against: Against::Nothing, plan: None });
    }
    if by != By::Template {
        owned(stack.as_ref(), request.adopt)?;
    }
    let way = if by == By::Template { Way::Update } else { way(stack.as_ref())? };
    if way == Way::Renew {
        return Err(DeployError::Unplannable { stack: request.stack.into() });
    }
    let deployed = match there {
        Some(stack) => {
            let text = cloud.template(&stack.arn).await?;
            let unreadable = |error| DeployError::Template { stack: stack.name.clone(), error };
            Document::read(&text).map_err(unreadable)?
        }
        None => Document::empty(),
    };
    let mut seen = diff(&deployed, &wanted);
    if let (By::Template, Some(stack)) = (by, there) {
        seen.document.extend(parameter_changes(request, stack));
        return Ok(Difference { review: seen, against: Against::Template, plan: None });
    }

    let identity = cloud.identity().await?;
    let bucket = match request.template.text.len() > LARGEST_INLINE {
        true => artifact::bucket(request.artifact_bucket, &identity, cloud, audience).await?,
        false => request.artifact_bucket.map_or_else(|| artifact::bucket_name(&identity), Into::into),
    };
    let groups = groups::find(request.groups, request.stack, stack.as_ref(), cloud, audience).await?;
    let ready = ask(request, (way, stack.as_ref()), groups, &bucket, &identity, cloud, audience).await?;
    let mut review = Review::default();
    let mut proposed = None;
    if let Some(ready) = ready {
        if by == By::Plan {
            proposed = Some(ready.proposed);
        } else {
            ready.leftovers.clear(request.change_set, cloud, audience).await;
        }
        review = reviewed(request, (way, stack.as_ref()), &ready.changes, cloud, audience).await.0;
        add_seen(&mut review, seen);
    }
    let against = if there.is_some() { Against::ChangeSet } else { Against::Nothing };
    let plan = || Saved::new(request, &identity, &bucket, proposed.as_ref(), review.summary());
    let plan = (by == By::Plan).then(plan);
    Ok(Difference { review, against, plan })
}

/// Where CloudFormation shows no values, those that we have `seen` in the templates, and what is no resource.
fn add_seen(review: &mut Review, seen: Review) {
    for item in review.sections.iter_mut().flat_map(|section| &mut section.items) {
        if item.changes.is_empty()
            && let Some(same) = seen.items().find(|seen| seen.logical_id == item.logical_id)
        {
            item.changes = same.changes.clone();
        }
    }
    review.document = seen.document;
}

/// The parameters that `deploy` fills and that would get another value. The bucket only where one was asked for: its own name
/// would have to be looked up.
fn parameter_changes(request: &Request<'_>, stack: &Stack) -> Vec<Entry> {
    let wanted = parameters(request, BTreeMap::new(), request.artifact_bucket.unwrap_or_default());
    let differs = |(name, value): (String, String)| {
        let before = stack.parameters.get(&name).filter(|before| **before != value)?;
        (!value.is_empty()).then(|| Entry {
            section: "Parameter values".into(),
            name,
            mark: Mark::Change,
            changes: vec![ValueChange {
                path: String::new(),
                before: Some(before.clone().into()),
                after: Some(value.into()),
                replacement: Replacement::Never,
            }],
        })
    };
    wanted.into_iter().filter_map(differs).collect()
}
