//! A review for a terminal: lines with their tone, which is all that a colour needs.

use std::fmt;

use serde_json::Value as Json;

use super::compare::ValueChange;
use super::fate::{CONFIGURATION, Mark, Replacement};
use super::review::{Entry, Follower, Item, Review};
use super::show::{Shown, Side, shown};
use crate::neutral::neutral;

/// How a line sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Head,
    /// Something comes.
    Add,
    /// Something changes.
    Change,
    /// Something goes.
    Remove,
    /// Said for orientation.
    Dim,
    /// Everything else.
    Plain,
}

/// A line of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it sounds.
    pub tone: Tone,
    /// What it says; safe to print.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where the notes on a resource begin.
const MARGIN: &str = "       ";

/// A change of more lines than this is not shown again for the twin.
const SHORT: usize = 4;

/// The whole review. Values longer than what is left of `width` columns are put on lines of their own; a line longer than that
/// has no place to be broken at.
pub fn lines(review: &Review, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for note in &review.notes {
        lines.extend([line(Tone::Remove, note.as_str()), line(Tone::Plain, "")]);
    }
    let mut long: Vec<&Item> = Vec::new();
    for section in &review.sections {
        lines.push(line(Tone::Head, section.part.to_string()));
        for item in &section.items {
            let known = long.iter().find(|known| is_the_same(known, item));
            let before = lines.len();
            lines.extend(item_lines(item, known.map(|known| known.logical_id.as_str()), width));
            if lines.len() > before + SHORT {
                long.push(item);
            }
        }
    }
    if !review.follows.is_empty() {
        lines.push(line(Tone::Head, "Reached by what is replaced"));
        lines.extend(review.follows.iter().map(|follower| follower_line(follower, width)));
    }
    if !review.document.is_empty() {
        lines.push(line(Tone::Head, "Parameters, outputs and other parts of the template"));
        lines.extend(review.document.iter().flat_map(|entry| entry_lines(entry, width)));
    }
    if !review.unaffected.is_empty() {
        lines.push(line(Tone::Dim, format!("Only looked at again: {}", review.unaffected.join(", "))));
    }
    lines.push(line(Tone::Plain, review.summary()));
    lines
}

