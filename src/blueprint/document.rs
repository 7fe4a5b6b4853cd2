//! Rendered blueprints, put together section by section as text.

use std::collections::BTreeMap;

use minijinja::{OutputSpan, OutputSpanKind};

use super::error::BlueprintError;
use super::origin::{Mark, Rendered};
use super::set::Blueprints;
use super::yaml;
use crate::plan::Plan;

/// The sections of a template, in CloudFormation's own order.
const SECTIONS: [&str; 3] = ["Parameters", "Resources", "Outputs"];

/// Text whose lines know where they come from.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    text: String,
    marks: Vec<Mark>,
}

impl Lines {
    /// What a blueprint rendered to. A fragment that it shows in place of one expression keeps its own origins.
    pub(super) fn rendered(
        text: String,
        spans: &[OutputSpan],
        source: &str,
        blueprint: usize,
        fragment: Option<&Self>,
    ) -> Self {
        let mut marks = vec![None; text.lines().count()];
        let mut line = 0;
        for span in spans {
            let output = &text[span.output_range()];
            // A line is the first span's that writes to it; the end of a span is the beginning of the next one.
            let lines = output.matches('\n').count() + usize::from(!output.ends_with('\n'));
            let expression = span.kind() == OutputSpanKind::Expression;
            let fragment = fragment.filter(|_| expression && source[span.source_range()].contains("user_data"));
            for (index, mark) in marks.iter_mut().skip(line).take(lines).enumerate() {
                let own = (blueprint, if expression { span.line() } else { span.line() + index });
                let nested = fragment.and_then(|fragment| *fragment.marks.get(index)?);
                if mark.is_none() || nested.is_some() {
                    *mark = nested.or(Some(own));
                }
            }
            line += output.matches('\n').count();
        }
        Self { text, marks }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn iter(&self) -> impl Iterator<Item = (&str, Mark)> {
        self.text.lines().zip(self.marks.iter().copied())
    }

    fn push(&mut self, line: &str, mark: Mark) {
        self.text.push_str(line);
        self.text.push('\n');
        self.marks.push(mark);
    }

    fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.marks.extend(&other.marks);
    }

    /// Without the blank lines at either end.
    fn trimmed(&self) -> Self {
        let blank = |line: &&str| line.is_empty();
        let before = self.text.lines().take_while(blank).count();
        let after = self.text.lines().rev().take_while(blank).count();
        let mut trimmed = Self::default();
        let many = self.marks.len().saturating_sub(before + after);
        self.iter().skip(before).take(many).for_each(|(line, mark)| trimmed.push(line, mark));
        trimmed
    }
}

/// Rendered blueprints, put together section by section.
#[derive(Default)]
pub(super) struct Document {
    head: Lines,
    sections: [Lines; SECTIONS.len()],
}

impl Document {
    /// Adds each section's lines to that section's; what stands before any section is the head.
    pub(super) fn add(&mut self, rendered: &Lines) {
        let mut current = None;
        let mut parts: [Lines; SECTIONS.len()] = Default::default();
        for (line, mark) in rendered.iter() {
            if let Some(index) = SECTIONS.iter().position(|section| line.strip_suffix(':') == Some(section)) {
                current = Some(index);
                continue;
            }
            current.map_or(&mut self.head, |index| &mut parts[index]).push(line, mark);
        }
        for (section, part) in self.sections.iter_mut().zip(parts) {
            let part = part.trimmed();
            if part.text.is_empty() {
                continue;
            }
            // A blank line between resources, none between the one-line neighbours of other sections.
            if !section.text.is_empty() && (part.text.starts_with("  #") || part.text.contains("\n    Type: AWS::")) {
                section.push("", None);
            }
            section.append(&part);
        }
    }

    /// The whole document.
    ///
    /// # Errors
    /// Where two blueprints make the same resource, parameter or output.
    pub(super) fn finish(self, plan: &Plan, blueprints: Blueprints) -> Result<Rendered, BlueprintError> {
        let mut whole = Lines::default();
        // A file may be called what ends a comment.
        let spec: String = plan.spec.chars().map(|char| if yaml::printable(char) { char } else { '?' }).collect();
        let header = format!("# Rendered by spotstack {} from {spec}: edit that file, not this one.", plan.version);
        whole.push(&header, None);
        let own: Vec<_> = blueprints.own().map(|blueprint| blueprint.name).collect();
        if !own.is_empty() {
            // Their names alone: where they lie is a matter of the machine.
            whole.push(&format!("# Own blueprints: {}.", own.join(", ")), None);
        }
        whole.append(&self.head.trimmed());
        let mut begins = vec![];
        for (name, section) in SECTIONS.iter().zip(&self.sections).filter(|(_, section)| !section.text.is_empty()) {
            if *name != "Parameters" {
                whole.push("", None);
            }
            whole.push(&format!("{name}:"), None);
            begins.push((*name, whole.marks.len()));
            whole.append(section);
        }
        let mut rendered = Rendered { text: whole.text, blueprints, marks: whole.marks, resources: BTreeMap::new() };
        for (index, (name, begin)) in begins.iter().enumerate() {
            let end = begins.get(index + 1).map_or(usize::MAX, |(_, begin)| begin - 1);
            let entries = entries(&rendered, name, *begin, end)?;
            if *name == "Resources" {
                rendered.resources = entries;
            }
        }
        Ok(rendered)
    }
}

/// The lines, counted from 1, on which a section's entries begin.
fn entries(
    rendered: &Rendered,
    section: &str,
    begin: usize,
    end: usize,
) -> Result<BTreeMap<String, usize>, BlueprintError> {
    let mut entries = BTreeMap::new();
    for (index, line) in rendered.text.lines().enumerate().skip(begin).take(end - begin) {
        let Some(entry) = line.strip_prefix("  ").filter(|entry| !entry.starts_with([' ', '#', '-'])) else { continue };
        let Some(name) = entry.strip_suffix(':').or_else(|| Some(entry.split_once(": ")?.0)) else { continue };
        let name = name.trim_matches(['"', '\'']);
        if let Some(first) = entries.insert(name.to_owned(), index + 1) {
            let message = format!("`{name}` is there twice in `{section}`");
            return Err(match (rendered.line(first), rendered.line(index + 1)) {
                (Some(first), Some(again)) if first.blueprint.name == again.blueprint.name => {
                    first.error(message, "here").line(again.line, "and here")
                }
                (Some(first), Some(again)) => first.error(message, "here").and(again.error("and once more", "here")),
                _ => BlueprintError::new(message),
            }
            .help("give one of them another name"));
        }
    }
    Ok(entries)
}
