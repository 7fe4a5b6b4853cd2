//! What differs between two templates, resource by resource, and what a deploy would make of it. Pure: two documents in, a
//! [`Review`] out; [`text`](mod@text) and [`markdown`] show it.
//!
//! Two templates are equal where CloudFormation would see no difference: the order of keys, comments, YAML or JSON, short or long
//! forms do not matter; the order of list items does. A number equals the string of the same digits, because CloudFormation hands
//! every scalar on as a string.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

mod compare;
mod create_only;
mod document;
mod fate;
pub mod markdown;
mod review;
mod show;
pub mod text;

pub use compare::ValueChange;
pub use document::{Document, DocumentError};
pub use fate::{Action, Fate, Mark, Part, Replacement};
pub use review::{Counts, Entry, Follower, Item, Known, Review, Section};

use super::references;
use crate::neutral::neutral;
use compare::compare;
use document::same;

/// What a deploy of `after` would do to a stack that is as `before` says.
pub fn diff(before: &Document, after: &Document) -> Review {
    let (old, new) = (before.resources(), after.resources());
    let pairs: BTreeSet<&str> = old.keys().chain(new.keys()).filter_map(|id| id.strip_suffix("SpotManager")).collect();
    let pair_ids: Vec<&str> = pairs.into_iter().collect();
    let mut items = Vec::new();
    for (id, resource) in new {
        match old.get(id) {
            None => items.push(of(id, resource, Action::Add)),
            Some(before) => items.extend(modified(id, before, resource)),
        }
    }
    let gone = old.iter().filter(|(id, _)| !new.contains_key(*id));
    items.extend(gone.map(|(id, resource)| of(id, resource, Action::Remove)));
    mark_renames(&mut items, old, new);
    let mut review = Review::new(items, &pair_ids);
    review.notes = renamed_pairs(&review, &pair_ids);
    review.follows = follows(&review, new, old);
    // Of what is new as a whole the resources say enough.
    if before.names().next().is_some() {
        review.document = entries(before, after);
    }
    review
}

/// What differs between two states of one resource, as CloudFormation writes them in a change set.
pub fn values(before: &Json, after: &Json, resource_type: &str) -> Vec<ValueChange> {
    let mut changes = Vec::new();
    compare(&whole(before), &whole(after), "", &mut changes);
    changes.into_iter().map(|change| placed(change, resource_type, false)).collect()
}

/// A resource whose properties are there, were it none: each is told by itself where all come or go.
fn whole(resource: &Json) -> Cow<'_, Json> {
    match resource {
        Json::Object(map) if !map.contains_key("Properties") => {
            let mut map = map.clone();
            map.insert("Properties".into(), Json::Object(Map::new()));
            Cow::Owned(Json::Object(map))
        }
        other => Cow::Borrowed(other),
    }
}

/// A resource that comes or goes.
fn of(id: &str, resource: &Json, action: Action) -> Item {
    let retained = action == Action::Remove && stays(resource, "DeletionPolicy");
    Item::new(Known {
        logical_id: id,
        resource_type: kind(resource),
        action: &action,
        replacement: Replacement::Never,
        retained,
        about: about(resource),
        properties: Vec::new(),
        changes: Vec::new(),
    })
}

