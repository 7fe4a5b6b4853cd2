//! Prices for a terminal.

use dialoguer::console::Term;

use super::Prices;
use crate::chart::terminal::{Panel, Tone, panel};
use crate::chart::{Mark, Steps, scale};
use crate::cli::style::{self, Paint, folding};
use crate::deploy::text::moment;
use crate::history::summary::Zone;

/// How wide a terminal is; 80 where there is none.
pub(super) fn columns() -> usize {
    style::columns(&Term::stdout()).unwrap_or(80)
}

/// A chart of each zone, the table, and what they mean.
pub(super) fn text(prices: &Prices, columns: usize, paint: Paint) -> String {
    let paint = |tone: Tone, text: &str| paint.chart(tone, text);
    let (series, marks) = (series(prices), marks(prices));
    let top = scale::top(&series, &marks, prices.span);
    // Many zones shall still fit on a few screens.
    let height = if series.len() > 4 { 4 } else { 6 };
    let mut lines = vec![paint(Tone::Title, &title(prices)), String::new()];
    for series in &series {
        lines.extend(panel(Panel { series, span: prices.span, marks: &marks, top, height }, columns, paint));
        lines.push(String::new());
    }
    lines.extend(table(prices, columns));
    lines.push(String::new());
    let words = sentences(prices);
    lines.extend(
        words.iter().flat_map(|sentence| textwrap::wrap(sentence, folding(columns))).map(|line| line.into_owned()),
    );
    lines.join("\n")
}

/// What is shown: `gpu: g5.2xlarge, Linux/UNIX in eu-west-1, from … to …`.
pub(super) fn title(prices: &Prices) -> String {
    format!("{}, {}", name(prices), period(prices))
}

/// Whose prices they are: `gpu: g5.2xlarge, Linux/UNIX in eu-west-1`.
pub(super) fn name(prices: &Prices) -> String {
    let pair = prices.pair.as_ref().map(|pair| format!("{pair}: ")).unwrap_or_default();
    let region = prices.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
    let kind = prices.history.kind.to_string();
    let kind = if kind == "?, ?" { "Spot prices".to_owned() } else { kind };
    format!("{pair}{kind}{region}")
}

/// From when to when: `2026-11-16 20:49 to 2026-11-23 20:49 UTC`.
pub(super) fn period(prices: &Prices) -> String {
    let minute = |at| moment(at).get(..16).map_or_else(|| moment(at), str::to_owned);
    format!("{} to {} UTC", minute(prices.span.start), minute(prices.span.end))
}

/// The price of each zone.
pub(super) fn series(prices: &Prices) -> Vec<Steps> {
    let zones = prices.history.zones.iter();
    zones
        .map(|(zone, changes)| Steps {
            label: zone.clone(),
            points: changes.iter().rev().map(|change| (change.at, change.usd)).collect(),
        })
        .collect()
}

/// What prices are compared with.
pub(super) fn marks(prices: &Prices) -> Vec<Mark> {
    let mark = |label: &str, value: Option<f64>| value.map(|value| Mark { label: label.into(), value });
    [mark("limit", prices.policy.limit()), mark("On-Demand", prices.on_demand)].into_iter().flatten().collect()
}

/// The columns of the table.
pub(super) const HEAD: [&str; 6] = ["zone", "now", "mean", "weighted mean", "p95", "worth it"];

/// The cells of a zone.
pub(super) fn cells(zone: &Zone) -> [String; 6] {
    let usd = |usd: f64| format!("{usd:.4}");
    [
        zone.zone.clone(),
        usd(zone.now),
        usd(zone.mean),
        usd(zone.weighted_mean),
        usd(zone.p95),
        zone.worth_it.map_or_else(|| "-".into(), percent),
    ]
}

/// The row below the zones: whether any of them was worth it.
pub(super) fn anywhere(prices: &Prices) -> Option<[String; 6]> {
    let share = prices.summary.anywhere.filter(|_| prices.summary.zones.len() > 1)?;
    Some(["any zone".into(), String::new(), String::new(), String::new(), String::new(), percent(share)])
}

/// A part of the time; what is nearly all or nearly nothing is not said to be so.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p > 99.9 && p < 100.0 => ">99.9 %".into(),
        p if p > 0.0 && p < 0.1 => "<0.1 %".into(),
        p if p == 0.0 || p == 100.0 => format!("{p:.0} %"),
        p => format!("{p:.1} %"),
    }
}

fn table(prices: &Prices, columns: usize) -> Vec<String> {
    let rows = prices.summary.zones.iter().map(cells).chain(anywhere(prices));
    let head = HEAD.map(|name| if name == "weighted mean" { "weighted" } else { name }.to_owned());
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let zone = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
    // Where there is little room: what it costs now, what on average, and whether that was worth it.
    let narrow = zone + 9 * (HEAD.len() - 1) > columns;
    let shown = |column: &usize| !narrow || matches!(HEAD[*column], "now" | "weighted mean" | "worth it");
    let row = |row: &[String; 6]| {
        let cells: String = (1..row.len()).filter(shown).map(|column| format!(" {:>8}", row[column])).collect();
        format!("{:<zone$}{cells}", row[0]).trim_end().to_owned()
    };
    rows.iter().map(row).collect()
}

/// What the numbers mean.
pub(super) fn sentences(prices: &Prices) -> Vec<String> {
    let policy = &prices.policy;
    let limit = match policy.limit().zip(policy.max_price) {
        Some((limit, max_price)) => format!(
            "USD per instance-hour. Spot is worth it up to {}: the max price of {max_price} less a headroom of {}, compared with \
             the dearer of the price now and its average over {}.",
            short(limit),
            policy.headroom,
            policy.window
        ),
        None => {
            "USD per instance-hour. Without a max price no Spot price is too high; AWS caps it at the On-Demand price."
                .into()
        }
    };
    let cheapest = prices.summary.zones.iter().min_by(|a, b| a.weighted_mean.total_cmp(&b.weighted_mean));
    let on_demand = prices.on_demand.zip(cheapest).map(|(on_demand, zone)| {
        let part = (1.0 - zone.weighted_mean / on_demand) * 100.0;
        let compared = if part >= 0.0 { format!("{part:.0} % less") } else { format!("{:.0} % more", -part) };
        format!("On-Demand costs {on_demand}; Spot in {} was {compared} on weighted average.", zone.zone)
    });
    let late: Vec<_> = prices.summary.zones.iter().filter(|zone| zone.since > prices.span.start).collect();
    let late = late.iter().map(|zone| format!("The first price of {} is of {}.", zone.zone, moment(zone.since)));
    std::iter::once(limit).chain(on_demand).chain(late).collect()
}

/// A price without needless digits.
fn short(usd: f64) -> String {
    format!("{usd:.6}").trim_end_matches('0').trim_end_matches('.').to_owned()
}
