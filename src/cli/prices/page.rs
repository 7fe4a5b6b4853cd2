//! Prices for a browser.

use super::Prices;
use super::text::{HEAD, anywhere, cells, marks, name, period, sentences, series};
use crate::chart::page::{self, figure, heading, paragraph, table};
use crate::chart::svg::{self, Drawing, Figure};
use crate::chart::{Mark, scale};

/// A page of all that is shown.
pub(super) fn page(all: &[Prices]) -> String {
    let title = match all {
        [one] => format!("Spot prices: {}", name(one)),
        _ => "Spot prices".to_owned(),
    };
    let mut body = String::new();
    for prices in all {
        if all.len() > 1 {
            body += &heading(&name(prices));
        }
        body += &paragraph(&period(prices));
        body += &figure(&chart(prices), &caption(prices));
        let rows: Vec<_> = prices.summary.zones.iter().map(cells).chain(anywhere(prices)).map(Vec::from).collect();
        body += &table("USD per instance-hour, zone by zone; worth it in which part of the time", &HEAD, &rows);
        body += &sentences(prices).iter().map(|sentence| paragraph(sentence)).collect::<String>();
    }
    page::page(&title, &body, concat!("Made by spotstack ", env!("CARGO_PKG_VERSION"), "."))
}

/// The lines of all zones, and what they are compared with.
pub(super) fn chart(prices: &Prices) -> Drawing {
    let title = name(prices);
    let zones = prices.summary.zones.iter().map(|zone| {
        let worth = zone.worth_it.map(|share| format!(", worth it {:.0} % of the time", share * 100.0));
        let (mean, now) = (zone.weighted_mean, zone.now);
        format!("{}: {mean:.4} on weighted average, now {now:.4}{}", zone.zone, worth.unwrap_or_default())
    });
    let marks =
        marks(prices).into_iter().map(|mark| Mark { label: format!("{} {:.4}", mark.label, mark.value), ..mark });
    let marks: Vec<_> = marks.collect();
    let compared: Vec<_> = marks.iter().map(|mark| mark.label.clone()).collect();
    let description = format!("{}. {}. {}.", period(prices), zones.collect::<Vec<_>>().join("; "), compared.join(", "));
    let figure = Figure { title: &title, description: &description, unit: "USD per hour" };
    svg::lines(figure, prices.span, &series(prices), &marks)
}

/// What is under the chart; that something is cut off, if it is.
fn caption(prices: &Prices) -> String {
    let (series, marks) = (series(prices), marks(prices));
    let top = scale::top(&series, &marks, prices.span);
    let highest = series.iter().filter_map(|steps| steps.highest(prices.span)).fold(0.0, f64::max);
    if highest > top {
        format!("Each price until the next. The highest, {highest:.4}, is beyond the top.")
    } else {
        "Each price until the next.".to_owned()
    }
}
