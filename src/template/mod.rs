//! A CloudFormation document: its text, and what can be known of it without AWS.

use std::collections::BTreeSet;

use serde_yaml::{Mapping, Value};

use crate::blueprint::{BlueprintError, Origin, Rendered};
use crate::spec::MOST_RESOURCES;

pub mod diff;
mod place;
mod references;
mod twins;

/// Above this many bytes CloudFormation takes a template from S3 only.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
pub const LARGEST_INLINE: usize = 51_200;

/// Above this many bytes CloudFormation takes no template at all.
const LARGEST: usize = 1_000_000;

/// A rendered template, parsed and verified.
#[derive(Debug, Clone)]
pub struct Template {
    /// The document as rendered, the same bytes on every machine.
    pub text: String,
    document: Mapping,
    /// Where it comes from, if blueprints made it.
    rendered: Option<Rendered>,
}

/// A rendered document that is not the template it should be: a mistake in a blueprint, or a spec too large.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TemplateError {
    /// It cannot be read.
    #[error("the rendered template is not valid YAML: {}", without_places(.0))]
    Yaml(#[from] serde_yaml::Error),
    /// It has no resources.
    #[error("the rendered template has no resources")]
    Empty,
    /// A reference leads nowhere.
    #[error("`{from}` refers to `{to}`, which the template does not have")]
    Dangling {
        /// The resource or output that refers.
        from: String,
        /// What it refers to.
        to: String,
    },
    /// The twins differ in more than their price.
    #[error("the twins `{spot}` and `{on_demand}` differ in more than the Spot price: {place}")]
    Twins {
        /// The Spot launch definition.
        spot: String,
        /// The On-Demand launch definition.
        on_demand: String,
        /// Where.
        place: String,
    },
    /// CloudFormation would not take it.
    #[error("the rendered template has {has} {what}, and CloudFormation takes at most {limit}")]
    #[diagnostic(help("spread the pairs over several stacks"))]
    TooLarge {
        /// Bytes or resources.
        what: &'static str,
        /// How many there are.
        has: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl TemplateError {
    /// This error in the line of the blueprint that is to blame, where there is one.
    fn shown_in(&self, rendered: &Rendered) -> BlueprintError {
        let line = self.line(&rendered.text);
        let shown = match line.and_then(|line| rendered.line(line).or_else(|| rendered.line(line.checked_sub(1)?))) {
            Some(origin) => origin.error(self.to_string(), "from here"),
            None => BlueprintError::new(self.to_string()),
        };
        let text = line.and_then(|line| rendered.text.lines().nth(line.checked_sub(1)?)).unwrap_or_default().trim();
        match (self, miette::Diagnostic::help(self)) {
            (_, Some(help)) => shown.help(help.to_string()),
            (Self::Yaml(_), None) if !text.is_empty() => shown.help(format!("it renders to `{text}`")),
            _ => shown,
        }
    }

    /// The line of the document, counted from 1, that is to blame.
    fn line(&self, text: &str) -> Option<usize> {
        let entry = |name: &str| {
            let sections = ["Resources", "Outputs"].into_iter();
            sections
                .filter_map(|section| Some((section, place::line(text, &[section, name])?)))
                .find(|(section, line)| place::line(text, &[section]) != Some(*line))
        };
        match self {
            Self::Yaml(error) => Some(error.location()?.line()),
            Self::Dangling { from, to } => {
                let (_, begin) = entry(from)?;
                Some(place::mention(text, begin, to).unwrap_or(begin))
            }
            Self::Twins { spot, place, .. } => {
                let path: Vec<&str> = ["Resources", spot].into_iter().chain(place.split('.')).collect();
                place::line(text, &path)
            }
            Self::Empty | Self::TooLarge { .. } => None,
        }
    }
}

/// A parser's message without the lines of a document that nobody has seen.
fn without_places(error: &serde_yaml::Error) -> String {
    let message = error.to_string();
    let mut words = message.split(' ').peekable();
    let mut kept = vec![];
    while let Some(word) = words.next() {
        if word == "at" && words.peek() == Some(&"line") {
            // `at line 3 column 5`, with the punctuation after it.
            let end = words.by_ref().nth(3).unwrap_or_default();
            if let (Some(last), Some(mark)) = (kept.last_mut(), end.find([',', ':'])) {
                *last = format!("{last}{}", &end[mark..]);
            }
        } else {
            kept.push(word.to_owned());
        }
    }
    kept.join(" ")
}

impl Template {
    /// Parses and verifies what blueprints were rendered to.
    ///
    /// # Errors
    /// As [`Template::new`], shown in the blueprint's line that is to blame.
    pub fn rendered(rendered: Rendered) -> Result<Self, BlueprintError> {
        let template = Self::unverified(rendered)?;
        match (template.faults().first(), &template.rendered) {
            (Some(fault), Some(rendered)) => Err(fault.shown_in(rendered)),
            _ => Ok(template),
        }
    }

    /// Parses what blueprints were rendered to, for [`crate::check`], which tells all of its [`Self::faults`] at once.
    ///
    /// # Errors
    /// Where it cannot be read, has no resources, or is too large; shown in the blueprint's line that is to blame.
    pub(crate) fn unverified(rendered: Rendered) -> Result<Self, BlueprintError> {
        let template = Self::parse(rendered.text.clone()).map_err(|error| error.shown_in(&rendered))?;
        Ok(Self { rendered: Some(rendered), ..template })
    }

    /// The line of the blueprint that made this line of the text, counted from 1.
    pub(crate) fn origin_of_line(&self, line: usize) -> Option<Origin<'_>> {
        self.rendered.as_ref()?.line(line)
    }

    /// The line of the blueprint that made what stands at this path, or the nearest above it: `["Resources", "GpuQueue"]`.
    /// `None` where no blueprint did.
    pub fn origin(&self, path: &[&str]) -> Option<Origin<'_>> {
        self.rendered.as_ref()?.line(self.line(path)?)
    }

    /// The line of the text, counted from 1, of the deepest key of a path that is written in block style.
    pub fn line(&self, path: &[&str]) -> Option<usize> {
        place::line(&self.text, path)
    }

    /// Parses and verifies a document: its size, its references, its twins.
    ///
    /// # Errors
    /// Where any of these is not as it should be.
    pub fn new(text: String) -> Result<Self, TemplateError> {
        let template = Self::parse(text)?;
        template.faults().into_iter().next().map_or(Ok(template), Err)
    }

    /// Parses a document and looks at its size.
    fn parse(text: String) -> Result<Self, TemplateError> {
        let document: Mapping = serde_yaml::from_str(&text)?;
        let template = Self { text, document, rendered: None };
        let resources = template.resources().count();
        for (what, has, limit) in [("bytes", template.text.len(), LARGEST), ("resources", resources, MOST_RESOURCES)] {
            if has > limit {
                return Err(TemplateError::TooLarge { what, has, limit });
            }
        }
        if resources == 0 {
            return Err(TemplateError::Empty);
        }
        Ok(template)
    }

    /// The references that lead nowhere and the twins that are none.
    pub(crate) fn faults(&self) -> Vec<TemplateError> {
        references::dangling(self).chain(twins::check(self).err()).collect()
    }

    /// Every logical id with its resource, in the template's order.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.section("Resources")
    }

    /// What a resource is for, in a person's words: `Metadata.Description` of the logical id.
    pub fn description(&self, logical_id: &str) -> Option<&str> {
        let (_, resource) = self.resources().find(|(id, _)| *id == logical_id)?;
        resource.get("Metadata")?.get("Description")?.as_str()
    }

    /// The document as JSON, its short forms written out, for those who want a template that a machine reads.
    pub fn to_json(&self) -> serde_json::Value {
        map_to_json(&self.document)
    }

    fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let section = self.document.get(name).and_then(Value::as_mapping);
        section.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// All that `!Ref` may name: parameters and resources.
    fn names(&self) -> BTreeSet<&str> {
        self.section("Parameters").chain(self.resources()).map(|(name, _)| name).collect()
    }
}

/// The long form of a short one: `!Ref X` is `{"Ref": "X"}`, `!GetAtt A.B` is `{"Fn::GetAtt": ["A", "B"]}`.
fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::{Value as Json, json};
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Number(number) => number
            .as_i64()
            .map(|number| json!(number))
            .or_else(|| number.as_f64().map(|number| json!(number)))
            .unwrap_or(Json::Null),
        Value::String(text) => json!(text),
        Value::Sequence(items) => items.iter().map(to_json).collect(),
        Value::Mapping(entries) => map_to_json(entries),
        Value::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let name = name.trim_start_matches('!');
            match (name, &tagged.value) {
                ("Ref" | "Condition", value) => json!({ name: to_json(value) }),
                ("GetAtt", Value::String(path)) => {
                    let (id, attribute) = path.split_once('.').unwrap_or((path, ""));
                    json!({ "Fn::GetAtt": [id, attribute] })
                }
                (name, value) => json!({ format!("Fn::{name}"): to_json(value) }),
            }
        }
    }
}

fn map_to_json(entries: &Mapping) -> serde_json::Value {
    entries.iter().filter_map(|(key, value)| Some((key_text(key)?, to_json(value)))).collect()
}

/// A map's key, which JSON has as a string only.
fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.clone()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
