//! A report for a terminal of 80 columns, with or without colours.

use std::fmt::Write as _;

use spot_policy::Timestamp;

use super::report::Report;
use super::timeline::{Piece, Timeline};
use crate::chart::terminal::{self, Panel, Tone};
use crate::chart::{Mark, Span, Steps, scale};
use crate::neutral::neutral;

/// A report in at most `width` columns.
pub fn text(report: &Report, width: usize, paint: &dyn Fn(Tone, &str) -> String) -> String {
    let mut text = format!("{}\n", paint(Tone::Title, &report.pair));
    for line in &report.world {
        let options = textwrap::Options::new(width).initial_indent("  ").subsequent_indent("    ");
        let _ = writeln!(text, "{}", textwrap::fill(&neutral(line), options));
    }
    text.push('\n');
    for table in [money(report), events(report)] {
        text += &aligned(&table, paint);
        text.push('\n');
    }
    if let Some(timeline) = &report.timeline {
        text += &drawn(report, timeline, width, paint);
    }
    text
}

/// Rows of cells, the first row their heads.
pub(super) type Table = Vec<Vec<String>>;

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// What a variant is called in a table.
pub(super) fn name(variant: &super::report::Variant) -> &str {
    let strategy = variant.outcome.strategy;
    if variant.name == strategy.name() { strategy.words() } else { &variant.name }
}

/// What it costs, and how long jobs wait.
pub(super) fn money(report: &Report) -> Table {
    let mut table = vec![row(["", "USD", "saved", "Spot", "wait: mean", "p95", "most", "nobody"])];
    for variant in &report.results {
        let outcome = &variant.outcome;
        table.push(vec![
            name(variant).to_owned(),
            format!("{:.2}", outcome.cost_usd),
            percent(outcome.saving),
            percent(outcome.spot_share),
            duration(outcome.waiting.mean.round() as u64),
            duration(outcome.waiting.p95),
            duration(outcome.waiting.max),
            percent(Some(outcome.unserved.share)),
        ]);
    }
    table
}

/// What happened on the way.
pub(super) fn events(report: &Report) -> Table {
    let mut table = vec![row(["", "jobs done", "left", "anew", "turns", "taken", "twice", "longest"])];
    for variant in &report.results {
        let outcome = &variant.outcome;
        table.push(vec![
            name(variant).to_owned(),
            outcome.jobs.done.to_string(),
            (outcome.jobs.waiting + outcome.jobs.running).to_string(),
            outcome.jobs.restarted.to_string(),
            outcome.fallbacks.map_or_else(|| "-".to_owned(), |count| count.to_string()),
            outcome.interruptions.to_string(),
            format!("{:.1}", outcome.double_capacity_hours),
            duration(outcome.unserved.longest),
        ]);
    }
    table
}

/// What the columns are, for those who read the tables for the first time.
pub const LEGEND: [&str; 2] = [
    "saved: of always On-Demand. Spot: its part of all instance-hours. wait: how long jobs were visible in the queue. nobody: the \
     part of the time in which jobs waited and no worker was there or on its way.",
    "left: jobs waiting or worked on in the end. anew: jobs given back, and begun anew. turns: how often On-Demand was turned to. \
     taken: Spot Instances that AWS took back. twice: instance-hours beyond what the jobs wanted. longest: the longest time with \
     nobody.",
];

fn aligned(table: &Table, paint: &dyn Fn(Tone, &str) -> String) -> String {
    let columns = table.first().map_or(0, Vec::len);
    let letters = |cell: &String| cell.chars().count();
    let widths: Vec<usize> =
        (0..columns).map(|column| table.iter().map(|row| letters(&row[column])).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in table.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        });
        let line: String = cells.collect();
        let line = if number == 0 { paint(Tone::Axis, &line) } else { line };
        let _ = writeln!(text, "{line}");
    }
    text
}

/// A series of a time line.
pub(super) fn steps(timeline: &Timeline, label: &str, value: impl Fn(&Piece) -> Option<f64>) -> Steps {
    let at = |index: usize| Timestamp(timeline.start + timeline.width * index as i64);
    let points = timeline.pieces.iter().enumerate();
    Steps {
        label: label.to_owned(),
        points: points.filter_map(|(index, piece)| Some((at(index), value(piece)?))).collect(),
    }
}

/// What it was from when to when.
pub(super) fn span(report: &Report) -> Span {
    Span { start: Timestamp(report.start), end: Timestamp(report.start + report.seconds) }
}

/// The cheapest zone's price.
pub(super) fn cheapest(piece: &Piece) -> Option<f64> {
    piece.prices.iter().copied().flatten().min_by(f64::total_cmp)
}

fn drawn(report: &Report, timeline: &Timeline, width: usize, paint: &dyn Fn(Tone, &str) -> String) -> String {
    let span = span(report);
    let limit = report.policy.limit();
    let marks: Vec<Mark> = limit.map(|value| Mark { label: "worth it".to_owned(), value }).into_iter().collect();
    let price = steps(timeline, "Spot price of the cheapest zone, USD an hour", cheapest);
    let capacity = steps(timeline, "zones that have Spot", |piece| Some(piece.capacity.iter().sum()));
    let queue = steps(timeline, "jobs waiting", |piece| Some(piece.waiting));
    let fleet = [
        steps(timeline, "Spot", |piece| Some(piece.spot)),
        steps(timeline, "On-Demand", |piece| Some(piece.on_demand)),
    ];
    let mut lines = terminal::stack("workers", &fleet, span, 6, width, paint);
    let top = |series: &Steps, marks: &[Mark]| scale::top(std::slice::from_ref(series), marks, span);
    for (series, marks) in [(&queue, &[][..]), (&capacity, &[]), (&price, &marks)] {
        lines.push(String::new());
        lines.extend(terminal::panel(Panel { series, span, marks, top: top(series, marks), height: 4 }, width, paint));
    }
    lines.join("\n") + "\n"
}

fn percent(share: Option<f64>) -> String {
    // Nobody wants to read -0.0 %.
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", (share * 1_000.0).round() / 10.0 + 0.0))
}

/// Seconds as people read them: `42s`, `3m 05s`, `1h 02m`, `45d 12h`.
pub fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 if seconds.is_multiple_of(60) => format!("{minutes}m"),
        60..3_600 => format!("{minutes}m {:02}s", seconds % 60),
        3_600..86_400 if minutes.is_multiple_of(60) => format!("{hours}h"),
        3_600..86_400 => format!("{hours}h {:02}m", minutes % 60),
        _ if hours.is_multiple_of(24) => format!("{days}d"),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}
