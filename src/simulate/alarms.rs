//! A pair's two alarms, as CloudWatch keeps them: by the minute, late, and the one that scales in repeats itself.
//!
//! SQS reports each minute's depth once it is over, and the alarm sees it a minute later. A queue that nobody has used for six
//! hours sleeps, and its first report comes a quarter of an hour late. An alarm speaks when it goes off; only one that scales
//! a group goes on doing so each minute. (CloudWatch user guide, «Alarm actions»; SQS developer guide, «Monitoring».)

use super::scenario::Scenario;

/// From a minute's end to the alarm that has seen it.
const DELAY: i64 = 60;
/// The same, for a queue that slept.
const SLEPT: i64 = 15 * 60;
/// How long a queue may be left alone before it sleeps.
const AWAKE: i64 = 6 * 3_600;

/// A minute of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Datapoint {
    /// When the alarms see it.
    pub(crate) at: i64,
    /// Whether as many jobs waited as the alarm's threshold says; none: its period is not over.
    waits: Option<bool>,
    /// Whether there was any job.
    busy: bool,
}

/// What the alarms do about a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The jobs-waiting alarm goes off.
    pub(crate) jobs_wait: bool,
    /// The idle alarm scales in.
    pub(crate) idle: bool,
}

#[derive(Debug)]
pub(crate) struct Alarms {
    threshold: u32,
    period: i64,
    periods: u32,
    idle_minutes: u32,
    /// Now.
    waits: bool,
    busy: bool,
    /// At any time in this period, and in this minute.
    has_waited: bool,
    has_been_busy: bool,
    waited_periods: u32,
    idle_for: u32,
    alarm: bool,
    /// Minutes are not measured, because nothing changes.
    resting: bool,
    /// When anybody used the queue last.
    used: i64,
    /// Reports come in order, also when a late one is under way.
    last: i64,
}

impl Alarms {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            threshold: scenario.alarm.threshold.max(1),
            period: scenario.alarm.period.max(1),
            periods: scenario.alarm.periods.max(1),
            idle_minutes: scenario.idle_minutes.max(1),
            waits: false,
            busy: false,
            has_waited: false,
            has_been_busy: false,
            waited_periods: 0,
            idle_for: 0,
            alarm: false,
            resting: true,
            used: scenario.start,
            last: i64::MIN,
        }
    }

    /// Sees the queue; says whether minutes must be measured from now on that were not.
    pub(crate) fn see(&mut self, visible: u32, jobs: u32) -> bool {
        let (waits, busy) = (visible >= self.threshold, jobs > 0);
        if (waits, busy) == (self.waits, self.busy) {
            return false;
        }
        (self.waits, self.busy) = (waits, busy);
        self.has_waited |= waits;
        self.has_been_busy |= busy;
        std::mem::take(&mut self.resting)
    }

    /// A minute is over.
    pub(crate) fn minute(&mut self, now: i64, visible: u32, jobs: u32, asked: bool) -> Datapoint {
        let slept = self.has_been_busy && now - self.used > AWAKE;
        if self.has_been_busy || asked || jobs > 0 {
            self.used = now;
        }
        let at = (now + if slept { SLEPT } else { DELAY }).max(self.last);
        self.last = at;
        let over = now.div_euclid(60) % self.period == 0;
        let point = Datapoint { at, waits: over.then_some(self.has_waited), busy: self.has_been_busy };
        self.has_been_busy = jobs > 0;
        if over {
            self.has_waited = visible >= self.threshold;
        }
        point
    }

    /// Whether the next minute can change anything.
    pub(crate) fn wants_more(&self, beyond: bool) -> bool {
        let off = !self.alarm && (self.waits || self.has_waited)
            || self.alarm && !self.waits
            || self.has_waited != self.waits;
        let idle = if self.busy { self.idle_for > 0 } else { self.idle_for < self.idle_minutes || beyond };
        off || idle || self.has_been_busy != self.busy
    }

    pub(crate) fn rest(&mut self) {
        self.resting = true;
    }

    pub(crate) fn resting(&self) -> bool {
        self.resting
    }

    pub(crate) fn awake(&mut self) {
        self.resting = false;
    }

    /// A report arrives.
    pub(crate) fn hear(&mut self, point: Datapoint) -> Heard {
        let mut jobs_wait = false;
        if let Some(waits) = point.waits {
            self.waited_periods = if waits { self.waited_periods.saturating_add(1) } else { 0 };
            let alarm = self.waited_periods >= self.periods;
            jobs_wait = alarm && !self.alarm;
            self.alarm = alarm;
        }
        self.idle_for = if point.busy { 0 } else { (self.idle_for + 1).min(self.idle_minutes) };
        Heard { jobs_wait, idle: self.idle_for >= self.idle_minutes }
    }
}