/// A resource that is in both, if it differs.
fn modified(id: &str, before: &Json, after: &Json) -> Option<Item> {
    if same(before, after) {
        return None;
    }
    let resource_type = kind(after);
    let itself = replaces_itself(after);
    let mut changes = Vec::new();
    let another_type = kind(before) != resource_type;
    if another_type {
        // Of another type nothing can be compared.
        let (before, after) = (before.get("Type").cloned(), after.get("Type").cloned());
        changes.push(ValueChange { path: "Type".into(), before, after, replacement: Replacement::Never });
    } else {
        compare(&whole(before), &whole(after), "", &mut changes);
    }
    if changes.is_empty() {
        return None;
    }
    let changes: Vec<_> = changes.into_iter().map(|change| placed(change, resource_type, itself)).collect();
    let mut properties: Vec<&str> = Vec::new();
    for property in changes.iter().map(|change| head(&change.path)) {
        if !properties.contains(&property) {
            properties.push(property);
        }
    }
    let replacement = changes.iter().map(|change| change.replacement).max().unwrap_or_default();
    let item = Item::new(Known {
        logical_id: id,
        resource_type,
        action: &Action::Modify,
        replacement,
        retained: stays(after, "UpdateReplacePolicy"),
        about: about(after).or(about(before)),
        properties,
        changes: changes.clone(),
    });
    if another_type {
        return Some(item.impossible(
            "CloudFormation refuses: a resource cannot become another type; give the pair another name, or destroy and deploy anew",
        ));
    }
    if replacement == Replacement::Never
        && rolls(after)
        && changes.iter().any(|change| ROLLS.contains(&head(&change.path)))
    {
        return Some(Item { consequence: Some("its instances are replaced, some at a time"), ..item });
    }
    Some(item)
}

/// The properties with which a group's `AutoScalingRollingUpdate` begins.
const ROLLS: [&str; 4] = ["LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy", "VPCZoneIdentifier"];

/// The first word of a path.
fn head(path: &str) -> &str {
    path.split(['.', '[', ' ']).next().unwrap_or(path)
}

/// A change with its path from the properties on, and with what it replaces.
fn placed(change: ValueChange, resource_type: &str, replaces_itself: bool) -> ValueChange {
    let (path, replacement) = match change.path.strip_prefix("Properties.") {
        Some(path) => (path.to_owned(), create_only::replacement(resource_type, head(path), replaces_itself)),
        None => (change.path.clone(), Replacement::Never),
    };
    ValueChange { path, replacement, ..change }
}

/// Says of what comes that it is what goes, under another name.
fn mark_renames(items: &mut [Item], old: &Map<String, Json>, new: &Map<String, Json>) {
    let body = |resource: &Json| resource.get("Properties").cloned().unwrap_or_default();
    let mut gone: Vec<String> =
        items.iter().filter(|item| item.mark == Mark::Remove).map(|item| item.logical_id.clone()).collect();
    for item in items.iter_mut().filter(|item| item.mark == Mark::Add) {
        let Some(resource) = new.get(&item.logical_id) else { continue };
        let twin = gone.iter().position(|id| {
            old.get(id).is_some_and(|old| kind(old) == item.resource_type && same(&body(old), &body(resource)))
        });
        item.same_as = twin.map(|index| gone.remove(index));
    }
}

/// Says of a pair that goes and of one that comes with the very same resources that it may be one.
fn renamed_pairs(review: &Review, pair_ids: &[&str]) -> Vec<String> {
    let with = |mark: Mark, pair: &str| -> BTreeSet<&str> {
        review.items().filter(|item| item.mark == mark).filter_map(|item| item.logical_id.strip_prefix(pair)).collect()
    };
    let mut notes = Vec::new();
    for gone in pair_ids {
        let old = with(Mark::Remove, gone);
        // Less than the parts of a pair is a coincidence.
        let new = pair_ids.iter().find(|new| *new != gone && old.len() >= 10 && with(Mark::Add, new) == old);
        notes.extend(new.map(|new| {
            format!("{gone}… goes and {new}… comes. If that is a renaming: CloudFormation knows none; all is made anew, and the old is deleted with its jobs and instances")
        }));
    }
    notes
}