impl fmt::Display for Review {
    /// As on a terminal of 80 columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = lines(self, 80).into_iter().map(|line| line.text).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A line as lines that fit, further in from the second on.
pub fn fold(line: &Line, width: usize) -> Vec<Line> {
    let text = &line.text;
    if text.chars().count() <= width {
        return vec![line.clone()];
    }
    let indent = text.len() - text.trim_start().len() + 4;
    if indent + 10 > width {
        return vec![line.clone()];
    }
    let mut folded: Vec<String> = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while !rest.is_empty() {
        let margin = if folded.is_empty() { 0 } else { indent };
        let room = width - margin;
        // At a space, if there is one in the second half; else wherever it is full.
        let end = if rest.len() <= room {
            rest.len()
        } else {
            (room / 2..=room).rev().find(|&at| rest.get(at) == Some(&' ')).unwrap_or(room)
        };
        let part: String = rest.drain(..end).collect();
        while rest.first() == Some(&' ') {
            rest.remove(0);
        }
        folded.push(format!("{}{}", " ".repeat(margin), part.trim_end()));
    }
    folded.into_iter().map(|text| Line { tone: line.tone, text }).collect()
}

fn line(tone: Tone, text: impl Into<String>) -> Line {
    Line { tone, text: text.into() }
}

/// Whether a twin changes in the same way.
fn is_the_same(one: &Item, other: &Item) -> bool {
    one.resource_type == other.resource_type && one.mark == other.mark && one.changes == other.changes
}

fn tone(mark: Mark) -> Tone {
    match mark {
        Mark::Add => Tone::Add,
        mark if mark.destroys() => Tone::Remove,
        _ => Tone::Change,
    }
}

/// The resource and what it is for; below it what changes, and what that means.
fn item_lines(item: &Item, twin: Option<&str>, width: usize) -> Vec<Line> {
    let about = item.about.as_deref().unwrap_or(&item.resource_type).trim_end_matches('.');
    let head = format!("{:>4} {:<28} {about}", item.mark, neutral(&item.logical_id));
    let mut lines = vec![line(tone(item.mark), shortened(&head, width))];
    match twin {
        Some(twin) => lines.push(line(Tone::Dim, format!("{MARGIN}the same as in {twin}"))),
        None if item.changes.is_empty() && !item.properties.is_empty() => {
            lines.push(line(Tone::Dim, format!("{MARGIN}{}", item.properties.join(", "))));
        }
        None => lines.extend(changes(&item.changes, item.resource_type == CONFIGURATION, width)),
    }
    if let Some(other) = &item.same_as {
        lines.push(line(
            Tone::Plain,
            format!("{MARGIN}=> {other} under another name, which goes: CloudFormation cannot rename"),
        ));
    }
    lines.extend(item.consequence.map(|consequence| line(Tone::Plain, format!("{MARGIN}=> {consequence}"))));
    lines
}

/// The changed values; those in one place below its name.
fn changes(changes: &[ValueChange], silent: bool, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut last = None;
    for change in changes {
        let path = neutral(change.path.trim_end_matches("[]"));
        let note = match change.replacement {
            _ if silent => "",
            Replacement::Never => "",
            Replacement::Maybe => " (may replace it)",
            Replacement::Always => " (replaces it)",
        };
        let room = width.saturating_sub(MARGIN.len() + 4);
        match shown(change.before.as_ref(), change.after.as_ref(), room) {
            Shown::Pair(before, after) => {
                let one = format!("{MARGIN}{path}: {before} → {after}{note}");
                if one.chars().count() <= width {
                    lines.push(line(Tone::Change, one));
                } else {
                    lines.push(line(Tone::Change, format!("{MARGIN}{path}{note}")));
                    let one = format!("{MARGIN}  {before} → {after}");
                    if one.chars().count() <= width {
                        lines.push(line(Tone::Change, one));
                    } else {
                        lines.push(line(Tone::Remove, format!("{MARGIN}  - {before}")));
                        lines.push(line(Tone::Add, format!("{MARGIN}  + {after}")));
                    }
                }
            }
            Shown::Lines(values) => {
                let is_item = change.path.ends_with("[]");
                match values.as_slice() {
                    [(side, value)] if !is_item && fits(&path, value, note, width) => {
                        let (tone, sign) = sign(*side);
                        lines.push(line(tone, format!("{MARGIN}{sign} {path}: {value}{note}")));
                    }
                    _ => {
                        if !is_item || last != Some(&change.path) {
                            lines.push(line(Tone::Change, format!("{MARGIN}{path}{note}")));
                        }
                        let many = is_item && values.len() > 1;
                        lines.extend(values.into_iter().enumerate().map(|(index, (side, value))| {
                            let (tone, sign) = sign(side);
                            let dash = if !many {
                                ""
                            } else if index == 0 {
                                "- "
                            } else {
                                "  "
                            };
                            line(tone, format!("{MARGIN}  {sign} {dash}{value}").trim_end().to_owned())
                        }));
                    }
                }
            }
        }
        last = Some(&change.path);
    }
    lines
}

fn fits(path: &str, value: &str, note: &str, width: usize) -> bool {
    [MARGIN, path, value, note].iter().map(|part| part.chars().count()).sum::<usize>() + 4 <= width
}

fn sign(side: Side) -> (Tone, char) {
    match side {
        Side::Before => (Tone::Remove, '-'),
        Side::After => (Tone::Add, '+'),
        Side::Both | Side::Gap => (Tone::Dim, ' '),
    }
}

fn follower_line(follower: &Follower, width: usize) -> Line {
    let (mark, what) = follower.mark();
    let text = format!("{mark:>4} {:<28} names {}{what}", follower.logical_id, follower.follows.join(", "));
    line(tone(mark), shortened(&text, width))
}

fn entry_lines(entry: &Entry, width: usize) -> Vec<Line> {
    let name = if entry.name.is_empty() { entry.section.clone() } else { format!("{} {}", entry.section, entry.name) };
    let value = |change: &ValueChange| change.after.as_ref().or(change.before.as_ref()).cloned();
    let about = match (entry.mark, entry.changes.first().and_then(value)) {
        (Mark::Change, _) | (_, None) => String::new(),
        (_, Some(Json::Object(map))) => map.get("Description").and_then(Json::as_str).unwrap_or_default().to_owned(),
        (_, Some(value)) => super::show::flow(&value),
    };
    let head = format!("{:>4} {:<28} {}", entry.mark, neutral(&name), neutral(&about));
    let mut lines = vec![line(tone(entry.mark), shortened(head.trim_end(), width))];
    if entry.mark == Mark::Change {
        let changed: Vec<_> = entry
            .changes
            .iter()
            .map(|change| match change.path.is_empty() {
                true => ValueChange { path: entry.section.clone(), ..change.clone() },
                false => change.clone(),
            })
            .collect();
        lines.extend(changes(&changed, true, width));
    }
    lines
}

/// A line of which the end may be left out.
fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.trim_end().to_owned();
    }
    text.chars().take(width.saturating_sub(1)).collect::<String>() + "…"
}
