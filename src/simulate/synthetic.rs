//! Markets made up by chance, like those that have been measured.
//!
//! **Capacity** comes and goes in two processes of two states each: one of the whole Region, because zones run out together, and
//! one of each zone; Spot is to be had where both say so. Plenty lasts as long as chance has it (a wait without memory);
//! shortages are a mixture of short and long ones, because most of those that were measured are short, and most of the time
//! without Spot is in the long ones.
//!
//! **Prices** move as AWS has set them since 2017: seldom, by a few per cent, around a level that a zone keeps.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::money::Price;
use super::random::{Purpose, Random};
use super::series::Series;

/// How Spot comes and goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Market {
    /// The part of the time in which the Region has Spot.
    pub region: f64,
    /// The part of that time in which each zone has.
    pub zones: Vec<f64>,
    /// How long shortages are.
    pub shortage: Shortage,
}

/// A mixture of two kinds of shortages, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortage {
    /// The part that is short.
    pub short: f64,
    /// How long those are on average.
    pub short_mean: f64,
    /// How long the others are.
    pub long_mean: f64,
}

impl Shortage {
    fn mean(self) -> f64 {
        self.short * self.short_mean + (1.0 - self.short) * self.long_mean
    }

    fn draw(self, random: &mut Random) -> f64 {
        let mean = if random.happens(self.short) { self.short_mean } else { self.long_mean };
        random.wait(mean)
    }
}

/// The markets that `p3.2xlarge` had for 45 days from 2023-02-15, by what was measured of them: the part of the time in which
/// any zone had Spot, in which each had, and how long it was that none had.
pub fn measured(region: &str) -> Option<Market> {
    let minutes = |short: f64, short_mean: f64, long_mean: f64| Shortage {
        short,
        short_mean: 60.0 * short_mean,
        long_mean: 60.0 * long_mean,
    };
    Some(match region {
        "us-west-2" => Market { region: 0.963, zones: vec![0.91, 0.925, 0.94], shortage: minutes(0.6, 20.0, 82.0) },
        "us-east-2" => Market { region: 0.815, zones: vec![0.834, 0.932], shortage: minutes(0.62, 25.0, 262.0) },
        "us-east-1" => {
            Market { region: 0.733, zones: vec![0.23, 0.45, 0.65, 0.80], shortage: minutes(0.62, 27.0, 130.0) }
        }
        _ => return None,
    })
}

impl Market {
    /// A market like that of us-west-2, but in which each of so many zones has Spot for this part of the time.
    pub fn of(zones: usize, available: f64) -> Self {
        // Four tenths of what is missing is missing everywhere at once.
        let region = 1.0 - 0.4 * (1.0 - available);
        let shortage = Shortage { short: 0.6, short_mean: 1_200.0, long_mean: 4_920.0 };
        Self { region, zones: vec![if region > 0.0 { available / region } else { 0.0 }; zones], shortage }
    }

    /// Where there is Spot when, for so long.
    pub fn capacity(&self, seed: u64, start: i64, duration: i64) -> Series<bool> {
        let end = start.saturating_add(duration);
        let states = |share, purpose| States::new(share, self.shortage, Random::new(seed, purpose), start);
        let mut region = states(self.region, Purpose::Region);
        let mut zones: Vec<_> =
            self.zones.iter().zip(0..).map(|(&share, zone)| states(share, Purpose::Capacity(zone))).collect();
        let mut series = Series::new(zones.len());
        let mut now = start;
        while now < end {
            for (zone, states) in zones.iter().enumerate() {
                series.push(zone, now, region.up && states.up);
            }
            now = zones.iter().map(|states| states.until).fold(region.until, i64::min);
            std::iter::once(&mut region).chain(&mut zones).for_each(|states| states.turn(now));
        }
        series
    }
}

/// Up or down, by turns.
struct States {
    share: f64,
    shortage: Shortage,
    random: Random,
    up: bool,
    until: i64,
}

impl States {
    fn new(share: f64, shortage: Shortage, mut random: Random, start: i64) -> Self {
        let up = random.happens(share);
        let mut states = Self { share, shortage, random, up, until: start };
        states.until = start.saturating_add(states.stay());
        states
    }

    fn turn(&mut self, now: i64) {
        if self.until <= now {
            self.up = !self.up;
            self.until = now.saturating_add(self.stay());
        }
    }

