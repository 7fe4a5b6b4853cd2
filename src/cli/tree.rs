//! How far CloudFormation is, as a tree that fits a terminal of any size. A pure function: the clock and the size are parameters.

use std::time::Duration;

use dialoguer::console::{measure_text_width, truncate_str};

use crate::deploy::progress::{Progress, State, Task};
use crate::deploy::text::seconds;
use crate::template::diff::Part;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    /// `None`: as many as it takes.
    pub(super) rows: Option<usize>,
}

/// How a piece of a row sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Good,
    Busy,
    Bad,
    Dim,
}

/// A row in pieces. It never fills the last column, where some terminals break the line.
pub(super) type Row = Vec<(Tone, String)>;

/// Where the names in the template are shown, too.
const WIDE: usize = 112;

/// The state and the seconds behind each resource.
const STATE: usize = 9;
const TOOK: usize = 8;

/// Rows of a failure's reason while others move; the whole of it is told in the end.
const REASON_ROWS: usize = 3;

/// The tree, never more rows than there are: first what failed and what CloudFormation is at, then what belongs to a part that is
/// not finished, then the rest, all of it in its place.
pub(super) fn tree(progress: &Progress, elapsed: Duration, size: Size) -> Vec<Row> {
    let width = size.columns.saturating_sub(1);
    let mut parts: Vec<Part> = progress.tasks().iter().map(|task| task.part).collect();
    parts.sort_unstable();
    parts.dedup();
    // Where hardly anything fits, headings are the first to go.
    let headed = size.rows.is_none_or(|rows| rows >= parts.len() + 4);
    let headings = if headed { parts.len() } else { 0 };
    let shown = shown(progress, size.rows.map(|rows| rows.saturating_sub(1 + headings)), width);
    let mut rows = vec![head(progress, elapsed, width)];
    for part in parts {
        let tasks = || progress.tasks().iter().enumerate().filter(|(_, task)| task.part == part);
        if headed {
            rows.push(heading(part, progress.is_undoing(), tasks().map(|(_, task)| task), width));
        }
        for (index, task) in tasks() {
            if let Some(&(_, reason_rows)) = shown.iter().find(|(shown, _)| *shown == index) {
                rows.push(resource(task, elapsed, width));
                rows.extend(reason(task, width, reason_rows));
            }
        }
    }
    rows.into_iter().map(|row| clip(row, width)).collect()
}

/// What of a row fits; on a terminal for a tree all of it does.
fn clip(row: Row, width: usize) -> Row {
    let mut left = width;
    let clipped = row.into_iter().map(|(tone, text)| {
        let text = truncate_str(&text, left, "").into_owned();
        left -= measure_text_width(&text).min(left);
        (tone, text)
    });
    clipped.collect()
}

/// The indices of the resources that fit, each with the rows of its reason.
fn shown(progress: &Progress, mut room: Option<usize>, width: usize) -> Vec<(usize, usize)> {
    let tasks = progress.tasks();
    let unfinished = |part: Part| tasks.iter().any(|task| task.part == part && !task.is_done());
    let urgency = |task: &Task| match task.state {
        _ if task.failure.is_some() => 0,
        State::Doing { .. } => 1,
        State::Waiting if unfinished(task.part) => 3,
        _ if unfinished(task.part) => 2,
        _ => 4,
    };
    // What never began is nothing to undo.
    let counts = |index: &usize| !progress.is_undoing() || tasks[*index].state != State::Waiting;
    let mut order: Vec<usize> = (0..tasks.len()).filter(counts).collect();
    order.sort_by_key(|&index| urgency(&tasks[index]));
    let mut shown = Vec::new();
    for index in order {
        let most = room.map_or(usize::MAX, |room| room.saturating_sub(1).min(REASON_ROWS));
        let reason_rows = reason(&tasks[index], width, most).len();
        if let Some(room) = &mut room {
            match room.checked_sub(1 + reason_rows) {
                Some(left) => *room = left,
                None => break,
            }
        }
        shown.push((index, most));
    }
    shown
}

