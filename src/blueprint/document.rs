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
        let mut marks = vec![];
        let mut line = 0;
        for span in spans {
            let output = &text[span.output_range()];
            // A line is the first span's that writes to it; the end of a span is the beginning of the next one.
            let breaks = output.bytes().filter(|byte| *byte == b'\n').count();
            let lines = breaks + usize::from(!output.ends_with('\n'));
            let expression = span.kind() == OutputSpanKind::Expression;
            let fragment = fragment.filter(|_| expression && source[span.source_range()].contains("user_data"));
            marks.resize(marks.len().max(line + lines), None);
            for (index, mark) in marks[line..].iter_mut().take(lines).enumerate() {
                let own = (blueprint, if expression { span.line() } else { span.line() + index });
                let nested = fragment.and_then(|fragment| *fragment.marks.get(index)?);
                if mark.is_none() || nested.is_some() {
                    *mark = nested.or(Some(own));
                }
            }
            line += breaks;
        }
        Self { text, marks }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn push(&mut self, line: &str, mark: Mark) {
        self.text.push_str(line);
        self.text.push('\n');
        self.marks.push(mark);
    }

    /// Adds lines without the blank ones at either end.
    fn append(&mut self, text: &str, marks: &[Mark]) {
        let trimmed = text.trim_start_matches('\n');
        let before = text.len() - trimmed.len();
        let after = trimmed.len() - trimmed.trim_end_matches('\n').len();
        let trimmed = trimmed.trim_end_matches('\n');
        if !trimmed.is_empty() {
            self.text.push_str(trimmed);
            self.text.push('\n');
            // The first of the line breaks at the end is the last line's own.
            self.marks.extend(&marks[before..marks.len() - after.saturating_sub(1)]);
        }
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
        let (mut section, mut begin, mut begin_line, mut end) = (None, 0, 0, 0);
        for (index, line) in rendered.text.split_inclusive('\n').enumerate() {
            if !line.starts_with([' ', '\n'])
                && let Some(next) = SECTIONS.iter().position(|name| line.trim_end().strip_suffix(':') == Some(name))
            {
                self.put(section, &rendered.text[begin..end], &rendered.marks[begin_line..index]);
                (section, begin, begin_line) = (Some(next), end + line.len(), index + 1);
            }
            end += line.len();
        }
        self.put(section, &rendered.text[begin..], &rendered.marks[begin_line..]);
    }

    fn put(&mut self, section: Option<usize>, text: &str, marks: &[Mark]) {
        let lines = section.map_or(&mut self.head, |section| &mut self.sections[section]);
        // A blank line between resources, none between the one-line neighbours of other sections.
        let part = text.trim_matches('\n');
        let apart = part.starts_with("  #") || part.contains("\n    Type: AWS::");
        if section.is_some() && apart && !lines.text.is_empty() {
            lines.push("", None);
        }
        lines.append(text, marks);
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
        whole.append(&self.head.text, &self.head.marks);
        for (name, section) in SECTIONS.iter().zip(&self.sections).filter(|(_, section)| !section.text.is_empty()) {
            if *name != "Parameters" {
                whole.push("", None);
            }
            whole.push(&format!("{name}:"), None);
            whole.append(&section.text, &section.marks);
        }
        let rendered = Rendered { text: whole.text, blueprints, marks: whole.marks, resources: BTreeMap::new() };
        let resources = resources(&rendered)?;
        Ok(Rendered { resources, ..rendered })
    }
}

/// The lines, counted from 1, on which resources begin, by logical id.
fn resources(rendered: &Rendered) -> Result<BTreeMap<String, usize>, BlueprintError> {
    let mut entries: [BTreeMap<String, usize>; SECTIONS.len()] = Default::default();
    let mut section = None;
    for (index, line) in rendered.text.lines().enumerate() {
        let Some(entry) = line.strip_prefix("  ") else {
            section = SECTIONS.iter().position(|name| line.strip_suffix(':') == Some(name)).or(section);
            continue;
        };
        let Some(section) = section.filter(|_| !entry.starts_with([' ', '#', '-'])) else { continue };
        let Some(name) = entry.strip_suffix(':').or_else(|| Some(entry.split_once(": ")?.0)) else { continue };
        let name = name.trim_matches(['"', '\'']);
        if let Some(first) = entries[section].insert(name.to_owned(), index + 1) {
            let message = format!("`{name}` is there twice in `{}`", SECTIONS[section]);
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
    let [_, resources, _] = entries;
    Ok(resources)
}