    fn stay(&mut self) -> i64 {
        if self.share >= 1.0 && self.up || self.share <= 0.0 && !self.up {
            return i64::MAX;
        }
        let stay = if self.up {
            let mean = self.shortage.mean() * self.share / (1.0 - self.share);
            self.random.wait(mean)
        } else {
            self.shortage.draw(&mut self.random)
        };
        (stay as i64).max(1)
    }
}

/// How often a zone's price changes: in three zones of one type, four of five hours have seen none change.
const PRICE_CHANGE: f64 = 13.5 * 3_600.0;

/// What Spot costs in so many zones: around a third of On-Demand.
pub fn prices(zones: usize, on_demand: Price, seed: u64, start: i64, duration: i64) -> Series<Price> {
    let end = start.saturating_add(duration);
    let mut series = Series::new(zones);
    for (zone, index) in (0..zones).zip(0..) {
        let mut random = Random::new(seed, Purpose::Price(index));
        // Between 28 and 38 per cent, and no further than a fifth from there.
        let level = 0.28 + 0.10 * random.fraction();
        let (mut now, mut share) = (start, level);
        while now < end {
            let usd = (on_demand.usd() * share * 1e4).round() / 1e4; // AWS writes four decimals today
            if let Some(price) = Price::from_usd(usd) {
                series.push(zone, now, price);
            }
            let step = 1.0 + 0.06 * (random.fraction() - 0.5);
            share = (share * step + 0.02 * (level - share)).clamp(0.8 * level, 1.2 * level);
            now = now.saturating_add((random.wait(PRICE_CHANGE) as i64).max(60));
        }
    }
    series
}

/// The traces that ship beside the examples, by file name: 45 days and a half of each measured market, and half a year of prices.
/// Their seeds are the first by which so short a time is like the whole.
pub fn traces() -> Vec<(String, String)> {
    const LENGTH: i64 = 3_931_200;
    let capacity = |(region, seed): (&str, u64)| {
        let series = measured(region)?.capacity(seed, 0, LENGTH);
        let zones: Vec<_> = ('a'..).take(series.zones()).map(|letter| format!("{region}{letter}")).collect();
        let about = format!(
            "# Made up: a market like that of p3.2xlarge in {region}, 2023-02-15 to 04-01. `cargo run --example traces` writes it.\n"
        );
        Some((format!("{region}.capacity.csv"), about + &capacity_table(&zones, &series, LENGTH)))
    };
    let mut traces: Vec<_> =
        [("us-west-2", WEST), ("us-east-2", EAST_2), ("us-east-1", EAST_1)].into_iter().filter_map(capacity).collect();
    let start = 1_767_225_600; // 2026-01-01
    let series = prices(3, Price(1_212_000_000), 1, start, 4 * LENGTH);
    let zones: Vec<_> = ('a'..'d').map(|letter| format!("us-east-1{letter}")).collect();
    let about =
        "# Made up: Spot prices of a type that costs 1.212 On-Demand. `cargo run --example traces` writes it.\n";
    traces.push(("prices.csv".to_owned(), about.to_owned() + &price_table(&zones, &series)));
    traces
}

const WEST: u64 = 6;
const EAST_2: u64 = 74;
const EAST_1: u64 = 21;

/// A line for each moment at which anything changes, and one for the end.
fn capacity_table(zones: &[String], series: &Series<bool>, end: i64) -> String {
    let mut moments: Vec<i64> =
        (0..zones.len()).flat_map(|zone| series.of(zone).iter().map(|&(at, _)| at)).chain([end]).collect();
    moments.sort_unstable();
    moments.dedup();
    let mut text = format!("seconds,{}\n", zones.join(","));
    for at in moments {
        let states = (0..zones.len()).map(|zone| if series.at(zone, at) == Some(true) { ",1" } else { ",0" });
        text += &format!("{at}{}\n", states.collect::<String>());
    }
    text
}

