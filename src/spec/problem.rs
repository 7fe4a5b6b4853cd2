//! What is wrong with a spec, shown in the user's own lines.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};
use serde_saphyr::Location;

/// One thing that is wrong, and the places it concerns.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    labels: Vec<LabeledSpan>,
}

impl Problem {
    /// Something wrong at `place`, which the label says in a few words.
    pub(crate) fn at(place: Location, label: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, labels: vec![] }.and(place, label)
    }

    /// Another place that has to do with it.
    pub(crate) fn and(mut self, place: Location, label: impl Into<String>) -> Self {
        if place == Location::UNKNOWN {
            return self;
        }
        let span = place.span();
        let offset = span.byte_offset().unwrap_or(span.offset());
        let length = span.byte_len().unwrap_or(span.len()).max(1);
        let (offset, length) = (usize::try_from(offset).unwrap_or(0), usize::try_from(length).unwrap_or(1));
        self.labels.push(LabeledSpan::new(
            Some(label.into()).filter(|label: &String| !label.is_empty()),
            offset,
            length,
        ));
        self
    }

    /// What to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A spec that cannot be used.
#[derive(Debug)]
pub struct SpecError {
    message: String,
    help: Option<String>,
    problems: Vec<Shown>,
}

impl SpecError {
    /// The file itself cannot be read.
    pub(crate) fn unreadable(message: String, help: &str) -> Self {
        Self { message, help: Some(help.to_owned()), problems: vec![] }
    }

    /// Everything that is wrong with the file of this name and text.
    pub(crate) fn new(file: &str, text: &str, problems: Vec<Problem>) -> Self {
        let count = match problems.len() {
            1 => "an error".to_owned(),
            count => format!("{count} errors"),
        };
        let problems = problems
            .into_iter()
            .map(|problem| Shown { problem, source: NamedSource::new(file, text.to_owned()).with_language("YAML") })
            .collect();
        Self { message: format!("`{file}` has {count}"), help: None, problems }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SpecError {}

impl Diagnostic for SpecError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.problems.is_empty()).then(|| Box::new(self.problems.iter().map(|shown| shown as &dyn Diagnostic)) as _)
    }
}

/// A problem beside the text that it is in.
#[derive(Debug)]
struct Shown {
    problem: Problem,
    source: NamedSource<String>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.problem.labels.is_empty()).then(|| Box::new(self.problem.labels.iter().cloned()) as _)
    }
}
