//! What changes, for people: in the order in which a reviewer must see it, with the consequences in words.

use std::fmt;

use serde::Serialize;

use super::compare::ValueChange;
use super::fate::{Action, Fate, Mark, Part, Replacement};
use crate::neutral::neutral;

/// What a deploy would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Review {
    /// The resources that change, the ones not to be overlooked first.
    pub sections: Vec<Section>,
    /// What is to be known before everything else.
    pub notes: Vec<String>,
    /// Resources that change only because one that they name is replaced.
    pub follows: Vec<Follower>,
    /// Parameters, outputs and whatever else of the template changes.
    pub document: Vec<Entry>,
    /// Resources that AWS lists because they refer to something that changes, and that stay as they are.
    pub unaffected: Vec<String>,
}

/// One part of the pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Which.
    pub part: Part,
    /// Its changes.
    pub items: Vec<Item>,
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// What.
    pub mark: Mark,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// What it is for: the template's own words, if it has some.
    pub about: Option<String>,
    /// The names of the properties and attributes that change.
    pub properties: Vec<String>,
    /// The values that change, where they are known.
    pub changes: Vec<ValueChange>,
    /// What that means for what runs.
    pub consequence: Option<&'static str>,
    /// The name of a resource of the same type and with the same properties that goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
}

/// A resource that is reached by another's replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Follower {
    /// The resource.
    pub logical_id: String,
    /// Such as `AWS::SNS::Subscription`.
    pub resource_type: String,
    /// What it is for: the template's own words, if it has some.
    pub about: Option<String>,
    /// Those it names.
    pub follows: Vec<String>,
    /// Whether it is replaced too.
    pub replacement: Replacement,
}

impl Follower {
    /// Its sign, and what is to be said behind those it names.
    pub(super) fn mark(&self) -> (Mark, &'static str) {
        match self.replacement {
            Replacement::Always => (Mark::Replace, ", and is replaced too"),
            Replacement::Maybe => (Mark::MayReplace, ", and may be replaced too"),
            Replacement::Never => (Mark::Change, ""),
        }
    }
}

/// Something of the template that is no resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The section: `Outputs`, `Parameters`, `Description`.
    pub section: String,
    /// The name in it; empty where the section is one value.
    pub name: String,
    /// What happens.
    pub mark: Mark,
    /// The values.
    pub changes: Vec<ValueChange>,
}

/// What is known of a resource that changes.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// Its name in the template.
    pub logical_id: &'a str,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: &'a str,
    /// What happens.
    pub action: &'a Action,
    /// Whether another one takes its place.
    pub replacement: Replacement,
    /// Whether the old one stays in AWS although it leaves the stack.
    pub retained: bool,
    /// What it is for.
    pub about: Option<&'a str>,
    /// The names of the properties and attributes that change.
    pub properties: Vec<&'a str>,
    /// The values that change, where they are known.
    pub changes: Vec<ValueChange>,
}

impl Item {
    /// Of what is known: the sign and the consequence.
    pub fn new(known: Known<'_>) -> Self {
        let Known { logical_id, resource_type, action, replacement, retained, about, properties, changes } = known;
        let is_words = |place: &str| matches!(place, "Metadata.Description" | "Description" | "AlarmDescription");
        let only_words = action == &Action::Modify
            && replacement == Replacement::Never
            && !changes.is_empty()
            && changes.iter().all(|change| is_words(&change.path));
        let fate = Fate { resource_type, action, replacement, retained, properties: &properties };
        Self {
            mark: Mark::new(action, replacement),
            logical_id: logical_id.into(),
            resource_type: resource_type.into(),
            about: about.map(|about| neutral(about).into_owned()),
            consequence: if only_words {
                Some("only a description; nothing behaves otherwise")
            } else {
                fate.consequence()
            },
            properties: properties.into_iter().map(Into::into).collect(),
            changes,
            same_as: None,
        }
    }

    /// The same for one that CloudFormation does not let happen.
    pub fn impossible(self, because: &'static str) -> Self {
        Self { mark: Mark::Impossible, consequence: Some(because), ..self }
    }
}

impl Review {
    /// Puts the items in order. `pair_ids` are the prefixes of the pairs' logical ids.
    pub fn new(items: Vec<Item>, pair_ids: &[&str]) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for item in items {
            let paths = item.changes.iter().map(|change| &change.path).chain(&item.properties);
            let part = Part::new(item.mark, &item.logical_id, &item.resource_type, pair_ids, paths);
            match sections.iter_mut().find(|section| section.part == part) {
                Some(section) => section.items.push(item),
                None => sections.push(Section { part, items: vec![item] }),
            }
        }
        sections.sort_by_key(|section| section.part);
        Self { sections, ..Self::default() }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty() && self.document.is_empty()
    }

    /// Every resource that changes.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    /// How many of each.
    pub fn counts(&self) -> Counts {
        let of = |marks: &[Mark]| self.items().filter(|item| marks.contains(&item.mark)).count();
        Counts {
            add: of(&[Mark::Add]),
            change: of(&[Mark::Change, Mark::MayReplace, Mark::Other]),
            replace: of(&[Mark::Replace])
                + self.follows.iter().filter(|follower| follower.replacement == Replacement::Always).count(),
            remove: of(&[Mark::Remove]),
            impossible: of(&[Mark::Impossible]),
            document: self.document.len(),
        }
    }

    /// `3 to add, 1 to change, 0 to replace, 0 to remove`.
    pub fn summary(&self) -> String {
        self.counts().to_string()
    }
}

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Resources that are made.
    pub add: usize,
    /// Resources that are changed in place, or perhaps replaced.
    pub change: usize,
    /// Resources that are replaced, those that follow another's replacement among them.
    pub replace: usize,
    /// Resources that go.
    pub remove: usize,
    /// Changes that CloudFormation refuses.
    pub impossible: usize,
    /// Changes outside of resources.
    pub document: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { add, change, replace, remove, impossible, document } = self;
        write!(f, "{add} to add, {change} to change, {replace} to replace, {remove} to remove")?;
        if *impossible > 0 {
            write!(f, ", {impossible} that CloudFormation refuses")?;
        }
        if *document > 0 {
            write!(f, "; {document} outside of resources")?;
        }
        Ok(())
    }
}
