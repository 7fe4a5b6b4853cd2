//! What a strategy came to: money, waiting, and what happened on the way.

use serde::Serialize;

use super::money::Money;
use super::strategy::Strategy;

/// A strategy's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Who decided.
    pub strategy: Strategy,
    /// USD for all instances.
    pub cost_usd: f64,
    /// Of it for Spot.
    pub spot_usd: f64,
    /// Of it for On-Demand.
    pub on_demand_usd: f64,
    /// The part of always On-Demand's cost that is saved; absent where that is nothing, or was not simulated.
    pub saving: Option<f64>,
    /// Instance-hours of Spot.
    pub spot_hours: f64,
    /// Instance-hours of On-Demand.
    pub on_demand_hours: f64,
    /// The Spot part of all instance-hours; absent where there are none.
    pub spot_share: Option<f64>,
    /// The jobs.
    pub jobs: Jobs,
    /// How long jobs were visible in the queue, in seconds, those still there among them.
    pub waiting: Waiting,
    /// Time in which jobs waited and no worker was there or on its way.
    pub unserved: Unserved,
    /// How often On-Demand was turned to; absent where it is not a fallback.
    pub fallbacks: Option<u64>,
    /// Spot Instances that AWS took back.
    pub interruptions: u64,
    /// Launches that were refused.
    pub refused: u64,
    /// Instance-hours beyond what the jobs wanted at most since the pair was last idle: the same capacity twice.
    pub double_capacity_hours: f64,
}

/// Where the jobs are in the end: every one that arrived is done, running or waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Jobs {
    /// That came.
    pub arrived: u64,
    /// That were finished.
    pub done: u64,
    /// At a worker in the end.
    pub running: u64,
    /// In the queue in the end.
    pub waiting: u64,
    /// How often a job was given back and began anew.
    pub restarted: u64,
}

/// How long jobs waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Waiting {
    /// On average.
    pub mean: f64,
    /// 95 of 100 waited no longer; exact to 1 %.
    pub p95: u64,
    /// At most.
    pub max: u64,
}

/// When nobody served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Unserved {
    /// All of it.
    pub seconds: u64,
    /// As a part of the whole time.
    pub share: f64,
    /// The longest stretch.
    pub longest: u64,
}

/// What adds up on the way.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) arrived: u64,
    pub(crate) restarted: u64,
    pub(crate) fallbacks: u64,
    pub(crate) interruptions: u64,
    pub(crate) refused: u64,
    /// How often the rules were asked.
    pub(crate) decisions: u64,
    done: u64,
    running: u64,
    waiting: u64,
    waits: Waits,
    /// Instance-seconds as time passed, and as billed; they must be the same.
    passed: [i64; 2],
    billed: [i64; 2],
    cost: [Money; 2],
    doubled: i64,
    unserved: i64,
    stretch: i64,
    longest: i64,
}

impl Tally {
    pub(crate) fn pass(&mut self, seconds: i64, running: [u32; 2], doubled: u32, unserved: bool) {
        for (passed, running) in self.passed.iter_mut().zip(running) {
            *passed += seconds * i64::from(running);
        }
        self.doubled += seconds * i64::from(doubled);
        if unserved {
            self.unserved += seconds;
            self.stretch += seconds;
            self.longest = self.longest.max(self.stretch);
        } else {
            self.stretch = 0;
        }
    }

    pub(crate) fn bill(&mut self, group: usize, seconds: i64, cost: Money) {
        self.billed[group] += seconds;
        self.cost[group] += cost;
    }

    pub(crate) fn done(&mut self, waited: i64) {
        self.done += 1;
        self.waits.add(waited);
    }

    pub(crate) fn still_running(&mut self, waited: i64) {
        self.running += 1;
        self.waits.add(waited);
    }

    pub(crate) fn still_waiting(&mut self, waited: i64) {
        self.waiting += 1;
        self.waits.add(waited);
    }

    pub(crate) fn outcome(self, strategy: Strategy, duration: i64) -> Outcome {
        debug_assert_eq!(self.passed, self.billed, "every instance-second is billed once");
        let hours = self.billed.map(|seconds| seconds as f64 / 3_600.0);
        let all = self.billed[0] + self.billed[1];
        let seconds = |seconds: i64| u64::try_from(seconds).unwrap_or(0);
        Outcome {
            strategy,
            cost_usd: (self.cost[0] + self.cost[1]).usd(),
            spot_usd: self.cost[0].usd(),
            on_demand_usd: self.cost[1].usd(),
            saving: None,
            spot_hours: hours[0],
            on_demand_hours: hours[1],
            spot_share: (all > 0).then(|| self.billed[0] as f64 / all as f64),
            jobs: Jobs {
                arrived: self.arrived,
                done: self.done,
                running: self.running,
                waiting: self.waiting,
                restarted: self.restarted,
            },
            waiting: self.waits.summary(),
            unserved: Unserved {
                seconds: seconds(self.unserved),
                share: if duration > 0 { self.unserved as f64 / duration as f64 } else { 0.0 },
                longest: seconds(self.longest),
            },
            fallbacks: strategy.falls_back().then_some(if strategy.returns() {
                self.fallbacks
            } else {
                self.fallbacks.min(1)
            }),
            interruptions: self.interruptions,
            refused: self.refused,
            double_capacity_hours: self.doubled as f64 / 3_600.0,
        }
    }
}

/// How many significant bits of a wait are kept: it is exact to 1 part in 128.
const BITS: u32 = 7;

/// How often jobs waited how long, in steps that grow with the wait: a memory that does not grow with the jobs.
#[derive(Debug, Default)]
struct Waits {
    counts: Vec<u64>,
    all: u64,
    sum: u128,
    max: u64,
}

impl Waits {
    fn add(&mut self, waited: i64) {
        let waited = u64::try_from(waited).unwrap_or(0);
        let place = Self::place(waited);
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
        self.all += 1;
        self.sum += u128::from(waited);
        self.max = self.max.max(waited);
    }

    fn place(waited: u64) -> usize {
        let shift = (64 - waited.leading_zeros()).saturating_sub(BITS + 1);
        ((u64::from(shift) << BITS) + (waited >> shift)) as usize
    }

    /// The longest wait that is counted in a place.
    fn longest(place: usize) -> u64 {
        let place = place as u64;
        let shift = (place >> BITS).saturating_sub(1);
        (((place - (shift << BITS)) + 1) << shift) - 1
    }

    fn summary(&self) -> Waiting {
        if self.all == 0 {
            return Waiting::default();
        }
        let rank = self.all - self.all * 5 / 100;
        let mut seen = 0;
        let place = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        Waiting {
            mean: self.sum as f64 / self.all as f64,
            p95: place.map_or(self.max, |place| Self::longest(place).min(self.max)),
            max: self.max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_kept_to_one_percent() {
        for waited in (0..2_000).chain([86_399, 86_400, 7_776_000, u64::from(u32::MAX)]) {
            let longest = Waits::longest(Waits::place(waited));
            assert!(longest >= waited && longest - waited <= waited / 100, "{waited} {longest}");
        }
        let mut waits = Waits::default();
        assert_eq!(waits.summary(), Waiting::default());
        (1..=100).for_each(|wait| waits.add(wait));
        assert_eq!(waits.summary(), Waiting { mean: 50.5, p95: 95, max: 100 });
    }
}
