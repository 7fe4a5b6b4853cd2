//! A review as a comment on a pull request.

use std::fmt::Write as _;

use super::compare::ValueChange;
use super::fate::Mark;
use super::review::{Item, Review};
use super::show::{Shown, shown};
use super::text::{Tone, lines};
use crate::neutral::neutral;

/// A comment on GitHub holds 65,536 characters; this leaves room for what somebody puts around it.
pub const LARGEST: usize = 60_000;

/// Lines of one part's details, at most.
const MOST_LINES: usize = 400;

/// What is compared with what.
#[derive(Debug, Clone, Copy)]
pub struct Heading<'a> {
    /// The stack.
    pub stack: &'a str,
    /// What is there.
    pub before: &'a str,
    /// What would be.
    pub after: &'a str,
}

/// The hidden first line, by which a comment is found again to be updated in place.
pub fn marker(stack: &str) -> String {
    format!("<!-- spotstack diff: {} -->", neutral(stack).replace("--", "-\u{200b}-"))
}

/// The whole comment, under [`LARGEST`] bytes: what does not fit is left out, and it says so.
pub fn markdown(review: &Review, heading: Heading<'_>) -> String {
    let Heading { stack, before, after } = heading;
    let mut out = format!("{}\n", marker(stack));
    if review.is_empty() {
        let _ = write!(out, "### spotstack: `{}` does not change\n\n{}\n", code(stack), footer(before, after));
        return out;
    }
    let _ = write!(out, "### spotstack: `{}` changes\n\n**{}**\n\n", code(stack), review.summary());
    out.push_str(&warnings(review));
    let end = footer(before, after);
    // A third is enough for any table that somebody reads; the details get what is left.
    let (table, left_out) = table(review, LARGEST / 3);
    out.push_str(&table);
    if left_out > 0 {
        let _ = write!(out, "\n…and {left_out} more, which do not fit here.\n");
    }
    let notice = "\n_Some details are left out: a comment holds only so much. `spotstack diff` on your machine shows all of them._\n";
    let mut skipped = false;
    for (title, body) in details(review) {
        let block = format!("\n<details><summary>{}</summary>\n\n{body}\n</details>\n", html(&title));
        if out.len() + block.len() + notice.len() + end.len() + 1 > LARGEST {
            skipped = true;
        } else {
            out.push_str(&block);
        }
    }
    if skipped {
        out.push_str(notice);
    }
    let _ = write!(out, "\n{end}\n");
    out
}

/// What must not be overlooked, in a box; ten lines at most.
fn warnings(review: &Review) -> String {
    const MOST: usize = 10;
    let grave: Vec<&Item> =
        review.items().filter(|item| item.mark.destroys() && item.consequence.is_some() && !is_launch(item)).collect();
    if grave.is_empty() && review.notes.is_empty() {
        return String::new();
    }
    let mut out = "> [!WARNING]\n".to_owned();
    for note in review.notes.iter().take(MOST) {
        let _ = writeln!(out, "> {}  ", html(note));
    }
    for item in grave.iter().take(MOST) {
        let _ = writeln!(out, "> `{}`: {}  ", code(&item.logical_id), item.consequence.unwrap_or_default());
    }
    if grave.len() > MOST {
        let _ = writeln!(out, "> and {} more", grave.len() - MOST);
    }
    out + "\n"
}

fn is_launch(item: &Item) -> bool {
    item.mark == Mark::Replace && item.resource_type == super::fate::CONFIGURATION
}

/// A row for each resource, as many as fit in `room` bytes; how many do not.
fn table(review: &Review, room: usize) -> (String, usize) {
    let mut rows: Vec<String> = Vec::new();
    for section in &review.sections {
        for item in &section.items {
            rows.push(row(
                item.mark,
                &item.logical_id,
                item.about.as_deref().unwrap_or(&item.resource_type),
                &what(item),
            ));
        }
    }
    for follower in &review.follows {
        let (mark, also) = follower.mark();
        let named: Vec<_> = follower.follows.iter().map(|id| format!("`{}`", code(id))).collect();
        rows.push(row(
            mark,
            &follower.logical_id,
            follower.about.as_deref().unwrap_or(&follower.resource_type),
            &format!("names {}{also}", named.join(", ")),
        ));
    }
    for entry in &review.document {
        let name = if entry.name.is_empty() { &entry.section } else { &entry.name };
        rows.push(row(entry.mark, name, if entry.name.is_empty() { "" } else { &entry.section }, ""));
    }
    let mut out = "| | Resource | | What it means |\n|---|---|---|---|\n".to_owned();
    let mut shown = 0;
    for row in &rows {
        if out.len() + row.len() > room {
            break;
        }
        out.push_str(row);
        shown += 1;
    }
    (out, rows.len() - shown)
}

