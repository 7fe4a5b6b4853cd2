//! The jobs that come: by a trace, or by a pattern that has a name.

use super::random::{Purpose, Random};
use super::scenario::Scenario;

/// Jobs that come at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: i64,
    /// How many.
    pub jobs: u32,
    /// How long each takes, in seconds, where the trace says so.
    pub service: Option<u32>,
}

/// How jobs come where no trace says it. Times of day are UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// At any time alike.
    Steady,
    /// From Monday to Friday, 8 to 18 o'clock.
    OfficeHours,
    /// Many at once, every few hours.
    Bursts,
    /// A day's jobs at once, at 1 o'clock.
    Nightly,
    /// One job after the other without a pause: one worker is wanted all the time.
    Always,
}

impl Pattern {
    /// Every pattern, by its name on the command line, and what it is.
    pub const ALL: [(&'static str, Pattern); 5] = [
        ("steady", Pattern::Steady),
        ("office-hours", Pattern::OfficeHours),
        ("bursts", Pattern::Bursts),
        ("nightly", Pattern::Nightly),
        ("always", Pattern::Always),
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|&(_, pattern)| pattern == self).map_or("", |(name, _)| name)
    }
}

/// No simulation has more jobs than this: each that waits is kept in memory, for every strategy that is compared.
pub(super) const MOST_JOBS: u64 = 10_000_000;

/// Where jobs come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Each at its time, in order.
    Trace(Vec<Arrival>),
    /// By chance.
    Pattern {
        /// When.
        pattern: Pattern,
        /// How many on average, over the whole week.
        per_hour: f64,
    },
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// A Monday's midnight.
const MONDAY: i64 = 4 * DAY;
/// When an office opens and how long it is open.
const OPENS: i64 = 8 * HOUR;
const OPEN: i64 = 10 * HOUR;
const OPEN_DAYS: i64 = 5;
/// How many hours apart bursts are, on average.
const BURST_GAP: f64 = 4.0;
/// When the nightly jobs come.
const NIGHT: i64 = HOUR;

/// The jobs that come, one moment after the other.
#[derive(Debug)]
pub(crate) struct Arrivals<'a> {
    source: &'a Source,
    random: Random,
    service: u32,
    /// The clock of a process without memory, in seconds since a Monday, or since an office first opened.
    clock: f64,
    start: i64,
    index: usize,
    next: Option<Arrival>,
}

impl<'a> Arrivals<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        let start = scenario.start;
        let clock = match scenario.jobs {
            Source::Pattern { pattern: Pattern::OfficeHours, .. } => opened_before(start) as f64,
            _ => start as f64,
        };
        let mut arrivals = Self {
            source: &scenario.jobs,
            random: Random::new(scenario.seed, Purpose::Jobs),
            service: scenario.service,
            clock,
            start,
            index: 0,
            next: None,
        };
        arrivals.next = arrivals.draw();
        arrivals
    }

    pub(crate) fn next_at(&self) -> i64 {
        self.next.map_or(i64::MAX, |arrival| arrival.at)
    }

    pub(crate) fn take(&mut self) -> Option<Arrival> {
        let arrival = self.next.take();
        self.next = self.draw();
        arrival
    }

    /// How long the next job takes: half of the usual to half as much again.
    pub(crate) fn service(&mut self) -> u32 {
        let usual = u64::from(self.service);
        u32::try_from((usual / 2 + self.random.below(usual + 1)).max(1)).unwrap_or(u32::MAX)
    }

    /// Whether a job that ends is followed by another.
    pub(crate) fn never_end(&self) -> bool {
        matches!(self.source, Source::Pattern { pattern: Pattern::Always, .. })
    }

    fn draw(&mut self) -> Option<Arrival> {
        let index = self.index;
        self.index += 1;
        let (pattern, per_hour) = match self.source {
            Source::Trace(trace) => return trace.get(index).copied(),
            Source::Pattern { pattern: Pattern::Always, .. } => {
                return (index == 0).then_some(Arrival { at: self.start, jobs: 1, service: None });
            }
            Source::Pattern { per_hour, .. } if *per_hour <= 0.0 => return None,
            Source::Pattern { pattern, per_hour } => (*pattern, *per_hour),
        };
        let some = |at: i64, jobs: u64| Arrival { at, jobs: u32::try_from(jobs).unwrap_or(u32::MAX), service: None };
        Some(match pattern {
            Pattern::Steady | Pattern::Always => {
                self.clock += self.random.wait(3_600.0 / per_hour);
                some(self.clock as i64, 1)
            }
            Pattern::OfficeHours => {
                let while_open = per_hour * (WEEK as f64) / ((OPEN_DAYS * OPEN) as f64);
                self.clock += self.random.wait(3_600.0 / while_open);
                some(opened(self.clock as i64), 1)
            }
            Pattern::Bursts => {
                self.clock += self.random.wait(BURST_GAP * 3_600.0);
                let usual = (per_hour * BURST_GAP).max(1.0);
                some(self.clock as i64, 1 + self.random.below((2.0 * usual) as u64))
            }
            Pattern::Nightly => {
                let first = self.start + (NIGHT - self.start).rem_euclid(DAY);
                let night = i64::try_from(index).unwrap_or(i64::MAX / WEEK);
                some(first + night * DAY, (per_hour * 24.0).round().max(1.0) as u64)
            }
        })
    }
}

