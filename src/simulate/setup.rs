//! A pair of the spec and what is known or supposed of its world, made into a scenario.

use miette::Diagnostic;
use spot_policy::{Percent, Policy, Seconds};

use super::jobs::{Arrival, MOST_JOBS, Pattern, Source};
use super::money::Price;
use super::scenario::{Alarm, Scenario};
use super::series::Series;
use super::synthetic::{Market, prices};
use super::text::duration;
use super::trace::{Capacity, MOST_ZONES};
use crate::history::History;
use crate::plan::Pair;

/// What is known or supposed of a pair's world.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Recorded Spot prices, and the file they are from.
    pub history: Option<(String, History)>,
    /// Recorded capacity, and the file it is from.
    pub capacity: Option<(String, Capacity)>,
    /// The jobs.
    pub workload: Workload,
    /// How long a job takes.
    pub job: Seconds,
    /// How long an instance takes from its launch to its first job.
    pub boot: Seconds,
    /// How long it is looked at; else as long as what is recorded, or 30 days.
    pub duration: Option<Seconds>,
    /// USD for an instance-hour of On-Demand; else what the spec says, else its max price is taken for it, else 1.
    pub on_demand: Option<f64>,
    /// USD for an instance-hour of Spot, where it does not change.
    pub spot: Option<f64>,
    /// The part of the time in which a zone has Spot, where no capacity is recorded.
    pub availability: Percent,
    /// The part of the messages that are lost.
    pub lost: Percent,
    /// The part that arrives twice.
    pub duplicated: Percent,
    /// What chance is made of.
    pub seed: u64,
}

/// The jobs.
#[derive(Debug, Clone)]
pub enum Workload {
    /// Recorded, in seconds from the beginning; and the file they are from.
    Trace(String, Vec<Arrival>),
    /// By a pattern; so many an hour, else as many as keep half of the workers busy.
    Pattern(Pattern, Option<f64>),
}

/// Why there is no scenario.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Diagnostic)]
pub enum SetupError {
    /// A number that cannot be meant.
    #[error("{what} cannot be {value}")]
    #[diagnostic(help("{help}"))]
    Value {
        /// What it is of.
        what: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        help: &'static str,
    },
    /// Prices and capacity of different zones.
    #[error("prices and capacity are of different zones: {0} and {1}")]
    #[diagnostic(help("give recordings of the same Region; or one of them only, and the other is made up"))]
    OtherZones(String, String),
}

/// Where there is no recording: a Monday's midnight.
const MONDAY: i64 = 1_704_067_200; // 2024-01-01
const DAY: u64 = 86_400;
const MONTH: Seconds = Seconds(30 * DAY);
/// A simulation of more is a slip.
const LONGEST: Seconds = Seconds(3_660 * DAY);
/// So many zones where nothing says how many.
const ZONES: usize = 2;