/// A line for each change of a price.
fn price_table(zones: &[String], series: &Series<Price>) -> String {
    let mut changes: Vec<(i64, &String, Price)> = zones
        .iter()
        .enumerate()
        .flat_map(|(zone, name)| series.of(zone).iter().map(move |&(at, price)| (at, name, price)))
        .collect();
    changes.sort();
    let line = |(at, zone, price): (i64, &String, Price)| {
        let moment = DateTime::from_secs(at).fmt(Format::DateTime).unwrap_or_default();
        format!("{moment},{zone},{:.4}\n", price.usd())
    };
    "Timestamp,AvailabilityZone,SpotPrice\n".to_owned() + &changes.into_iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: i64 = 2_000;

    /// The part of the time in which any zone has Spot, in which each has, and how long it is that none has: median and mean
    /// in minutes.
    fn statistics(series: &Series<bool>, duration: i64) -> (f64, Vec<f64>, f64, f64) {
        let zones = series.zones();
        let mut state = vec![false; zones];
        let mut changes: Vec<(i64, usize, bool)> =
            (0..zones).flat_map(|zone| series.of(zone).iter().map(move |&(at, up)| (at, zone, up))).collect();
        changes.sort_unstable();
        changes.push((duration, usize::MAX, false));
        let (mut any, mut each, mut last) = (0, vec![0; zones], 0);
        let (mut short_since, mut shortages) = (None, Vec::new());
        for (at, zone, up) in changes {
            let has = state.iter().any(|&up| up);
            any += if has { at - last } else { 0 };
            for (sum, &up) in each.iter_mut().zip(&state) {
                *sum += if up { at - last } else { 0 };
            }
            if let Some(state) = state.get_mut(zone) {
                *state = up;
            }
            match (at > last && !has, short_since) {
                (true, None) => short_since = Some(last),
                (false, Some(since)) if has => {
                    shortages.push(last - since);
                    short_since = None;
                }
                _ => {}
            }
            last = at;
        }
        shortages.sort_unstable();
        let of = |sum: i64| sum as f64 / duration as f64;
        let median = shortages[shortages.len() / 2] as f64 / 60.0;
        let mean = shortages.iter().sum::<i64>() as f64 / shortages.len() as f64 / 60.0;
        (of(any), each.into_iter().map(of).collect(), median, mean)
    }

    /// What was measured: any zone, the lowest and the highest zone, median and mean shortage in minutes.
    #[test]
    fn made_up_markets_are_like_the_measured_ones() {
        for (region, any, (low, high), (median, mean)) in [
            ("us-west-2", 0.961, (0.88, 0.91), (23.0, 45.0)),
            ("us-east-2", 0.806, (0.68, 0.76), (32.0, 115.0)),
            ("us-east-1", 0.713, (0.17, 0.59), (23.0, 60.0)),
        ] {
            let near = |series: &Series<bool>, duration: i64| {
                let (has, each, middle, average) = statistics(series, duration);
                for (what, ours, theirs, within) in [
                    ("any zone", has, any, 0.02),
                    ("the lowest zone", each.iter().copied().fold(1.0, f64::min), low, 0.03),
                    ("the highest zone", each.iter().copied().fold(0.0, f64::max), high, 0.03),
                    ("the median shortage", middle, median, 0.3 * median),
                    ("the mean shortage", average, mean, 0.2 * mean),
                ] {
                    assert!((ours - theirs).abs() <= within, "{region}: {what} is {ours:.3}, measured {theirs:.3}");
                }
            };
            let duration = DAYS * 86_400;
            near(&measured(region).expect("measured").capacity(1, 0, duration), duration);
            // And so is what ships.
            let traces = traces();
            let (_, text) = traces.iter().find(|(file, _)| file.starts_with(region)).expect("a trace");
            let shipped = crate::simulate::trace::capacity(region, text.as_bytes()).expect("a trace");
            near(&shipped.series, 3_931_200);
        }
    }

    #[test]
    fn availability_is_as_asked_for() {
        for available in [0.0, 0.3, 0.9, 1.0] {
            let duration = DAYS * 86_400;
            let series = Market::of(2, available).capacity(3, 0, duration);
            let up: i64 = (0..2)
                .map(|zone| {
                    let changes = series.of(zone);
                    let ends = changes.iter().skip(1).map(|&(at, _)| at).chain([duration]);
                    changes.iter().zip(ends).map(|(&(at, up), end)| if up { end - at } else { 0 }).sum::<i64>()
                })
                .sum();
            let share = up as f64 / (2 * duration) as f64;
            assert!((share - available).abs() < 0.02, "{share} for {available}");
        }
    }

    #[test]
    fn prices_seldom_change() {
        let duration = 200 * 86_400;
        let series = prices(3, Price(1_000_000_000), 1, 0, duration);
        let mut hours: Vec<_> =
            (0..3).flat_map(|zone| series.of(zone).iter().skip(1).map(|&(at, _)| at / 3_600)).collect();
        hours.sort_unstable();
        hours.dedup();
        let quiet = 1.0 - hours.len() as f64 / (duration / 3_600) as f64;
        assert!((0.76..=0.87).contains(&quiet), "{quiet}");
        for zone in 0..3 {
            assert!(series.of(zone).iter().all(|&(_, price)| (0.22..=0.46).contains(&price.usd())));
        }
    }
}
