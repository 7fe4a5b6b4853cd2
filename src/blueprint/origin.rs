//! Which line of which blueprint a rendered line comes from.

use std::collections::BTreeMap;

use super::error::BlueprintError;
use super::set::{Blueprint, Blueprints};

/// The blueprint, by its place in [`Blueprints`], and the line, counted from 1; `None` for a line of no blueprint.
pub(super) type Mark = Option<(usize, usize)>;

/// A line of a blueprint.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The blueprint.
    pub blueprint: &'a Blueprint,
    /// Counted from 1.
    pub line: usize,
}

impl Origin<'_> {
    /// Something wrong in this line.
    pub(crate) fn error(&self, message: impl Into<String>, label: &str) -> BlueprintError {
        BlueprintError::of(self.blueprint, message).line(self.line, label)
    }
}

/// `blueprints/alarms.yaml (built in), line 3`, for people.
impl std::fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.blueprint.shown(), self.line)
    }
}

/// A rendered document, whose lines remember where they come from.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The same bytes for the same plan and blueprints.
    pub text: String,
    pub(super) blueprints: Blueprints,
    /// One for each line.
    pub(super) marks: Vec<Mark>,
    /// The line of each resource, counted from 1, by logical id.
    pub(super) resources: BTreeMap<String, usize>,
}

impl Rendered {
    /// Where a line, counted from 1, comes from; `None` for the header and the lines between blueprints.
    pub fn line(&self, line: usize) -> Option<Origin<'_>> {
        let (blueprint, line) = (*self.marks.get(line.checked_sub(1)?)?)?;
        Some(Origin { blueprint: self.blueprints.at(blueprint)?, line })
    }

    /// Where the resource of this logical id begins.
    pub fn resource(&self, logical_id: &str) -> Option<Origin<'_>> {
        self.line(*self.resources.get(logical_id)?)
    }
}