impl Setup {
    /// The scenario of a pair, and where it comes from, in sentences.
    ///
    /// # Errors
    ///
    /// Something is missing, or does not fit together.
    pub fn scenario(
        &self,
        pair: &Pair,
        region: Option<&str>,
        policy: &Policy,
    ) -> Result<(Scenario, Vec<String>), SetupError> {
        let (on_demand, said) = self.on_demand(pair)?;
        let zones = self.zones(pair, region)?;
        let start = self.history.as_ref().and_then(|(_, history)| history.span()).map_or(MONDAY, |(first, _)| first.0);
        let recorded = self.recorded();
        let length = self.duration.or(recorded).unwrap_or(MONTH);
        if !(Seconds::minutes(1)..=LONGEST).contains(&length) {
            let (what, help) = ("the duration", "give from one minute to ten years, such as `90d`");
            return Err(SetupError::Value { what, value: length.to_string(), help });
        }
        let seconds = i64::try_from(length.0).unwrap_or(i64::MAX);
        let service = positive("how long a job takes", self.job)?;
        let boot = i64::try_from(self.boot.0).unwrap_or(i64::MAX).min(seconds);

        let mut world = Vec::new();
        let jobs = match &self.workload {
            Workload::Trace(file, trace) => {
                let jobs: u64 = trace.iter().map(|arrival| u64::from(arrival.jobs)).sum();
                world.push(format!("{}, {jobs} jobs of {file}", duration(length.0)));
                Source::Trace(trace.iter().map(|it| Arrival { at: start.saturating_add(it.at), ..*it }).collect())
            }
            Workload::Pattern(Pattern::Always, _) => {
                world.push(format!("{}, one job of about {} after the other", duration(length.0), self.job));
                Source::Pattern { pattern: Pattern::Always, per_hour: 1.0 }
            }
            &Workload::Pattern(pattern, per_hour) => {
                let half = f64::from(policy.max) / 2.0 * 3_600.0 / f64::from(service);
                let per_hour = per_hour.unwrap_or(half);
                if !(per_hour > 0.0 && per_hour.is_finite()) {
                    let (what, help) = ("the number of jobs an hour", "give more than 0");
                    return Err(SetupError::Value { what, value: per_hour.to_string(), help });
                }
                let jobs = per_hour * length.0 as f64 / 3_600.0;
                if jobs > MOST_JOBS as f64 {
                    let (what, help) = (
                        "the number of jobs",
                        "a simulation has ten million at most; give fewer an hour, or a shorter time",
                    );
                    return Err(SetupError::Value { what, value: format!("{jobs:.0}"), help });
                }
                world.push(format!(
                    "{}, {} jobs, {per_hour:.1} an hour of about {} each",
                    duration(length.0),
                    pattern.name(),
                    self.job
                ));
                Source::Pattern { pattern, per_hour }
            }
        };
        let (prices, words) = self.prices(&zones, on_demand, start, seconds)?;
        world.push(words);
        let (capacity, words) = self.capacity(&zones, start, seconds);
        world.push(words);
        world.push(format!("On-Demand: {} USD an hour{said}; workers boot in {}", on_demand.usd(), self.boot));
        if let Some(recorded) = recorded.filter(|&recorded| recorded < length) {
            world.push(format!("the recording ends after {}; what it said last holds on", duration(recorded.0)));
        }

        let tick = i64::try_from(pair.manager.tick_minutes * 60).ok().filter(|&tick| tick > 0);
        let scenario = Scenario {
            start,
            duration: seconds,
            zones,
            prices,
            capacity,
            on_demand,
            jobs,
            service,
            boot,
            tick,
            alarm: Alarm {
                threshold: pair.alarms.threshold,
                period: i64::try_from(pair.alarms.period / 60).unwrap_or(1).max(1),
                periods: pair.alarms.periods,
            },
            idle_minutes: u32::try_from(pair.alarms.idle_minutes).unwrap_or(u32::MAX),
            lost: self.lost.fraction(),
            duplicated: self.duplicated.fraction(),
            seed: self.seed,
        };
        Ok((scenario, world))
    }

    /// How long everything that is recorded was recorded.
    fn recorded(&self) -> Option<Seconds> {
        let history = self.history.as_ref().and_then(|(_, history)| history.span());
        let history = history.map(|(first, last)| last.0 - first.0);
        let capacity = self.capacity.as_ref().map(|(_, capacity)| capacity.duration);
        let jobs = match &self.workload {
            // And time for the last one.
            Workload::Trace(_, trace) => trace.last().map(|last| last.at + 3_600),
            Workload::Pattern(..) => None,
        };
        let shortest = [history, capacity, jobs].into_iter().flatten().min()?;
        u64::try_from(shortest).ok().filter(|&seconds| seconds >= 60).map(Seconds)
    }

    /// What On-Demand costs, and what is to be said about that.
    fn on_demand(&self, pair: &Pair) -> Result<(Price, &'static str), SetupError> {
        let (usd, said) = match (self.on_demand.or(pair.on_demand_price), pair.rules.max_price) {
            (Some(usd), _) => (usd, ""),
            (None, Some(usd)) => (usd, ", as the max price is; --on-demand-price says what it is"),
            (None, None) => (1.0, ", for nobody has said what; --on-demand-price does"),
        };
        Ok((price("what On-Demand costs", usd)?, said))
    }

