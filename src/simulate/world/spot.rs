//! Spot: what it costs, whether it is to be had, and how AWS takes it back.

use std::cmp::Reverse;

use super::group::{Tried, Worker};
use super::{Event, SPOT, Wake, World};
use crate::simulate::money::{Money, Price};

/// How long before AWS takes an instance back it says so.
const WARNING: i64 = 120;
/// How long a group takes to notice that an instance is gone.
const HEALTH: i64 = 30;

impl World<'_> {
    /// What a zone's price has added up to.
    pub(super) fn meter(&self, zone: usize) -> Money {
        let (price, sum, since) = self.meters[zone];
        sum + price.map_or(Money::default(), |price| price.times(self.now - since))
    }

    pub(super) fn reprice(&mut self, zone: usize, price: Price) {
        self.meters[zone] = (Some(price), self.meter(zone), self.now);
        if price > self.cap {
            self.warn(zone);
        }
    }

    /// AWS takes back what runs in a zone; the workers give their jobs back at once.
    pub(super) fn warn(&mut self, zone: usize) {
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

    pub(super) fn gone(&mut self, id: u64) {
        let spot = &mut self.groups[SPOT];
        let Some(worker) = spot.workers.iter_mut().find(|worker| worker.id == id) else { return };
        worker.gone = true;
        spot.gone += 1;
        let worker = worker.clone();
        self.pay(SPOT, &worker);
    }

    /// An instance is billed from its launch to now.
    pub(super) fn pay(&mut self, group: usize, worker: &Worker) {
        let lived = self.now - worker.launched;
        let cost = if group == SPOT {
            self.meter(usize::from(worker.zone)) - worker.meter
        } else {
            self.scenario.on_demand.times(lived)
        };
        self.tally.bill(group, lived, cost);
    }

    pub(super) fn noticed(&mut self, id: u64) {
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

    pub(super) fn spot_in(&self, zone: usize) -> Tried {
        match self.meters[zone].0 {
            _ if !self.available[zone] => Tried::NoCapacity,
            Some(price) if price <= self.cap => Tried::Launched,
            Some(_) => Tried::TooDear,
            None => Tried::NoCapacity, // not offered there
        }
    }
}
