//! What a rule found, and where that is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use miette::Diagnostic;
use serde::Serialize;
use serde_saphyr::Location;

use super::Rule;
use super::outline::Outline;
use super::subject::Node;
use crate::template::Template;

/// What a rule found: a message, and places in the rule's own terms.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) message: String,
    pub(super) spec: Option<InSpec>,
    pub(super) template: Option<Place>,
}

impl Found {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), spec: None, template: None }
    }

    /// At this value of the spec, which the label says in a few words.
    pub(super) fn at(mut self, place: Location, label: impl Into<String>) -> Self {
        self.spec = InSpec::new(place, label.into());
        self
    }

    /// At a place of the spec that is no value's.
    pub(super) fn at_text(mut self, place: InSpec) -> Self {
        self.spec = Some(place);
        self
    }

    /// At this place of the template.
    pub(super) fn within(mut self, place: impl Into<Place>) -> Self {
        self.template = Some(place.into());
        self
    }
}

/// A place in the spec, as an editor names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InSpec {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// The first byte.
    #[serde(skip)]
    pub offset: usize,
    /// In bytes, at least 1.
    #[serde(skip)]
    pub length: usize,
    /// What is there, in a few words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
}

impl InSpec {
    /// These bytes of the spec's text.
    pub(super) fn of_bytes(text: &str, bytes: Range<usize>, label: &str) -> Self {
        let before = &text[..bytes.start];
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            offset: bytes.start,
            length: bytes.len().max(1),
            label: label.to_owned(),
        }
    }

    /// Where a diagnostic's first label is.
    pub(super) fn labelled_by(problem: &dyn Diagnostic) -> Option<Self> {
        let label = problem.labels()?.next()?;
        let contents = problem.source_code()?.read_span(label.inner(), 0, 0).ok()?;
        Some(Self {
            line: contents.line() + 1,
            column: contents.column() + 1,
            offset: label.offset(),
            length: label.len().max(1),
            label: label.label().unwrap_or_default().to_owned(),
        })
    }

    /// The same place, with these few words about it.
    pub(super) fn labelled(self, label: &str) -> Self {
        Self { label: label.to_owned(), ..self }
    }

    fn new(place: Location, label: String) -> Option<Self> {
        if place == Location::UNKNOWN {
            return None;
        }
        let number = |number: u64| usize::try_from(number).unwrap_or(0);
        let span = place.span();
        Some(Self {
            line: number(place.line()),
            column: number(place.column()),
            offset: number(span.byte_offset().unwrap_or(0)),
            length: number(span.byte_len().unwrap_or(1)).max(1),
            label,
        })
    }
}

/// A property of a resource, by its path.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) resource: String,
    pub(super) path: Vec<String>,
}

impl From<&Node<'_>> for Place {
    fn from(node: &Node<'_>) -> Self {
        Self { resource: node.resource.to_owned(), path: node.path.iter().map(ToString::to_string).collect() }
    }
}

/// A place in the rendered template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InTemplate {
    /// The resource's logical id.
    pub resource: String,
    /// The property's path in it: `Properties.Tags.0.Value`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Counted from 1.
    pub line: Option<usize>,
    /// The line of the blueprint that wrote it.
    pub blueprint: Option<InBlueprint>,
}

/// A line of a blueprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InBlueprint {
    /// The blueprint's name; the path of one's own.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Whether it is spotstack's own.
    pub built_in: bool,
}

/// Something that is to be said.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which rule says it.
    pub rule: &'static Rule,
    /// What was found, in one sentence.
    pub message: String,
    /// The value of the spec that would have to change.
    pub spec: Option<InSpec>,
    /// Where it is in the template.
    pub template: Option<InTemplate>,
}

/// Looks up the lines of what was found.
pub(super) fn locate(found: Vec<(&'static Rule, Found)>, template: &Template) -> Vec<Finding> {
    let wanted = found.iter().filter_map(|(_, found)| Some(found.template.as_ref()?.resource.as_str())).collect();
    let outlines = outlines(&template.text, &wanted);
    let in_template = |place: Place| {
        let line = outlines.get(place.resource.as_str()).and_then(|(above, outline)| {
            Some(above + outline.line(std::slice::from_ref(&place.resource), &place.path)?)
        });
        let blueprint = line.and_then(|line| template.origin_of_line(line)).map(|origin| InBlueprint {
            file: origin.blueprint.path.clone().unwrap_or_else(|| origin.blueprint.name.to_owned()),
            line: origin.line,
            built_in: origin.blueprint.path.is_none(),
        });
        InTemplate { path: place.path.join("."), resource: place.resource, line, blueprint }
    };
    found
        .into_iter()
        .map(|(rule, found)| Finding {
            rule,
            message: found.message,
            spec: found.spec,
            template: found.template.map(in_template),
        })
        .collect()
}

/// The outlines of these resources, and how many lines stand above each. Only they are read again: a template is long.
fn outlines(text: &str, wanted: &BTreeSet<&str>) -> BTreeMap<String, (usize, Outline)> {
    let mut outlines = BTreeMap::new();
    if wanted.is_empty() {
        return outlines;
    }
    let mut begun: Option<(String, usize, usize)> = None;
    let mut resources = false;
    let (mut line, mut offset) = (0, 0);
    // One line more ends the last resource.
    for text_line in text.split_inclusive('\n').chain(["End:"]) {
        let indent = text_line.len() - text_line.trim_start_matches(' ').len();
        let says = !text_line[indent..].starts_with(['#', '\n', '\r']);
        if indent <= 2 && says {
            if let Some((id, above, start)) = begun.take() {
                outlines.insert(id, (above, Outline::of(&text[start..offset])));
            }
            if indent == 0 {
                resources = text_line.starts_with("Resources:");
            }
            let id = text_line.trim().split(':').next().unwrap_or_default().trim_matches(['"', '\'']);
            if resources && indent == 2 && wanted.contains(id) {
                begun = Some((id.to_owned(), line, offset));
            }
        }
        line += 1;
        offset += text_line.len();
    }
    outlines
}
