//! What happens to a pair, whoever manages it.

use super::jobs::Source;
use super::money::Price;
use super::series::Series;

/// A stretch of time: jobs, prices, capacity, and how AWS behaves meanwhile. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// When it begins.
    pub start: i64,
    /// How long it takes.
    pub duration: i64,
    /// The zones in which the groups may launch.
    pub zones: Vec<String>,
    /// What Spot costs.
    pub prices: Series<Price>,
    /// Whether Spot is to be had. Where it ends, AWS takes back what runs there.
    pub capacity: Series<bool>,
    /// What On-Demand costs, which is always to be had.
    pub on_demand: Price,
    /// The jobs.
    pub jobs: Source,
    /// How long a job takes usually, in seconds.
    pub service: u32,
    /// From an instance's launch to its first job.
    pub boot: i64,
    /// The pause between two looks of the SpotManager; `None`: only events wake it.
    pub tick: Option<i64>,
    /// When the jobs-waiting alarm goes off.
    pub alarm: Alarm,
    /// After how many minutes without a job both groups scale in.
    pub idle_minutes: u32,
    /// The part of the messages that wake the SpotManager and never arrive; the tick always does.
    pub lost: f64,
    /// The part that arrives twice.
    pub duplicated: f64,
    /// What chance is made of.
    pub seed: u64,
}

/// The jobs-waiting alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// Visible jobs.
    pub threshold: u32,
    /// Minutes of a period.
    pub period: i64,
    /// Periods in a row.
    pub periods: u32,
}

impl Scenario {
    /// When it ends.
    pub fn end(&self) -> i64 {
        self.start + self.duration
    }

    /// Two days of one job after the other, Spot always to be had at 30 % of On-Demand.
    #[cfg(test)]
    pub(crate) fn for_tests(zones: u8) -> Self {
        let count = usize::from(zones);
        Self {
            start: 1_704_067_200, // 2024-01-01, a Monday
            duration: 2 * 86_400,
            zones: (0..zones).map(|zone| format!("eu-west-1{}", char::from(b'a' + zone))).collect(),
            prices: Series::constant(count, Price(300_000_000)),
            capacity: Series::constant(count, true),
            on_demand: Price(1_000_000_000),
            jobs: Source::Pattern { pattern: super::jobs::Pattern::Always, per_hour: 1.0 },
            service: 600,
            boot: 180,
            tick: Some(60),
            alarm: Alarm { threshold: 1, period: 1, periods: 1 },
            idle_minutes: 5,
            lost: 0.0,
            duplicated: 0.0,
            seed: 1,
        }
    }
}
