//! A pair in its world, moved on from event to event.
//!
//! It knows nothing of the rules. It shows itself as AWS would, lets itself be changed by the one call that a manager makes,
//! and does by itself what AWS does: launches what is missing zone by zone, tries again, warns and takes back, replaces what
//! was taken, ends what is too much, and scales in when the queue was idle. How late each of these is stands where it is done.
//!
//! Read in this order: this file, which has the events and the time between them; `jobs`, `group`, `spot`, `wakes`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use spot_policy::{Market, Policy};

use super::alarms::{Alarms, Datapoint};
use super::jobs::Arrivals;
use super::manager::Manager;
use super::money::{Money, Price};
use super::outcome::{Outcome, Tally};
use super::random::{Purpose, Random};
use super::scenario::Scenario;
use super::series::Changes;
use super::strategy::Strategy;
use super::timeline::Timeline;

mod group;
mod jobs;
mod spot;
mod wakes;

pub(crate) use group::{AutoScaling, Tried};
use jobs::Job;
pub(crate) use wakes::Wake;

/// What is to happen; of what happens at one moment, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Gone(u64),
    Noticed(u64),
    Done(u8, u64),
    Ready(u8, u64),
    Try(u8),
    Minute,
    Measured(Datapoint),
    Wake(Wake),
}

pub(crate) const fn index(market: Market) -> usize {
    match market {
        Market::Spot => 0,
        Market::OnDemand => 1,
    }
}

pub(crate) const MARKETS: [Market; 2] = [Market::Spot, Market::OnDemand];
const SPOT: usize = 0;

/// A pair in its world.
pub(crate) struct World<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) policy: &'a Policy,
    pub(crate) now: i64,
    pub(crate) groups: [AutoScaling; 2],
    pub(crate) prices: Changes<'a, Price>,
    queue: VecDeque<Job>,
    in_flight: u32,
    idle_workers: u32,
    events: BinaryHeap<Reverse<(i64, Event)>>,
    arrivals: Arrivals<'a>,
    capacity: Changes<'a, bool>,
    available: Vec<bool>,
    /// What each zone's price is and has added up to, and since when it is in force.
    meters: Vec<(Option<Price>, Money, i64)>,
    /// The price above which AWS gives no Spot Instance.
    cap: Price,
    alarms: Alarms,
    messages: Random,
    ids: u64,
    tries: u64,
    /// When the next look is that may find something to do; the last one that was regular.
    tick_at: i64,
    ticked: i64,
    skip: bool,
    /// The pause between regular looks, if the manager makes them.
    tick: Option<i64>,
    /// What the jobs wanted when that was last looked at.
    demand: (u32, bool),
    /// The most workers wanted since there was nobody beyond the base.
    peak: u32,
    tally: Tally,
    timeline: Option<Timeline>,
}

/// How a world is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    /// Whether looks are left out that cannot find anything to do.
    pub(crate) skip: bool,
    /// How many pieces the time line has; none: there is no time line.
    pub(crate) pieces: usize,
}

impl<'a> World<'a> {
    /// Lives the scenario to its end.
    pub(crate) fn live(
        scenario: &'a Scenario,
        policy: &'a Policy,
        strategy: Strategy,
        mode: Mode,
    ) -> (Outcome, Option<Timeline>) {
        let mut world = Self::new(scenario, policy, mode);
        let mut manager = Manager::new(strategy, scenario, policy);
        world.tick = scenario.tick.filter(|_| manager.ticks());
        world.tick_at = world.boundary(scenario.start);
        world.settle();
        let end = scenario.end();
        loop {
            let next = world.next_at();
            if next >= end {
                break;
            }
            world.pass(next);
            world.happen(&mut manager);
        }
        world.pass(end);
        world.close(strategy)
    }

    fn new(scenario: &'a Scenario, policy: &'a Policy, mode: Mode) -> Self {
        let zones = scenario.zones.len();
        let start = scenario.start;
        let meter = |zone| (scenario.prices.at(zone, start), Money::default(), start);
        Self {
            scenario,
            policy,
            now: start,
            groups: [AutoScaling::new(0, policy.max), AutoScaling::new(policy.base, policy.max)],
            prices: scenario.prices.after(start),
            queue: VecDeque::new(),
            in_flight: 0,
            idle_workers: 0,
            events: BinaryHeap::new(),
            arrivals: Arrivals::new(scenario),
            capacity: scenario.capacity.after(start),
            available: (0..zones).map(|zone| scenario.capacity.at(zone, start).unwrap_or(false)).collect(),
            meters: (0..zones).map(meter).collect(),
            cap: policy.max_price.and_then(Price::from_usd).unwrap_or(scenario.on_demand),
            alarms: Alarms::new(scenario),
            messages: Random::new(scenario.seed, Purpose::Messages),
            ids: 0,
            tries: 0,
            tick_at: i64::MAX,
            ticked: i64::MIN,
            skip: mode.skip,
            tick: scenario.tick,
            demand: (policy.base, true),
            peak: policy.base,
            tally: Tally::default(),
            timeline: (mode.pieces > 0).then(|| Timeline::new(scenario, mode.pieces)),
        }
    }