fn head(progress: &Progress, elapsed: Duration, width: usize) -> Row {
    let status = progress.status().map_or("has begun", |status| status.0.as_str());
    let (done, all) = progress.done();
    let (tone, so_far) = if progress.is_undoing() {
        (Tone::Busy, format!("{} undone", progress.undone()))
    } else {
        (Tone::Good, format!("{done} of {all}"))
    };
    let right = format!("{so_far}{:>TOOK$}", seconds(elapsed));
    let (stack, left) = (progress.stack(), width.saturating_sub(measure_text_width(&right) + 2));
    let stack = truncate_str(stack, left, "…").into_owned();
    let status = truncate_str(status, left.saturating_sub(measure_text_width(&stack) + 2), "…").into_owned();
    let free = left.saturating_sub(measure_text_width(&stack) + 2 + measure_text_width(&status));
    let mut row = vec![(Tone::Strong, stack), (Tone::Plain, format!("  {status}  "))];
    match free.checked_sub(2).filter(|&room| room >= 8 && !progress.is_undoing()) {
        Some(room) => {
            let room = room.min(40);
            let full = (room * done).checked_div(all).unwrap_or(room);
            row.push((Tone::Plain, " ".repeat(free - 2 - room)));
            row.push((Tone::Good, "━".repeat(full)));
            row.push((Tone::Dim, "─".repeat(room - full)));
            row.push((Tone::Plain, "  ".into()));
        }
        None => row.push((Tone::Plain, " ".repeat(free))),
    }
    row.push((tone, right));
    row
}

fn heading<'a>(part: Part, undoing: bool, tasks: impl Iterator<Item = &'a Task>, width: usize) -> Row {
    let (mut done, mut all, mut begun, mut failed) = (0, 0, 0, false);
    for task in tasks {
        all += 1;
        done += usize::from(if undoing { task.undone } else { task.is_done() });
        begun += usize::from(task.state != State::Waiting);
        failed |= task.failure.is_some();
    }
    // What never began is nothing to undo.
    let all = if undoing { begun } else { all };
    let (tone, mark) = match () {
        () if failed => (Tone::Bad, "✗"),
        () if done == all && all > 0 => (Tone::Good, "✓"),
        () if begun > 0 => (Tone::Busy, "▸"),
        () => (Tone::Dim, " "),
    };
    let right = if undoing && all == 0 { String::new() } else { format!("{done} of {all}") };
    let words = part.to_string();
    let gap = width.saturating_sub(4 + measure_text_width(&words) + measure_text_width(&right));
    vec![(tone, format!("  {mark} ")), (Tone::Strong, words), (Tone::Plain, " ".repeat(gap)), (Tone::Dim, right)]
}

fn resource(task: &Task, elapsed: Duration, width: usize) -> Row {
    let whole = |seconds: i64| u64::try_from(seconds).ok().map(super::words::whole_seconds);
    let took = match task.state {
        State::Doing { since, .. } => Some(super::words::whole_seconds(elapsed.saturating_sub(since).as_secs())),
        _ => task.took.and_then(whole),
    };
    let (tone, mark, state) = match task.state {
        State::Waiting => (Tone::Dim, " ", ""),
        State::Doing { .. } if task.replaced => (Tone::Busy, "▸", "old goes"),
        State::Doing { verb, .. } => (Tone::Busy, "▸", verb.doing()),
        State::Done(_) if task.replaced => (Tone::Good, "✓", "replaced"),
        State::Done(verb) => (Tone::Good, "✓", verb.done()),
        State::Kept => (Tone::Good, "=", "kept"),
        State::Failed => (Tone::Bad, "✗", "failed"),
        State::Cancelled => (Tone::Dim, "-", "given up"),
    };
    // What failed is known as that, also when what was made of it has been taken away.
    let (tone, mark) = if task.failure.is_some() { (Tone::Bad, "✗") } else { (tone, mark) };
    let right = format!("{state:<STATE$}{:>TOOK$}", took.unwrap_or_default());
    let room = width.saturating_sub(6 + 1 + right.len());
    let id = if width + 1 >= WIDE && task.about.is_some() { task.logical_id.as_str() } else { "" };
    let id = truncate_str(id, room / 3, "…");
    let beside = if id.is_empty() { 0 } else { room / 3 + 2 };
    let words = truncate_str(task.words(), room.saturating_sub(beside), "…");
    let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(measure_text_width(text)));
    let mut row = vec![(tone, format!("    {mark} "))];
    let quiet = matches!(task.state, State::Waiting | State::Cancelled);
    row.push((if quiet { Tone::Dim } else { Tone::Plain }, words.to_string()));
    row.push((Tone::Plain, pad(&words, room.saturating_sub(beside))));
    if beside > 0 {
        row.push((Tone::Dim, format!("  {id}{}", pad(&id, beside - 2))));
    }
    row.push((tone, format!(" {right}")));
    row
}

