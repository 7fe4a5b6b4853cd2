//! What a deploy would change in the stack that is there, without changing anything.

use std::collections::BTreeMap;

use super::change_set::Change;
use super::proposal::{ask, parameters};
use super::stack::{Stack, Way, way};
use super::{Audience, Cloud, DeployError, Request, artifact, cascade, groups, replaces_itself, review};
use crate::template::LARGEST_INLINE;
use crate::template::diff::{Document, Entry, Mark, Replacement, Review, ValueChange, diff};

/// What differs, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What would change.
    pub review: Review,
    /// With what it was compared.
    pub against: Against,
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

/// Compares the template with the stack. Without `online` nothing is made in AWS, not even for a moment; with it a change set is,
/// and it is gone when this returns, however it returns. A template too large for a request goes through the artifact bucket;
/// nothing else is uploaded, because a change set needs the handler's key only.
///
/// # Errors
/// Everything in [`DeployError`] that stands in the way of a change set.
pub async fn difference<C: Cloud, A: Audience>(
    request: &Request<'_>,
    online: bool,
    cloud: &C,
    audience: &mut A,
) -> Result<Difference, DeployError> {
    let wanted = Document::of(request.template);
    let stack = cloud.stack(request.stack).await?.filter(|stack| !stack.status.is_deleted());
    // A stack that was never made whole is deleted first, so that everything is new; and in an empty one there is nothing.
    let new = |stack: &Stack| matches!(stack.status.0.as_str(), "REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE");
    let Some(stack) = stack.filter(|stack| !new(stack)) else {
        return Ok(Difference { review: diff(&Document::empty(), &wanted), against: Against::Nothing });
    };
    let way = if online { way(Some(&stack))? } else { Way::Update };
    let text = cloud.template(&stack.arn).await?;
    let deployed = Document::read(&text).map_err(|error| DeployError::Template { stack: stack.name.clone(), error })?;
    let mut seen = diff(&deployed, &wanted);
    if !online {
        seen.document.extend(parameter_changes(request, &stack));
        return Ok(Difference { review: seen, against: Against::Template });
    }

    let identity = cloud.identity().await?;
    let bucket = match request.template.text.len() > LARGEST_INLINE {
        true => artifact::bucket(request.artifact_bucket, &identity, cloud, audience).await?,
        false => request.artifact_bucket.map_or_else(|| artifact::bucket_name(&identity), Into::into),
    };
    let groups = groups::find(request.groups, request.stack, Some(&stack), cloud, audience).await?;
    let review = match ask(request, (way, Some(&stack)), groups, &bucket, &identity, cloud, audience).await? {
        None => Review::default(),
        Some(ready) => {
            ready.leftovers.clear(request.change_set, cloud, audience).await;
            told(request, ready.changes, seen)
        }
    };
    Ok(Difference { review, against: Against::ChangeSet })
}

/// CloudFormation's changes; where it shows no values, those that we have `seen` in the templates.
fn told(request: &Request<'_>, changes: Vec<Change>, seen: Review) -> Review {
    let pair_ids: Vec<_> = request.pairs.iter().map(|pair| pair.id).collect();
    let (changes, unaffected) = cascade::settle(changes, |id| replaces_itself(request.template, id));
    let mut review = review::review(&changes, unaffected, &pair_ids, |id| request.template.description(id));
    for item in review.sections.iter_mut().flat_map(|section| &mut section.items) {
        if item.changes.is_empty()
            && let Some(same) = seen.items().find(|seen| seen.logical_id == item.logical_id)
        {
            item.changes = same.changes.clone();
        }
    }
    review.document = seen.document;
    review
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
