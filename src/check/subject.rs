//! What rules look at.

use std::fmt;

use serde_json::Value;

use crate::plan::{self, Plan};
use crate::spec::{self, At, Spec};
use crate::template::{Template, TemplateError};

/// A spec, its plan and its template.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) spec: &'a Spec,
    pub(super) plan: &'a Plan,
    pub(super) template: &'a Template,
    /// References that lead nowhere, and twins that are none.
    pub(super) faults: Vec<TemplateError>,
    /// The template with its short forms written out.
    pub(super) document: Value,
}

impl<'a> Subject<'a> {
    pub(super) fn new(spec: &'a Spec, plan: &'a Plan, template: &'a Template) -> Self {
        let document = template.to_json();
        Self { spec, plan, template, faults: template.faults(), document }
    }

    /// Every pair as the spec has it, and as it is planned.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a At<spec::Pair>, &'a plan::Pair)> {
        self.spec.pairs.values().zip(&self.plan.pairs)
    }

    /// The pair that a resource belongs to, by its logical id.
    pub(super) fn pair_of(&self, resource: &str) -> Option<(&'a At<spec::Pair>, &'a plan::Pair)> {
        self.pairs().filter(|(_, plan)| resource.starts_with(&plan.id)).max_by_key(|(_, plan)| plan.id.len())
    }

    /// Every resource.
    pub(super) fn resources(&self) -> impl Iterator<Item = Node<'_>> {
        let resources = self.document.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten().map(|(id, value)| Node { resource: id, path: vec![], value })
    }

    /// The resources of a type.
    pub(super) fn of(&self, kind: &str) -> impl Iterator<Item = Node<'_>> {
        self.resources().filter(move |resource| resource.is(kind))
    }

    /// The properties of both kinds of launch definitions.
    pub(super) fn launches(&self) -> impl Iterator<Item = Node<'_>> {
        self.resources().filter_map(|resource| match resource.kind() {
            "AWS::EC2::LaunchTemplate" => resource.property("LaunchTemplateData"),
            "AWS::AutoScaling::LaunchConfiguration" => resource.get("Properties"),
            _ => None,
        })
    }
}

/// A value of the template, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    /// The logical id of the resource that it is in.
    pub(super) resource: &'a str,
    /// The way to it from there.
    pub(super) path: Vec<Step<'a>>,
    pub(super) value: &'a Value,
}

/// A step into a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Key(key) => f.write_str(key),
            Step::Item(item) => write!(f, "{item}"),
        }
    }
}

impl<'a> Node<'a> {
    /// A resource's type.
    pub(super) fn kind(&self) -> &'a str {
        self.value.get("Type").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind() == kind
    }

    fn step(&self, step: Step<'a>, value: &'a Value) -> Self {
        let path = self.path.iter().copied().chain([step]).collect();
        Self { resource: self.resource, path, value }
    }

    /// The value of a map's key.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let (key, value) = self.value.as_object()?.get_key_value(key)?;
        Some(self.step(Step::Key(key), value))
    }

    /// A resource's property; points separate the steps to one further in.
    pub(super) fn property(&self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self.get("Properties")?, |node, key| node.get(key))
    }

    /// A resource's properties, or the resource where it has none: the place to say that one is missing.
    pub(super) fn properties(&self) -> Self {
        self.get("Properties").unwrap_or_else(|| self.clone())
    }

    /// A list's items; of anything else, the thing itself, as IAM and others mean it.
    pub(super) fn items(&self) -> Vec<Self> {
        match self.value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.step(Step::Item(index), item)).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// A map's entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let node = self.clone();
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(move |(key, value)| (key.as_str(), node.step(Step::Key(key), value)))
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// A number, or a string that is one.
    pub(super) fn number(&self) -> Option<u64> {
        self.value.as_u64().or_else(|| self.value.as_str()?.parse().ok())
    }

    /// Whether it is true, or a string that says so.
    pub(super) fn is_true(&self) -> bool {
        self.value == &Value::Bool(true) || self.value == "true"
    }

    /// The strings in it, wherever they are.
    pub(super) fn strings(&self) -> Vec<(Self, &'a str)> {
        match self.value {
            Value::String(text) => vec![(self.clone(), text.as_str())],
            Value::Array(_) => self.items().iter().flat_map(Self::strings).collect(),
            Value::Object(_) => self.entries().flat_map(|(_, entry)| entry.strings()).collect(),
            _ => vec![],
        }
    }

    /// The logical ids that it refers to by `Ref` or `Fn::GetAtt`.
    pub(super) fn references(&self) -> Vec<&'a str> {
        let referred = match self.value.as_object() {
            Some(map) if map.len() == 1 => map.get("Ref").or_else(|| map.get("Fn::GetAtt")?.get(0)),
            _ => None,
        };
        match (referred, self.value) {
            (Some(id), _) => id.as_str().into_iter().collect(),
            (None, Value::Array(_)) => self.items().iter().flat_map(Self::references).collect(),
            (None, _) => self.entries().flat_map(|(_, entry)| entry.references()).collect(),
        }
    }
}
