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
    let start = Timestamp(now.0.saturating_sub(i64::try_from(window.0).unwrap_or(i64::MAX)));
    let zones = newest_first(changes, start, now).unwrap_or_else(|| {
        let mut sorted: Vec<&PriceChange> = changes.iter().collect();
        sorted.sort_by_key(|change| std::cmp::Reverse(change.at));
        newest_first(sorted, start, now).unwrap_or_default()
    });
    zones.into_iter().map(|zone| (zone.name, zone.price(start))).collect()
}

/// One pass over changes that come newest first in each zone, as AWS lists them: each holds until the one seen before it, so
/// nothing has to be kept. `None` where they come in another order.
fn newest_first<'a>(
    changes: impl IntoIterator<Item = &'a PriceChange>,
    start: Timestamp,
    now: Timestamp,
) -> Option<Vec<Zone<'a>>> {
    let mut zones: Vec<Zone<'a>> = Vec::new();
    for change in changes {
        // Also no number at all is no price.
        if change.at > now || !(change.usd >= 0.0 && change.usd < f64::INFINITY) {
            continue;
        }
        let name = change.zone.as_str();
        let letter = name.as_bytes().last().copied();
        match zones.iter_mut().find(|zone| zone.letter == letter && zone.name == name) {
            Some(zone) if change.at > zone.at => return None,
            Some(zone) => zone.add(change, start),
            None => zones.push(Zone::new(name, letter, change, start, now)),
        }
    }
    Some(zones)
}

/// A zone's price, as far as its changes have been seen.
struct Zone<'a> {
    name: &'a str,
    /// The name's last letter, in which zones differ: most comparisons are of one byte.
    letter: Option<u8>,
    newest: Timestamp,
    now: f64,
    cost: f64,
    covered: i64,
    /// The change seen last: since when, how much, and until when it held.
    at: Timestamp,
    usd: f64,
    until: Timestamp,
    /// Whether it ended before the window began, like all that are older.
    done: bool,
}

impl<'a> Zone<'a> {
    fn new(name: &'a str, letter: Option<u8>, change: &PriceChange, start: Timestamp, now: Timestamp) -> Self {
        let (at, usd) = (change.at, change.usd);
        Self { name, letter, newest: at, now: usd, cost: 0.0, covered: 0, at, usd, until: now, done: now <= start }
    }

    fn add(&mut self, change: &PriceChange, start: Timestamp) {
        if change.at == self.at {
            // Two products may report the same change; of two prices at one moment the dearer one counts, whatever their order.
            self.usd = self.usd.max(change.usd);
            if self.at == self.newest {
                self.now = self.usd;
            }
        } else {
            if !self.done {
                self.settle(start);
            }
            (self.until, self.at, self.usd) = (self.at, change.at, change.usd);
            self.done |= self.until <= start;
        }
    }

    /// Adds what the change seen last cost for as long as it held.
    fn settle(&mut self, start: Timestamp) {
        let seconds = self.until.0.saturating_sub(self.at.max(start).0).max(0);
        self.cost += self.usd * seconds as f64;
        self.covered = self.covered.saturating_add(seconds);
    }

    fn price(mut self, start: Timestamp) -> Price {
        if !self.done {
            self.settle(start);
        }
        Price { now: self.now, average: if self.covered > 0 { self.cost / self.covered as f64 } else { self.now } }
    }
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
            ("dearer at one moment counts", &[(-10, 0.2), (3_600, 0.3), (1_800, 0.4), (1_800, 0.5)], (0.3, 0.35)),
            ("reported twice", &[(-10, 0.2), (1_800, 0.4), (1_800, 0.4)], (0.4, 0.3)),
        ];
        for &(what, list, (now, average)) in table {
            let list: Vec<_> = list.iter().map(|&(at, usd)| ("a", at, usd)).collect();
            let changes = changes(&list);
            let price = prices_by_zone(&changes, Timestamp(3_600), Seconds(3_600))["a"];
            assert!((price.now - now).abs() < 1e-9 && (price.average - average).abs() < 1e-9, "{what}: {price:?}");
        }
    }

    /// The average as the words say it: second by second.
    fn second_by_second(changes: &[PriceChange], now: i64, window: i64) -> BTreeMap<&str, Price> {
        let valid = || changes.iter().filter(|it| it.usd.is_finite() && it.usd >= 0.0 && it.at.0 <= now);
        let in_force = |zone: &str, second: i64| {
            let last = valid().filter(|it| it.zone == zone && it.at.0 <= second).map(|it| it.at).max()?;
            Some(valid().filter(|it| it.zone == zone && it.at == last).map(|it| it.usd).fold(0.0, f64::max))
        };
        let price = |zone: &str| {
            let current = in_force(zone, now)?;
            let seconds: Vec<f64> = (now - window..now).filter_map(|second| in_force(zone, second)).collect();
            let average = seconds.iter().sum::<f64>() / seconds.len() as f64;
            Some(Price { now: current, average: if seconds.is_empty() { current } else { average } })
        };
        valid().filter_map(|it| Some((it.zone.as_str(), price(&it.zone)?))).collect()
    }

    proptest::proptest! {
        #[test]
        fn the_average_is_what_the_words_say(
            list in proptest::collection::vec(("[ab]", -50_i64..110, proptest::sample::select(vec![0.0, 0.1, 0.5, 2.0, -1.0, f64::NAN])), 0..12),
        ) {
            let list: Vec<_> = list.iter().map(|(zone, at, usd)| (zone.as_str(), *at, *usd)).collect();
            let mut changes = changes(&list);
            for _ in 0..2 {
                let (ours, words) = (prices_by_zone(&changes, Timestamp(100), Seconds(100)), second_by_second(&changes, 100, 100));
                proptest::prop_assert_eq!(ours.keys().collect::<Vec<_>>(), words.keys().collect::<Vec<_>>());
                for (zone, price) in ours {
                    let expected = words[zone];
                    proptest::prop_assert!((price.now - expected.now).abs() < 1e-9 && (price.average - expected.average).abs() < 1e-9, "{zone}: {price:?} {expected:?}");
                }
                changes.sort_by_key(|change| std::cmp::Reverse(change.at)); // and as AWS lists them
            }
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
