//! A pair in its world, moved on from event to event.
//!
//! It knows nothing of the rules. It shows itself as AWS would, lets itself be changed by the one call that a manager makes,
//! and does by itself what AWS does: launches what is missing zone by zone, tries again, warns and takes back, replaces what
//! was taken, ends what is too much, and scales in when the queue was idle. How late each of these is is said here.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use spot_policy::{Market, Policy};

use super::alarms::{Alarms, Datapoint};
use super::jobs::Arrivals;
use super::manager::{Look, Manager};
use super::money::{Money, Price};
use super::outcome::{Outcome, Tally};
use super::random::{Purpose, Random};
use super::scenario::Scenario;
use super::series::Changes;
use super::strategy::Strategy;
use super::timeline::Timeline;

/// From what a group is asked to what it gets, or is told.
const LAUNCH: i64 = 5;
/// How soon a group tries again what was refused. AWS does not say; several tries within seven minutes have been seen.
const RETRY: i64 = 60;
/// How long before AWS takes an instance back it says so.
const WARNING: i64 = 120;
/// How long a group takes to notice that an instance is gone.
const HEALTH: i64 = 30;
/// From an event to the run of the function that it wakes.
const DELIVERY: i64 = 2;
/// How much later than the first copy of a message the second one is, at most.
const SECOND_COPY: u64 = 60;

/// A job, in the queue or at a worker.
#[derive(Debug, Clone, Copy)]
struct Job {
    /// Since when it is visible.
    since: i64,
    /// How long it has been visible before.
    waited: i64,
    service: u32,
}

#[derive(Debug, Clone)]
struct Worker {
    id: u64,
    zone: u8,
    launched: i64,
    ready: i64,
    job: Option<Job>,
    job_until: i64,
    /// Since when it has nothing to do, where that is so.
    idle: Option<i64>,
    /// Whether AWS has said that it takes it back.
    warned: bool,
    /// Whether it is gone, and the group has not noticed.
    gone: bool,
    /// What its zone's price had added up to when it was launched.
    meter: Money,
}

/// A launch that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) at: i64,
    pub(crate) zone: u8,
    pub(crate) result: Tried,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    Launched,
    NoCapacity,
    TooDear,
}

/// An Auto Scaling group.
#[derive(Debug, Default)]
pub(crate) struct AutoScaling {
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) desired: u32,
    workers: Vec<Worker>,
    warned: u32,
    gone: u32,
    pub(crate) attempts: Vec<Attempt>,
    /// When instances were taken back, and where.
    pub(crate) interruptions: Vec<(i64, u8)>,
    try_at: Option<i64>,
    next_try: i64,
    unsettled: bool,
}

impl AutoScaling {
    /// What it lists, also what AWS has warned of and what is gone unnoticed.
    pub(crate) fn listed(&self) -> u32 {
        self.workers.len() as u32
    }

    /// What works or will in a moment.
    fn live(&self) -> u32 {
        self.listed() - self.warned
    }

    /// What is paid for.
    fn running(&self) -> u32 {
        self.listed() - self.gone
    }

    /// Its instances, as `(id, zone, whether it has booted)`.
    pub(crate) fn instances(&self, now: i64) -> impl Iterator<Item = (u64, u8, bool)> {
        self.workers.iter().map(move |worker| (worker.id, worker.zone, worker.ready <= now))
    }

    /// Forgets what is older than that.
    fn forget(&mut self, before: i64) {
        if self.attempts.len() >= 64 {
            self.attempts.retain(|attempt| attempt.at >= before);
        }
        if self.interruptions.len() >= 64 {
            self.interruptions.retain(|&(at, _)| at >= before);
        }
    }
}

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