/// AWS's text under what failed, folded, at most so many rows of it.
fn reason(task: &Task, width: usize, most: usize) -> Vec<Row> {
    let Some(text) = &task.failure else { return Vec::new() };
    let room = width.saturating_sub(8).max(12);
    let mut lines: Vec<String> = textwrap::wrap(text, room).into_iter().map(|line| line.into_owned()).collect();
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = format!("{}…", truncate_str(last, room - 1, ""));
        }
    }
    lines.into_iter().map(|line| vec![(Tone::Bad, format!("        {line}"))]).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use snapbox::{Data, assert_data_eq};

    use super::*;
    use crate::deploy::progress::recording::Recording;

    const CREATE: &str = include_str!("../../tests/deployments/create.jsonl");
    const UPDATE: &str = include_str!("../../tests/deployments/update-with-replacement.jsonl");
    const FAILURE: &str = include_str!("../../tests/deployments/failure-with-rollback.jsonl");

    /// How far a recorded deployment is so many seconds after its first event.
    fn at(recording: &str, seconds: i64) -> Progress {
        let recording = Recording::read(recording).expect("a recording");
        let mut progress = recording.begin();
        let first = recording.events[0].at.0;
        for event in recording.events.iter().take_while(|event| event.at.0 - first <= seconds) {
            let now = u64::try_from(event.at.0 - first).expect("in order");
            progress.fold(event, Duration::from_secs(now));
        }
        progress
    }

    fn drawn(recording: &str, seconds: u32, columns: usize, rows: Option<usize>) -> String {
        let elapsed = Duration::from_secs(seconds.into());
        let tree = tree(&at(recording, seconds.into()), elapsed, Size { columns, rows });
        let text = |row: &Row| row.iter().map(|(_, text)| text.as_str()).collect::<String>();
        tree.iter().map(|row| format!("{}\n", text(row).trim_end())).collect()
    }

    #[test]
    fn recorded_deployments_are_drawn_as_they_were() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deployments");
        for (name, recording, seconds, columns, rows) in [
            ("create-at-80x23", CREATE, 100, 80, Some(23)),
            ("create-at-140x39", CREATE, 280, 140, Some(39)),
            ("create-at-40x8", CREATE, 100, 40, Some(8)),
            ("create-whole", CREATE, 10_000, 80, None),
            ("update-at-80x23", UPDATE, 90, 80, Some(23)),
            ("update-whole", UPDATE, 10_000, 100, None),
            ("failure-at-80x23", FAILURE, 288, 80, Some(23)),
            ("failure-whole", FAILURE, 10_000, 80, None),
        ] {
            let drawn = drawn(recording, seconds, columns, rows);
            assert_data_eq!(drawn, Data::read_from(&golden.join(format!("{name}.txt")), None));
        }
    }

    proptest! {
        /// Whatever the size, no row is too long, and no more rows are drawn than there are.
        #[test]
        fn it_fits_every_terminal(seconds in 0_u32..400, columns in 1_usize..200, rows in 1_usize..60, which in 0_usize..3) {
            let recording = [CREATE, UPDATE, FAILURE][which];
            let text = drawn(recording, seconds, columns, Some(rows));
            prop_assert!(text.lines().count() <= rows, "{text}");
            let widest = text.lines().map(measure_text_width).max().unwrap_or_default();
            prop_assert!(widest < columns, "{widest} columns:\n{text}");
        }

        /// What failed is in sight as long as there is room for it.
        #[test]
        fn what_failed_is_seen(rows in 8_usize..60, columns in 40_usize..160) {
            let text = drawn(FAILURE, 288, columns, Some(rows));
            prop_assert!(text.contains("✗ gpu: the Spot"), "{text}");
        }
    }
}
