//! What is wrong with a blueprint, shown in its own lines.

use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource};

use super::set::Blueprint;

/// A blueprint that cannot be used, or does not render.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct BlueprintError {
    message: String,
    #[help]
    help: Option<String>,
    #[source_code]
    blueprint: Option<Arc<NamedSource<String>>>,
    #[label(collection)]
    labels: Vec<LabeledSpan>,
    #[related]
    others: Vec<BlueprintError>,
}

impl BlueprintError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, blueprint: None, labels: vec![], others: vec![] }
    }

    /// Something wrong in a blueprint.
    pub(crate) fn of(blueprint: &Blueprint, message: impl Into<String>) -> Self {
        let source = NamedSource::new(blueprint.shown(), blueprint.text.to_string()).with_language("YAML");
        let ours = "this blueprint is spotstack's own: please report it with the spec";
        let help = blueprint.path.is_none().then(|| ours.to_owned());
        Self { blueprint: Some(Arc::new(source)), help, ..Self::new(message) }
    }

    /// What to do about it, which for a built-in blueprint is said already.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.get_or_insert_with(|| help.into());
        self
    }

    /// At this line of the blueprint, counted from 1.
    pub(crate) fn line(self, line: usize, label: &str) -> Self {
        let text = self.blueprint.as_ref().map_or("", |source| source.inner());
        let begin: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let line = text[begin.min(text.len())..].lines().next().unwrap_or_default();
        let margin = line.len() - line.trim_start().len();
        let (begin, length) = (begin + margin, line.trim().len());
        self.bytes(begin, length, label)
    }

    /// At these bytes of the blueprint.
    pub(crate) fn bytes(mut self, begin: usize, length: usize, label: &str) -> Self {
        self.labels.push(LabeledSpan::new(Some(label.to_owned()), begin, length));
        self
    }

    /// Another blueprint that has to do with it.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.others.push(Self { help: None, ..other });
        self
    }
}
