//! An Auto Scaling group as AWS keeps it: it launches what is missing zone by zone, tries again, and ends what is too much.

use std::cmp::Reverse;

use spot_policy::Market;

use super::jobs::Job;
use super::{Event, SPOT, Wake, World, index};
use crate::simulate::manager::remembered;
use crate::simulate::money::Money;

/// From what a group is asked to what it gets, or is told.
const LAUNCH: i64 = 5;
/// How soon a group tries again what was refused. AWS does not say; several tries within seven minutes have been seen.
const RETRY: i64 = 60;

#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) id: u64,
    pub(super) zone: u8,
    pub(super) launched: i64,
    pub(super) ready: i64,
    pub(super) job: Option<Job>,
    pub(super) job_until: i64,
    /// Since when it has nothing to do, where that is so.
    pub(super) idle: Option<i64>,
    /// Whether AWS has said that it takes it back.
    pub(super) warned: bool,
    /// Whether it is gone, and the group has not noticed.
    pub(super) gone: bool,
    /// What its zone's price had added up to when it was launched.
    pub(super) meter: Money,
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
    pub(super) workers: Vec<Worker>,
    pub(super) warned: u32,
    pub(super) gone: u32,
    pub(crate) attempts: Vec<Attempt>,
    /// When instances were taken back, and where.
    pub(crate) interruptions: Vec<(i64, u8)>,
    try_at: Option<i64>,
    pub(super) next_try: i64,
    pub(super) unsettled: bool,
}

impl AutoScaling {
    /// One that asks for as many as it has to have.
    pub(super) fn new(min: u32, max: u32) -> Self {
        Self { min, max, desired: min, unsettled: true, ..Self::default() }
    }

    /// What it lists, also what AWS has warned of and what is gone unnoticed.
    pub(crate) fn listed(&self) -> u32 {
        self.workers.len() as u32
    }

    /// What works or will in a moment.
    pub(super) fn live(&self) -> u32 {
        self.listed() - self.warned
    }

    /// What is paid for.
    pub(super) fn running(&self) -> u32 {
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

impl World<'_> {
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

    pub(super) fn scale(&mut self, group: usize) {
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

    pub(super) fn end(&mut self, group: usize, place: usize) {
        let worker = self.groups[group].workers.remove(place);
        self.idle_workers -= u32::from(worker.idle.is_some());
        self.groups[group].warned -= u32::from(worker.warned);
        self.pay(group, &worker);
        self.give_back(worker.job);
        self.touch();
    }

    pub(super) fn try_launch(&mut self, group: usize) {
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
            let forgotten = self.now - i64::try_from(remembered(self.policy).0).unwrap_or(i64::MAX / 2);
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
}
