//! What wakes a manager: the alarms by the minute, messages that may be lost or come twice, and the regular look.

use std::cmp::Reverse;

use super::{Event, MARKETS, World, index};
use crate::simulate::alarms::Datapoint;
use crate::simulate::manager::{Look, Manager};

/// From an event to the run of the function that it wakes.
const DELIVERY: i64 = 2;
/// How much later than the first copy of a message the second one is, at most.
const SECOND_COPY: u64 = 60;

/// What wakes a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    Alarm,
    LaunchFailed,
    Interruption(u64),
    Tick,
}

impl World<'_> {
    /// Has this minute measured at its end.
    pub(super) fn measure(&mut self) {
        let at = (self.now.div_euclid(60) + 1) * 60;
        self.events.push(Reverse((at, Event::Minute)));
    }

    /// Minutes that were not measured because nothing changed are measured again if something may.
    pub(super) fn measure_if_wanted(&mut self) {
        if self.alarms.resting() && self.alarms.wants_more(self.is_beyond_min()) {
            self.alarms.awake();
            self.measure();
        }
    }

    fn is_beyond_min(&self) -> bool {
        self.groups.iter().any(|group| group.desired > group.min)
    }

    pub(super) fn minute(&mut self) {
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

    pub(super) fn measured(&mut self, point: Datapoint) {
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

    /// A message: most arrive once.
    pub(super) fn wake(&mut self, wake: Wake) {
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
    pub(super) fn touch(&mut self) {
        if self.tick_at > self.now {
            self.tick_at = self.tick_at.min(self.boundary(self.now));
        }
    }

    /// The first regular look that is due at a moment or later and has not been made.
    pub(super) fn boundary(&self, at: i64) -> i64 {
        let Some(tick) = self.tick else { return i64::MAX };
        if at == i64::MAX {
            return i64::MAX;
        }
        let start = self.scenario.start;
        let at = at.max(self.ticked.saturating_add(1)).max(start);
        start + (at - start + tick - 1) / tick * tick
    }

    pub(super) fn look(&mut self, manager: &mut Manager, wake: Wake) -> Option<i64> {
        let Look { asks, again, looked } = manager.look(self, wake, self.skip);
        self.tally.decisions += u64::from(looked);
        for (market, to) in asks {
            self.ask(market, to);
        }
        again
    }
}
