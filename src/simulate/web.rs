//! Reports as a page in one file: charts, and all their numbers as tables.

use super::report::Report;
use super::text::{LEGEND, Table, cheapest, duration, events, money, name, span, steps};
use super::timeline::{Piece, Timeline};
use crate::chart::page::{figure, heading, page, paragraph, table};
use crate::chart::svg::{Figure, bars, lines, stack};
use crate::chart::{Bar, Mark};

/// The page. `footer` says what made it.
pub fn html(reports: &[Report], footer: &str) -> String {
    let names: Vec<_> = reports.iter().map(|report| report.pair.as_str()).collect();
    let body: String = reports.iter().map(section).collect();
    page(&format!("Simulation of {}", names.join(", ")), &body, footer)
}

fn section(report: &Report) -> String {
    let mut body = heading(&report.pair);
    body.extend(report.world.iter().map(|line| paragraph(line)));
    body += &compared(report);
    let rows = |caption: &str, cells: Table| {
        let mut cells = cells.into_iter();
        let head = cells.next().unwrap_or_default();
        let head: Vec<_> = head.iter().map(String::as_str).collect();
        table(caption, &head, &cells.collect::<Vec<_>>())
    };
    body += &rows("Money and waiting", money(report));
    body += &paragraph(LEGEND[0]);
    body += &rows("What happened", events(report));
    body += &paragraph(LEGEND[1]);
    if let Some(timeline) = &report.timeline {
        body += &drawn(report, timeline);
    }
    body
}

/// What each costs, and how long its jobs wait, beside each other.
fn compared(report: &Report) -> String {
    let bar = |value: fn(&super::Outcome) -> f64, words: fn(&super::Outcome) -> String| -> Vec<Bar> {
        let results = report.results.iter();
        results
            .map(|it| Bar { label: name(it).to_owned(), value: value(&it.outcome), text: words(&it.outcome) })
            .collect()
    };
    let saved =
        |saving: Option<f64>| saving.map_or_else(String::new, |saving| format!(", {:.1}% saved", saving * 100.0 + 0.0));
    let cost = bar(|it| it.cost_usd, |it| format!("{:.2} USD", it.cost_usd));
    let mut waits = bar(|it| it.waiting.mean, |it| duration(it.waiting.mean.round() as u64));
    // A strategy that leaves its jobs waiting for days would lay all others flat.
    let mut means: Vec<f64> = waits.iter().map(|bar| bar.value).collect();
    means.sort_by(f64::total_cmp);
    let most = means.get(means.len() / 2).map_or(0.0, |median| 4.0 * median.max(15.0));
    for bar in waits.iter_mut().filter(|bar| bar.value > most) {
        (bar.value, bar.text) = (most, format!("{} (bar cut)", bar.text));
    }
    let words: Vec<_> = report
        .results
        .iter()
        .map(|it| format!("{}: {:.2} USD{}", name(it), it.outcome.cost_usd, saved(it.outcome.saving)))
        .collect();
    let described =
        |title, unit, description: &str, data: &[Bar]| figure(&bars(Figure { title, description, unit }, data), "");
    let waited: Vec<_> = waits.iter().map(|bar| format!("{}: {}", bar.label, bar.text)).collect();
    described("Cost", "USD", &words.join("; "), &cost)
        + &described("How long jobs waited on average", "seconds", &waited.join("; "), &waits)
}

fn drawn(report: &Report, timeline: &Timeline) -> String {
    let span = span(report);
    let fleet = [
        steps(timeline, "Spot", |piece| Some(piece.spot)),
        steps(timeline, "On-Demand", |piece| Some(piece.on_demand)),
    ];
    let queue = [steps(timeline, "waiting", |piece| Some(piece.waiting))];
    let zone = |of: fn(&Piece, usize) -> Option<f64>| -> Vec<_> {
        let zones = timeline.zones.iter().enumerate();
        zones.map(|(zone, name)| steps(timeline, name, move |piece| of(piece, zone))).collect()
    };
    let prices = zone(|piece, zone| piece.prices.get(zone).copied().flatten());
    let capacity = zone(|piece, zone| piece.capacity.get(zone).copied());
    let marks: Vec<_> =
        report.policy.limit().map(|value| Mark { label: "worth it".to_owned(), value }).into_iter().collect();
    let width = duration(u64::try_from(timeline.width).unwrap_or(0));
    let outcome = report.results.iter().find(|it| it.outcome.strategy == super::Strategy::Spotstack);
    let hours = outcome.map_or_else(String::new, |it| {
        format!(
            "{:.1} instance-hours of Spot and {:.1} of On-Demand",
            it.outcome.spot_hours, it.outcome.on_demand_hours
        )
    });
    let most = timeline.pieces.iter().map(|piece| piece.waiting_max).max().unwrap_or(0);
    let lowest = timeline.pieces.iter().filter_map(cheapest).fold(f64::INFINITY, f64::min);
    let about = |title, unit, description: &'static str| Figure { title, unit, description };
    let mean = format!("Each step is the mean of {width}.");
    [
        figure(
            &stack(Figure { title: "Workers by market", unit: "instances", description: &hours }, span, &fleet),
            &format!("By the SpotManager's rules: {hours}. {mean}"),
        ),
        figure(
            &lines(about("Jobs waiting", "jobs", "the queue's depth"), span, &queue, &[]),
            &format!("At most {most} at a time. {mean}"),
        ),
        figure(
            &stack(about("Zones that have Spot", "zones", "each zone's part of the time with Spot"), span, &capacity),
            &mean,
        ),
        figure(
            &lines(
                about("Spot price", "USD an hour", "of each zone, and up to what it is worth it"),
                span,
                &prices,
                &marks,
            ),
            &if lowest.is_finite() { format!("From {lowest:.4} USD. {mean}") } else { mean.clone() },
        ),
    ]
    .concat()
}