    /// The zones of what is recorded; else as many as the pair has subnets.
    fn zones(&self, pair: &Pair, region: Option<&str>) -> Result<Vec<String>, SetupError> {
        let zones = self.named_zones(pair, region)?;
        if zones.len() > MOST_ZONES {
            let (what, help) = ("the number of zones", "no Region has so many; give the prices of one Region");
            return Err(SetupError::Value { what, value: zones.len().to_string(), help });
        }
        Ok(zones)
    }

    fn named_zones(&self, pair: &Pair, region: Option<&str>) -> Result<Vec<String>, SetupError> {
        let of_prices = self.history.as_ref().map(|(_, history)| history.zones.keys().cloned().collect::<Vec<_>>());
        let of_capacity = self.capacity.as_ref().map(|(_, capacity)| capacity.zones.clone());
        match (of_prices, of_capacity) {
            (Some(prices), Some(capacity)) => {
                let both: Vec<_> = capacity.iter().filter(|zone| prices.contains(zone)).cloned().collect();
                if both.is_empty() {
                    return Err(SetupError::OtherZones(prices.join(", "), capacity.join(", ")));
                }
                Ok(both)
            }
            (Some(zones), None) | (None, Some(zones)) => Ok(zones),
            (None, None) => {
                let count = if pair.subnets.is_empty() { ZONES } else { pair.subnets.len().min(6) };
                let region = region.map_or_else(|| "zone-".to_owned(), str::to_owned);
                Ok(('a'..).take(count).map(|letter| format!("{region}{letter}")).collect())
            }
        }
    }

    fn prices(
        &self,
        zones: &[String],
        on_demand: Price,
        start: i64,
        seconds: i64,
    ) -> Result<(Series<Price>, String), SetupError> {
        if let Some(usd) = self.spot {
            let price = price("what Spot costs", usd)?;
            return Ok((Series::constant(zones.len(), price), format!("Spot: {} USD an hour, always", price.usd())));
        }
        let Some((file, history)) = &self.history else {
            let series = prices(zones.len(), on_demand, self.seed, start, seconds);
            return Ok((series, format!("Spot prices: made up, about a third of On-Demand (seed {})", self.seed)));
        };
        let mut series = Series::new(zones.len());
        for (zone, name) in zones.iter().enumerate() {
            for change in history.zones.get(name).into_iter().flatten().rev() {
                if let Some(price) = Price::from_usd(change.usd) {
                    series.push(zone, change.at.0, price);
                }
            }
        }
        series.sort(Ord::max);
        Ok((series, format!("Spot prices: {file}, {}", zones.join(", "))))
    }

    fn capacity(&self, zones: &[String], start: i64, seconds: i64) -> (Series<bool>, String) {
        if let Some((file, capacity)) = &self.capacity {
            let mut series = Series::new(zones.len());
            for (zone, name) in zones.iter().enumerate() {
                let column = capacity.zones.iter().position(|known| known == name);
                for &(at, has) in column.map_or(&[][..], |column| capacity.series.of(column)) {
                    series.push(zone, start.saturating_add(at), has);
                }
            }
            return (series, format!("Spot capacity: {file}, {}", zones.join(", ")));
        }
        let market = Market::of(zones.len(), self.availability.fraction());
        let words = format!(
            "Spot capacity: made up, {} of the time in each of {} zones (seed {})",
            self.availability,
            zones.len(),
            self.seed
        );
        (market.capacity(self.seed, start, seconds), words)
    }
}

fn price(what: &'static str, usd: f64) -> Result<Price, SetupError> {
    let help = "give USD per instance-hour, more than 0, such as `1.212`";
    let error = || SetupError::Value { what, value: usd.to_string(), help };
    Price::from_usd(usd).filter(|price| price.0 > 0).ok_or_else(error)
}

fn positive(what: &'static str, seconds: Seconds) -> Result<u32, SetupError> {
    let error =
        || SetupError::Value { what, value: seconds.to_string(), help: "give more than nothing, such as `10m`" };
    u32::try_from(seconds.0).ok().filter(|&seconds| seconds > 0 && seconds < u32::MAX / 2).ok_or_else(error)
}