/// Resources that stay as they are written, and change because one that they name is replaced.
fn follows(review: &Review, new: &Map<String, Json>, old: &Map<String, Json>) -> Vec<Follower> {
    let marked = |mark: Mark| review.items().filter(move |item| item.mark == mark).map(|item| item.logical_id.clone());
    let mut replaced: BTreeSet<String> = marked(Mark::Replace).collect();
    let touched: BTreeSet<&str> = review.items().map(|item| item.logical_id.as_str()).collect();
    let resources: Vec<_> =
        new.iter().filter(|(id, _)| old.contains_key(*id) && !touched.contains(id.as_str())).collect();
    let mut followers: BTreeMap<usize, Follower> = BTreeMap::new();
    // Each turn finds at least one more replaced resource, so this ends.
    loop {
        let before = replaced.len();
        for (place, &(id, resource)) in resources.iter().enumerate() {
            let (mut named, mut replacement) = (BTreeSet::new(), Replacement::Never);
            for (property, value) in resource.get("Properties").and_then(Json::as_object).into_iter().flatten() {
                let found: Vec<_> = references::of(value).into_iter().filter(|name| replaced.contains(*name)).collect();
                if !found.is_empty() {
                    replacement =
                        replacement.max(create_only::replacement(kind(resource), property, replaces_itself(resource)));
                    named.extend(found);
                }
            }
            if named.is_empty() {
                continue;
            }
            if replacement == Replacement::Always {
                replaced.insert(id.clone());
            }
            let follower = Follower {
                logical_id: id.clone(),
                resource_type: kind(resource).into(),
                about: about(resource).map(|about| neutral(about).into_owned()),
                follows: named.into_iter().map(str::to_owned).collect(),
                replacement,
            };
            followers.insert(place, follower);
        }
        if replaced.len() == before {
            return followers.into_values().collect();
        }
    }
}

/// What differs outside of the resources.
fn entries(before: &Document, after: &Document) -> Vec<Entry> {
    let sections: BTreeSet<&String> = before.names().chain(after.names()).filter(|name| *name != "Resources").collect();
    let mut entries = Vec::new();
    for section in sections {
        let (old, new) = (before.get(section), after.get(section));
        // A section of names is told name by name.
        if old.or(new).is_some_and(Json::is_object) && [old, new].into_iter().flatten().all(Json::is_object) {
            let (old, new) = (before.section(section), after.section(section));
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            entries.extend(names.into_iter().filter_map(|name| entry(section, name, old.get(name), new.get(name))));
        } else {
            entries.extend(entry(section, "", old, new));
        }
    }
    entries
}

fn entry(section: &str, name: &str, old: Option<&Json>, new: Option<&Json>) -> Option<Entry> {
    let mut changes = Vec::new();
    let mark = match (old, new) {
        (Some(old), Some(new)) => {
            compare(old, new, "", &mut changes);
            (!changes.is_empty()).then_some(Mark::Change)
        }
        (None, Some(_)) => Some(Mark::Add),
        (Some(_), None) => Some(Mark::Remove),
        (None, None) => None,
    }?;
    if mark != Mark::Change {
        let (before, after) = (old.cloned(), new.cloned());
        changes.push(ValueChange { path: String::new(), before, after, replacement: Replacement::Never });
    }
    Some(Entry { section: section.into(), name: name.into(), mark, changes })
}

fn kind(resource: &Json) -> &str {
    resource.get("Type").and_then(Json::as_str).unwrap_or_default()
}

fn about(resource: &Json) -> Option<&str> {
    resource.get("Metadata")?.get("Description")?.as_str()
}

fn stays(resource: &Json, policy: &str) -> bool {
    resource.get(policy).and_then(Json::as_str).is_some_and(|policy| policy.starts_with("Retain"))
}

/// Whether a group asks to be replaced as a whole when its launch definition changes.
fn replaces_itself(resource: &Json) -> bool {
    let replacing = resource.get("UpdatePolicy").and_then(|policy| policy.get("AutoScalingReplacingUpdate"));
    replacing
        .is_some_and(|policy| policy.get("WillReplace").and_then(document::scalar).is_some_and(|will| will == "true"))
}

fn rolls(resource: &Json) -> bool {
    resource.get("UpdatePolicy").is_some_and(|policy| policy.get("AutoScalingRollingUpdate").is_some())
}

#[cfg(test)]
mod tests;
