//! Findings as text for people, JSON for programs, and annotations for GitHub.

use std::fmt;
use std::path::Path;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde_json::json;

use super::{Finding, InBlueprint, Severity};
use crate::blueprint::{Blueprint, Origin};
use crate::check::rules::secret_in_clear::mask;
use crate::template::Template;

/// All that was found.
#[derive(Debug)]
pub struct Report {
    /// In the order of the spec, then of the template.
    pub findings: Vec<Finding>,
    /// How many comments in the spec silenced.
    pub silenced: usize,
}

impl Report {
    /// The findings of a severity.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.rule.severity == severity)
    }

    /// What there is, counted: `1 error, 2 warnings; 1 silenced`.
    pub fn summary(&self) -> String {
        let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
            .into_iter()
            .map(|severity| (self.of(severity).count(), severity))
            .filter(|(count, _)| *count > 0)
            .map(|(count, severity)| plural(count, &severity.to_string()))
            .collect();
        let counts = if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") };
        match self.silenced {
            0 => counts,
            silenced => format!("{counts}; {silenced} silenced in the spec"),
        }
    }

    /// One JSON object: `findings`, and how many there are of each severity. What is unknown is null.
    pub fn json(&self, file: &str) -> serde_json::Value {
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|finding| {
                let mut spec = json!(finding.spec);
                if let Some(spec) = spec.as_object_mut() {
                    spec.insert("file".to_owned(), json!(file));
                }
                json!({
                    "id": finding.rule.id,
                    "severity": finding.rule.severity,
                    "message": finding.message,
                    "fix": finding.rule.fix,
                    "source": finding.rule.source,
                    "spec": spec,
                    "template": finding.template,
                })
            })
            .collect();
        json!({
            "findings": findings,
            "errors": self.of(Severity::Error).count(),
            "warnings": self.of(Severity::Warning).count(),
            "notes": self.of(Severity::Note).count(),
            "silenced": self.silenced,
        })
    }

    /// GitHub's workflow commands, one a line, which annotate a pull request: the spec, or a blueprint of one's own. `named` is
    /// how GitHub names a file.
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>
    pub fn github(&self, file: &Path, named: impl Fn(&Path) -> String) -> String {
        let annotations = self.findings.iter().map(|finding| {
            let level = match finding.rule.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let place = match (&finding.spec, finding.own_blueprint()) {
                (Some(place), _) => format!("{},line={},col={}", property(&named(file)), place.line, place.column),
                (None, Some(place)) => format!("{},line={}", property(&named(Path::new(&place.file))), place.line),
                (None, None) => property(&named(file)),
            };
            let template =
                finding.template.as_ref().map_or_else(String::new, |place| format!("\nin the template: {place}"));
            let message = format!("{}\nfix: {}{template}", finding.message, finding.rule.fix);
            format!("::{level} file={place},title={}::{}\n", property(finding.rule.id), data(&message))
        });
        annotations.collect()
    }
}

impl Finding {
    /// All of it in one line: `warning: spotstack.yaml:4:13: one subnet is one capacity pool [single-subnet]`
    pub fn line(&self, file: &str) -> String {
        let place = match (&self.spec, self.own_blueprint(), &self.template) {
            (Some(place), ..) => format!("{file}:{}:{}", place.line, place.column),
            (None, Some(place), _) => format!("{}:{}", place.file, place.line),
            (None, None, Some(place)) => place.to_string(),
            (None, None, None) => file.to_owned(),
        };
        format!("{}: {place}: {} [{}]", self.rule.severity, self.message, self.rule.id)
    }

    /// The line of the user's own blueprint that it is in.
    fn own_blueprint(&self) -> Option<&InBlueprint> {
        self.template.as_ref()?.blueprint.as_ref().filter(|blueprint| !blueprint.built_in)
    }
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl fmt::Display for super::InTemplate {
    /// `GpuQueue Properties.VisibilityTimeout, line 45 (blueprint queue.yaml:30)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(origin) = &self.blueprint {
            write!(f, " (blueprint {}:{})", origin.file, origin.line)?;
        }
        Ok(())
    }
}

/// A finding beside the text that it is in: the spec; where the spec has nothing to do with it, the user's own blueprint, or the
/// template.
#[derive(Debug)]
pub struct Shown {
    finding: Finding,
    source: Option<(NamedSource<String>, LabeledSpan)>,
}

impl Shown {
    /// Beside the spec of this name and text. What looks like a secret is not shown.
    pub fn new(finding: &Finding, file: &str, spec: &str, template: &Template) -> Self {
        let named = |name: &str, text: &str| NamedSource::new(name, mask(text)).with_language("YAML");
        let line = finding.template.as_ref().and_then(|place| place.line);
        let source = match (&finding.spec, line) {
            (Some(place), _) => {
                let label = Some(place.label.clone()).filter(|label| !label.is_empty());
                Some((named(file, spec), LabeledSpan::new(label, place.offset, place.length)))
            }
            (None, Some(line)) => Some(match template.origin_of_line(line) {
                Some(Origin { blueprint: Blueprint { text, path: Some(path), .. }, line }) => {
                    (named(path, text), whole_line(text, line))
                }
                _ => (named("the rendered template", &template.text), whole_line(&template.text, line)),
            }),
            (None, None) => None,
        };
        Self { finding: finding.clone(), source }
    }

    /// How much it weighs.
    pub fn weight(&self) -> Severity {
        self.finding.rule.severity
    }
}

/// A line, counted from 1, without its margin.
fn whole_line(text: &str, line: usize) -> LabeledSpan {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let line = text[before..].lines().next().unwrap_or_default();
    LabeledSpan::new(None, before + line.len() - line.trim_start().len(), line.trim().len().max(1))
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.finding.rule.id))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.rule.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let template =
            self.finding.template.as_ref().map_or_else(String::new, |place| format!("\nin the template: {place}"));
        Some(Box::new(format!("{}{template}", self.finding.rule.fix)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref().map(|(_, label)| Box::new(std::iter::once(label.clone())) as _)
    }
}

/// A spec or template with errors among its findings: nothing is made of it.
#[derive(Debug)]
pub struct Refused {
    file: String,
    errors: Vec<Shown>,
}

impl Refused {
    /// The errors of a report, if it has any.
    pub fn of(report: &Report, file: &str, spec: &str, template: &Template) -> Option<Self> {
        let errors: Vec<_> =
            report.of(Severity::Error).map(|finding| Shown::new(finding, file, spec, template)).collect();
        (!errors.is_empty()).then(|| Self { file: file.to_owned(), errors })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what `{}` renders to is refused", self.file)
    }
}

impl std::error::Error for Refused {}

impl Diagnostic for Refused {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("`spotstack check --explain ID` says why it matters, and how to allow it"))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.errors.iter().map(|shown| shown as &dyn Diagnostic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflow_commands_are_escaped() {
        assert_eq!(data("100%\r\na:b,c"), "100%25%0D%0Aa:b,c");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