fn row(mark: Mark, name: &str, about: &str, what: &str) -> String {
    format!("| `{mark}` | `{}` | {} | {what} |\n", code(name), cell(about.trim_end_matches('.')))
}

/// What changes, with its values where they are few and short, and the consequence.
fn what(item: &Item) -> String {
    const MOST: usize = 5;
    const SHORT: usize = 40;
    let name = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let short = |change: &ValueChange| match shown(change.before.as_ref(), change.after.as_ref(), SHORT) {
        Shown::Pair(before, after) => {
            Some(format!("`{}`: `{}` → `{}`", code(&name(&change.path)), code(&before), code(&after)))
        }
        Shown::Lines(_) => None,
    };
    let values: Option<Vec<String>> =
        (1..=3).contains(&item.changes.len()).then(|| item.changes.iter().map(short).collect()).flatten();
    let names = values.unwrap_or_else(|| {
        let names = item.properties.iter().take(MOST).map(|property| format!("`{}`", code(property)));
        names.chain((item.properties.len() > MOST).then(|| "…".to_owned())).collect()
    });
    let mut parts = vec![names.join(", ")];
    parts.extend(item.same_as.as_ref().map(|other| format!("`{}` under another name", code(other))));
    parts.extend(
        item.consequence
            .map(|consequence| if item.mark.destroys() { format!("**{consequence}**") } else { consequence.into() }),
    );
    parts.retain(|part| !part.is_empty());
    parts.join("<br>")
}

/// The values, part by part, as GitHub colours them.
fn details(review: &Review) -> Vec<(String, String)> {
    let only = |sections: Vec<_>| Review { sections, ..Review::default() };
    let mut parts: Vec<(String, Review)> = review
        .sections
        .iter()
        .filter(|section| section.items.iter().any(|item| !item.changes.is_empty()))
        .map(|section| (section.part.to_string(), only(vec![section.clone()])))
        .collect();
    if !review.document.is_empty() {
        let rest = Review { document: review.document.clone(), ..Review::default() };
        parts.push(("Parameters, outputs and other parts of the template".into(), rest));
    }
    parts.into_iter().map(|(title, part)| (title, fenced(&part))).collect()
}

/// The review in a block whose lines begin with the signs that colour them.
fn fenced(review: &Review) -> String {
    let mut all = lines(review, 100);
    // The heading is the summary of the block, and the numbers are those of one part only.
    all.remove(0);
    all.pop();
    let hidden = all.len().saturating_sub(MOST_LINES);
    let body: Vec<String> = all
        .iter()
        .take(MOST_LINES)
        .map(|line| {
            let text = line.text.strip_prefix("  ").unwrap_or(&line.text);
            // The sign of a value moves to the front, where it colours the line.
            let signed = |sign: char| {
                let moved =
                    text.trim_start().strip_prefix(sign).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
                format!("{sign}{}", text.replacen(sign, " ", usize::from(moved))).trim_end().to_owned()
            };
            match line.tone {
                Tone::Add => signed('+'),
                Tone::Remove => signed('-'),
                Tone::Change if text.trim_start().starts_with('~') => format!("!{text}"),
                _ => format!(" {text}").trim_end().to_owned(),
            }
        })
        .collect();
    let mut body = body.join("\n");
    if hidden > 0 {
        let _ = write!(body, "\n… {hidden} more lines");
    }
    // A fence longer than any in the text.
    let mut fence = "```".to_owned();
    while body.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}diff\n{body}\n{fence}\n")
}

fn footer(before: &str, after: &str) -> String {
    format!("<sub>spotstack {}: from {} to {}</sub>", env!("CARGO_PKG_VERSION"), html(before), html(after))
}

/// Inside of backticks.
fn code(text: &str) -> String {
    neutral(text).replace(['`', '|', '\n'], " ")
}

/// In a table: neither markup nor mention.
fn cell(text: &str) -> String {
    html(text).replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn html(text: &str) -> String {
    let mut out = String::new();
    for c in neutral(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '*' | '_' | '`' | '[' | ']' | '#' | '~' | '!' | '\\' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
