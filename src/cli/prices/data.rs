//! Prices for programs.

use std::fmt::Write as _;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Value, json};
use spot_policy::Timestamp;

use super::Prices;

/// The numbers.
pub(super) fn json(all: &[Prices]) -> Value {
    json!({ "format": 1, "prices": all.iter().map(one).collect::<Vec<_>>() })
}

fn one(prices: &Prices) -> Value {
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let policy = &prices.policy;
    let zones = prices.summary.zones.iter().map(|zone| {
        json!({
            "zone": zone.zone,
            "now": zone.now,
            "mean": zone.mean,
            "weighted_mean": zone.weighted_mean,
            "p95": zone.p95,
            "worth_it": zone.worth_it,
            "since": moment(zone.since),
            "changes": zone.changes,
        })
    });
    json!({
        "pair": prices.pair,
        "region": prices.region,
        "instance_type": said(&prices.history.kind.instance_type),
        "product": said(&prices.history.kind.product),
        "start": moment(prices.span.start),
        "end": moment(prices.span.end),
        "max_price": policy.max_price,
        "headroom": policy.headroom,
        "window": policy.window,
        "limit": policy.limit(),
        "on_demand_price": prices.on_demand,
        "worth_it_anywhere": prices.summary.anywhere,
        "zones": zones.collect::<Vec<_>>(),
    })
}

/// The prices themselves, newest first, as `--history` reads them.
pub(super) fn csv(all: &[Prices]) -> String {
    let mut csv = String::from("Timestamp,AvailabilityZone,InstanceType,ProductDescription,SpotPrice\n");
    for prices in all {
        let kind = &prices.history.kind;
        for change in prices.history.changes().into_iter().rev() {
            let at = moment(change.at);
            // Names of a history have no comma and no quote in them. Writing to a text does not fail.
            let _ = writeln!(csv, "{at},{},{},{},{}", change.zone, kind.instance_type, kind.product, change.usd);
        }
    }
    csv
}

fn moment(at: Timestamp) -> String {
    DateTime::from_secs(at.0).fmt(Format::DateTime).unwrap_or_else(|_| at.0.to_string())
}