    fn next_at(&self) -> i64 {
        let event = self.events.peek().map_or(i64::MAX, |Reverse((at, _))| *at);
        event.min(self.arrivals.next_at()).min(self.prices.next_at()).min(self.capacity.next_at()).min(self.tick_at)
    }

    /// Time passes, and nothing happens.
    fn pass(&mut self, to: i64) {
        let seconds = to - self.now;
        if seconds > 0 {
            let [spot, on_demand] = &self.groups;
            let waiting = self.visible();
            let unserved = waiting > 0 && spot.live() + on_demand.live() == 0;
            let doubled = (spot.live() + on_demand.live()).saturating_sub(self.peak);
            let running = [spot.running(), on_demand.running()];
            self.tally.pass(seconds, running, doubled, unserved);
            if let Some(timeline) = &mut self.timeline {
                timeline.pass(self.now, to, running, waiting, unserved);
            }
        }
        self.now = to;
    }

    /// All that happens now.
    fn happen(&mut self, manager: &mut Manager) {
        let now = self.now;
        while self.prices.next_at() <= now {
            if let Some((zone, price)) = self.prices.take() {
                self.reprice(zone, price);
            }
        }
        while self.capacity.next_at() <= now {
            if let Some((zone, available)) = self.capacity.take() {
                self.available[zone] = available;
                if !available {
                    self.warn(zone);
                }
            }
        }
        while self.arrivals.next_at() <= now {
            if let Some(arrival) = self.arrivals.take() {
                for _ in 0..arrival.jobs {
                    let service = arrival.service.unwrap_or_else(|| self.arrivals.service());
                    self.arrive(service);
                }
            }
        }
        self.settle();
        let mut woken = false;
        while let Some(&Reverse((at, event))) = self.events.peek()
            && at <= now
        {
            self.events.pop();
            match event {
                Event::Gone(id) => self.gone(id),
                Event::Noticed(id) => self.noticed(id),
                Event::Done(group, id) => self.done(usize::from(group), id),
                Event::Ready(group, id) => self.ready(usize::from(group), id),
                Event::Try(group) => self.try_launch(usize::from(group)),
                Event::Minute => self.minute(),
                Event::Measured(point) => self.measured(point),
                Event::Wake(Wake::LaunchFailed) if woken => {}
                Event::Wake(wake) => {
                    woken = true;
                    self.look(manager, wake);
                }
            }
            self.settle();
        }
        if self.tick_at <= now {
            self.ticked = now;
            self.tick_at = i64::MAX;
            let again = self.look(manager, Wake::Tick);
            self.settle();
            let next = if self.skip { again.map_or(i64::MAX, |at| self.boundary(at)) } else { self.boundary(now + 1) };
            self.tick_at = self.tick_at.min(next);
        }
    }

    /// All that follows at once from what has happened.
    fn settle(&mut self) {
        while self.groups.iter().any(|group| group.unsettled) {
            for group in 0..2 {
                if std::mem::take(&mut self.groups[group].unsettled) {
                    self.scale(group);
                }
            }
        }
        self.assign();
        if self.alarms.see(self.visible(), self.visible() + self.in_flight) {
            self.measure();
        }
        let demand = self.demand();
        if demand != self.demand {
            self.demand = demand;
            self.touch();
        }
        let [spot, on_demand] = &self.groups;
        let beyond = spot.listed() + spot.desired > 0 || on_demand.listed().max(on_demand.desired) > self.policy.base;
        self.peak = if beyond { self.peak.max(demand.0) } else { demand.0 };
    }

    fn close(mut self, strategy: Strategy) -> (Outcome, Option<Timeline>) {
        for group in 0..2 {
            for worker in std::mem::take(&mut self.groups[group].workers) {
                if !worker.gone {
                    self.pay(group, &worker);
                }
                if let Some(job) = worker.job {
                    self.tally.still_running(job.waited);
                }
            }
        }
        for job in &self.queue {
            self.tally.still_waiting(job.waited + self.now - job.since);
        }
        (self.tally.outcome(strategy, self.scenario.duration), self.timeline)
    }
}