/// What wakes a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    Alarm,
    LaunchFailed,
    Interruption(u64),
    Tick,
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
        let group = |min| AutoScaling { min, max: policy.max, desired: min, unsettled: true, ..AutoScaling::default() };
        let start = scenario.start;
        let meter = |zone| (scenario.prices.at(zone, start), Money::default(), start);
        Self {
            scenario,
            policy,
            now: start,
            groups: [group(0), group(policy.base)],
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

    // ---- the jobs

    pub(crate) fn visible(&self) -> u32 {
        self.queue.len() as u32
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    fn arrive(&mut self, service: u32) {
        self.queue.push_back(Job { since: self.now, waited: 0, service });
        self.tally.arrived += 1;
    }

    /// Workers that the jobs want, between base and max, and whether there is none of them.
    pub(crate) fn demand(&self) -> (u32, bool) {
        let jobs = self.visible() + self.in_flight;
        let need = jobs.div_ceil(self.policy.jobs_per_worker.max(1)).max(self.policy.base).min(self.policy.max);
        (need, jobs == 0)
    }

    /// The worker that has been idle for longest takes the next job: it asked first.
    fn assign(&mut self) {
        while self.idle_workers > 0 && !self.queue.is_empty() {
            let workers = self.groups.iter_mut().enumerate();
            let idle = workers.flat_map(|(group, asg)| asg.workers.iter_mut().map(move |worker| (group, worker)));
            let first =
                idle.filter(|(_, worker)| worker.idle.is_some()).min_by_key(|(_, worker)| (worker.idle, worker.id));
            let (Some((group, worker)), Some(mut job)) = (first, self.queue.pop_front()) else { return };
            job.waited += self.now - job.since;
            worker.idle = None;
            worker.job_until = self.now + i64::from(job.service);
            worker.job = Some(job);
            self.in_flight += 1;
            self.idle_workers -= 1;
            self.events.push(Reverse((worker.job_until, Event::Done(group as u8, worker.id))));
        }
    }

    fn done(&mut self, group: usize, id: u64) {
        let now = self.now;
        let asg = &mut self.groups[group];
        // It may have been taken back meanwhile, or given this job back and taken another.
        let Some(worker) = asg.workers.iter_mut().find(|worker| worker.id == id && worker.job_until == now) else {
            return;
        };
        let Some(job) = worker.job.take() else { return };
        worker.idle = Some(now);
        asg.unsettled |= asg.workers.len() as u32 > asg.desired;
        self.idle_workers += 1;
        self.in_flight -= 1;
        self.tally.done(job.waited);
        if self.arrivals.never_end() {
            let service = self.arrivals.service();
            self.arrive(service);
        }
    }

    fn ready(&mut self, group: usize, id: u64) {
        if let Some(worker) = self.groups[group].workers.iter_mut().find(|worker| worker.id == id && !worker.warned) {
            worker.idle = Some(self.now);
            self.idle_workers += 1;
            self.groups[group].unsettled = true;
        }
    }

    /// A worker gives its job back: it is visible at once, and begins anew.
    fn give_back(&mut self, job: Option<Job>) {
        if let Some(job) = job {
            self.in_flight -= 1;
            self.tally.restarted += 1;
            self.queue.push_front(Job { since: self.now, ..job });
        }
    }

    // ---- Spot: what it costs, and whether it is to be had

    /// What a zone's price has added up to.
    fn meter(&self, zone: usize) -> Money {
        let (price, sum, since) = self.meters[zone];
        sum + price.map_or(Money::default(), |price| price.times(self.now - since))
    }

    fn reprice(&mut self, zone: usize, price: Price) {
        self.meters[zone] = (Some(price), self.meter(zone), self.now);
        if price > self.cap {
            self.warn(zone);
        }
    }

    /// AWS takes back what runs in a zone; the workers give their jobs back at once.
    fn warn(&mut self, zone: usize) {
        let (mut ids, mut jobs) = (Vec::new(), Vec::new());
        let spot = &mut self.groups[SPOT];
        for worker in spot.workers.iter_mut().filter(|worker| usize::from(worker.zone) == zone && !worker.warned) {
            worker.warned = true;
            self.idle_workers -= u32::from(worker.idle.take().is_some());
            ids.push(worker.id);
            jobs.push(worker.job.take());
        }
        spot.warned += ids.len() as u32;
        jobs.into_iter().for_each(|job| self.give_back(job));
        for id in ids {
            self.tally.interruptions += 1;
            self.events.push(Reverse((self.now + WARNING, Event::Gone(id))));
            self.events.push(Reverse((self.now + WARNING + HEALTH, Event::Noticed(id))));
            self.wake(Wake::Interruption(id));
        }
    }

    fn gone(&mut self, id: u64) {
        let spot = &mut self.groups[SPOT];
        let Some(worker) = spot.workers.iter_mut().find(|worker| worker.id == id) else { return };
        worker.gone = true;
        spot.gone += 1;
        let worker = worker.clone();
        self.pay(SPOT, &worker);
    }

    /// An instance is billed from its launch to now.
    fn pay(&mut self, group: usize, worker: &Worker) {
        let lived = self.now - worker.launched;
        let cost = if group == SPOT {
            self.meter(usize::from(worker.zone)) - worker.meter
        } else {
            self.scenario.on_demand.times(lived)
        };
        self.tally.bill(group, lived, cost);
    }

    fn noticed(&mut self, id: u64) {
        let now = self.now;
        let spot = &mut self.groups[SPOT];
        let Some(place) = spot.workers.iter().position(|worker| worker.id == id) else { return };
        let worker = spot.workers.remove(place);
        spot.warned -= 1;
        spot.gone -= 1;
        spot.interruptions.push((now, worker.zone));
        spot.next_try = now;
        spot.unsettled = true;
        self.touch();
    }

    // ---- the groups, as AWS keeps them

    /// What a manager asks of a group.
    pub(crate) fn ask(&mut self, market: Market, to: u32) {
        let (now, base) = (self.now, self.policy.base);
        let group = &mut self.groups[index(market)];
        let to = to.clamp(group.min, group.max.max(group.min));
        if to == group.desired {
            return;
        }
        if market == Market::OnDemand && group.desired.max(group.listed()) <= base && to > base {
            self.tally.fallbacks += 1;
        }
        if to > group.desired {
            group.next_try = now;
        }
        group.desired = to;
        group.unsettled = true;
        self.touch();
        self.measure_if_wanted();
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

    fn scale(&mut self, group: usize) {
        while self.groups[group].listed() > self.groups[group].desired {
            let Some(place) = self.surplus(group) else { break };
            self.end(group, place);
        }
        let asg = &mut self.groups[group];
        if asg.listed() < asg.desired && asg.try_at.is_none() {
            let at = (self.now + LAUNCH).max(asg.next_try);
            asg.try_at = Some(at);
            self.events.push(Reverse((at, Event::Try(group as u8))));
        }
    }

    /// Which instance a group ends first: from the zone with the most, the oldest. None where all are protected.
    fn surplus(&self, group: usize) -> Option<usize> {
        let workers = &self.groups[group].workers;
        let in_zone = |zone: u8| workers.iter().filter(|worker| worker.zone == zone).count();
        // A worker that was warned has given up its job, and its protection.
        let free = |worker: &Worker| !self.policy.protect || worker.idle.is_some() || worker.warned;
        let candidates = workers.iter().enumerate().filter(|(_, worker)| free(worker) && !worker.gone);
        candidates.max_by_key(|(_, worker)| (in_zone(worker.zone), Reverse(worker.id))).map(|(place, _)| place)
    }

    fn end(&mut self, group: usize, place: usize) {
        let worker = self.groups[group].workers.remove(place);
        self.idle_workers -= u32::from(worker.idle.is_some());
        self.groups[group].warned -= u32::from(worker.warned);
        self.pay(group, &worker);
        self.give_back(worker.job);
        self.touch();
    }

    fn try_launch(&mut self, group: usize) {
        self.groups[group].try_at = None;
        let mut refused = false;
        while self.groups[group].listed() < self.groups[group].desired {
            if !self.launch(group, &mut refused) {
                self.groups[group].next_try = self.now + RETRY;
                break;
            }
        }
        self.groups[group].unsettled = true;
        self.touch();
        if refused {
            self.wake(Wake::LaunchFailed);
        }
    }

    /// Tries one zone after the other, first where the group has the fewest; of equals AWS takes any, here another each time.
    fn launch(&mut self, group: usize, refused: &mut bool) -> bool {
        self.tries += 1;
        let zones = self.scenario.zones.len();
        let mut order: Vec<usize> = (0..zones).collect();
        let workers = &self.groups[group].workers;
        let turn = |zone: usize| (zone as u64 + self.tries) % zones as u64;
        order.sort_by_key(|&zone| {
            (workers.iter().filter(|worker| usize::from(worker.zone) == zone).count(), turn(zone))
        });
        for zone in order {
            let result = if group == SPOT { self.spot_in(zone) } else { Tried::Launched };
            let attempt = Attempt { at: self.now, zone: zone as u8, result };
            let forgotten = self.now - i64::try_from(super::manager::remembered(self.policy).0).unwrap_or(i64::MAX / 2);
            self.groups[group].forget(forgotten);
            self.groups[group].attempts.push(attempt);
            if result == Tried::Launched {
                self.start(group, zone as u8);
                return true;
            }
            *refused = true;
            self.tally.refused += 1;
        }
        false
    }

    fn spot_in(&self, zone: usize) -> Tried {
        match self.meters[zone].0 {
            _ if !self.available[zone] => Tried::NoCapacity,
            Some(price) if price <= self.cap => Tried::Launched,
            Some(_) => Tried::TooDear,
            None => Tried::NoCapacity, // not offered there
        }
    }

    fn start(&mut self, group: usize, zone: u8) {
        self.ids += 1;
        let (id, ready) = (self.ids, self.now + self.scenario.boot);
        let meter = if group == SPOT { self.meter(usize::from(zone)) } else { Money::default() };
        self.groups[group].workers.push(Worker {
            id,
            zone,
            launched: self.now,
            ready,
            job: None,
            job_until: i64::MAX,
            idle: None,
            warned: false,
            gone: false,
            meter,
        });
        self.events.push(Reverse((ready, Event::Ready(group as u8, id))));
    }

    // ---- the alarms

    /// Has this minute measured at its end.
    fn measure(&mut self) {
        let at = (self.now.div_euclid(60) + 1) * 60;
        self.events.push(Reverse((at, Event::Minute)));
    }

    /// Minutes that were not measured because nothing changed are measured again if something may.
    fn measure_if_wanted(&mut self) {
        if self.alarms.resting() && self.alarms.wants_more(self.is_beyond_min()) {
            self.alarms.awake();
            self.measure();
        }
    }

    fn is_beyond_min(&self) -> bool {
        self.groups.iter().any(|group| group.desired > group.min)
    }

    fn minute(&mut self) {
        let jobs = self.visible() + self.in_flight;
        // Looks and workers ask the queue, and so keep its metrics awake.
        let asked = self.tick.is_some() || self.groups.iter().any(|group| group.live() > 0);
        let point = self.alarms.minute(self.now, self.visible(), jobs, asked);
        self.events.push(Reverse((point.at, Event::Measured(point))));
        if self.alarms.wants_more(self.is_beyond_min()) {
            self.measure();
        } else {
            self.alarms.rest();
        }
    }

    fn measured(&mut self, point: Datapoint) {
        let heard = self.alarms.hear(point);
        if heard.jobs_wait {
            self.wake(Wake::Alarm);
        }
        if heard.idle {
            for market in MARKETS {
                let min = self.groups[index(market)].min;
                self.ask(market, min);
            }
        }
        self.measure_if_wanted();
    }

    // ---- the manager

    /// A message: most arrive once.
    fn wake(&mut self, wake: Wake) {
        if self.messages.happens(self.scenario.lost) {
            return;
        }
        self.events.push(Reverse((self.now + DELIVERY, Event::Wake(wake))));
        if self.messages.happens(self.scenario.duplicated) {
            let later = 1 + self.messages.below(SECOND_COPY) as i64;
            self.events.push(Reverse((self.now + DELIVERY + later, Event::Wake(wake))));
        }
    }

    /// Something has changed that a look may depend on: the next regular one is made.
    fn touch(&mut self) {
        if self.tick_at > self.now {
            self.tick_at = self.tick_at.min(self.boundary(self.now));
        }
    }

    /// The first regular look that is due at a moment or later and has not been made.
    fn boundary(&self, at: i64) -> i64 {
        let Some(tick) = self.tick else { return i64::MAX };
        if at == i64::MAX {
            return i64::MAX;
        }
        let start = self.scenario.start;
        let at = at.max(self.ticked.saturating_add(1)).max(start);
        start + (at - start + tick - 1) / tick * tick
    }

    fn look(&mut self, manager: &mut Manager, wake: Wake) -> Option<i64> {
        let Look { asks, again, looked } = manager.look(self, wake, self.skip);
        self.tally.decisions += u64::from(looked);
        for (market, to) in asks {
            self.ask(market, to);
        }
        again
    }

    // ---- the end

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