/// How long an office was open before a moment, since the first Monday.
fn opened_before(moment: i64) -> i64 {
    let since = moment - MONDAY;
    let (weeks, rest) = (since.div_euclid(WEEK), since.rem_euclid(WEEK));
    let (day, second) = (rest / DAY, rest % DAY);
    weeks * OPEN_DAYS * OPEN
        + if day < OPEN_DAYS { day * OPEN + (second - OPENS).clamp(0, OPEN) } else { OPEN_DAYS * OPEN }
}

/// The moment by which an office was open for so long.
fn opened(seconds: i64) -> i64 {
    let (weeks, rest) = (seconds.div_euclid(OPEN_DAYS * OPEN), seconds.rem_euclid(OPEN_DAYS * OPEN));
    MONDAY + weeks * WEEK + rest / OPEN * DAY + OPENS + rest % OPEN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(pattern: Pattern, days: i64) -> Vec<Arrival> {
        let scenario = Scenario {
            duration: days * DAY,
            jobs: Source::Pattern { pattern, per_hour: 6.0 },
            ..Scenario::for_tests(2)
        };
        let mut arrivals = Arrivals::new(&scenario);
        let until = scenario.start + scenario.duration;
        std::iter::from_fn(|| arrivals.take()).take_while(|arrival| arrival.at < until).collect()
    }

    #[test]
    fn patterns_bring_as_many_jobs_as_asked_for() {
        for (name, pattern) in Pattern::ALL {
            let arrivals = arrivals(pattern, 28);
            assert!(arrivals.is_sorted_by_key(|arrival| arrival.at), "{name}");
            let jobs: u32 = arrivals.iter().map(|arrival| arrival.jobs).sum();
            let wanted = if pattern == Pattern::Always { 1 } else { 28 * 24 * 6 };
            assert!(jobs.abs_diff(wanted) <= wanted / 5, "{name}: {jobs} for {wanted}");
        }
    }

    #[test]
    fn offices_are_closed_at_night_and_at_the_weekend() {
        for arrival in arrivals(Pattern::OfficeHours, 28) {
            let rest = (arrival.at - MONDAY).rem_euclid(WEEK);
            assert!(rest / DAY < 5 && (OPENS..OPENS + OPEN).contains(&(rest % DAY)), "{arrival:?}");
        }
        for moment in [0, MONDAY, MONDAY + OPENS, MONDAY + 3 * DAY + 12 * HOUR, 1_700_000_000] {
            let next = opened(opened_before(moment));
            assert!(next >= moment && next - moment <= 3 * DAY, "{moment} {next}");
        }
    }

    #[test]
    fn nights_come_once_a_day() {
        let nights = arrivals(Pattern::Nightly, 7);
        assert_eq!(nights.len(), 7);
        assert!(nights.iter().all(|night| night.at % DAY == NIGHT && night.jobs == 144), "{nights:?}");
    }
}
