//! A world for a pair: a queue, two Auto Scaling groups, their markets and their alarms, moved on in steps of ten seconds.
//!
//! It knows nothing of the rules. It shows itself as AWS would, lets itself be changed by the two calls that the SpotManager
//! makes, and does by itself what AWS does: launches what is missing zone by zone, tries again, replaces what was taken back,
//! ends what is too much, and scales in when the queue was idle.

use spot_policy::{
    Action, Decision, Fact, Group, Instance, Interruption, Launch, LaunchOutcome, Market, Policy, PriceChange, Queue,
    Seconds, Situation, Suspension, Timestamp, Trigger, Wanted, decide,
};

/// How far the world moves on at once, in seconds.
pub(crate) const STEP: i64 = 10;

/// How long before AWS takes an instance back it says so.
const WARNING: i64 = 120;

/// How a world is made. Times are in seconds.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) policy: Policy,
    pub(crate) zones: usize,
    /// From an instance's launch to its first job.
    pub(crate) boot: i64,
    /// How long a job takes.
    pub(crate) job: i64,
    /// How soon a group tries again what was refused.
    pub(crate) retry: i64,
    /// How late CloudWatch's metrics are.
    pub(crate) metric_delay: i64,
    /// How long the queue must be idle for the groups to be scaled in.
    pub(crate) idle_after: i64,
    /// How long a group takes to notice that an instance is gone.
    pub(crate) health: i64,
    /// The pause between two looks.
    pub(crate) tick: i64,
}

/// What a market gives in a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Supply {
    Unlimited,
    /// So many beside each other; the rest is refused, for this reason.
    Limited(usize, Refusal),
    /// Neither given nor refused: the request stays open.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Refusal {
    Capacity,
    Quota,
    Unknown,
    Configuration,
}

impl Refusal {
    fn text(self, market: Market) -> &'static str {
        match (self, market) {
            (Refusal::Capacity, _) => {
                "Could not launch. InsufficientInstanceCapacity - There is no capacity available."
            }
            (Refusal::Quota, Market::Spot) => "Max spot instance count exceeded. Launching EC2 instance failed.",
            (Refusal::Quota, Market::OnDemand) => "VcpuLimitExceeded - You have requested more vCPU capacity.",
            (Refusal::Unknown, _) => "Internal error. Launching EC2 instance failed.",
            (Refusal::Configuration, _) => "The requested configuration is currently not supported.",
        }
    }
}

/// What becomes of the events that wake the SpotManager; the tick is one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Delivery {
    Once,
    /// Two runs at the same moment, on the same facts.
    Twice,
    Late(i64),
    /// Only every third tick arrives, and no other event.
    Lost,
}

/// Something that happens to a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Happening {
    Jobs(u32),
    Supply(Market, usize, Supply),
    Price(usize, f64),
    /// AWS takes back that one of the Spot Instances.
    Interrupt(usize),
    Delivery(Delivery),
    Suspended(Market, bool),
    /// Facts that AWS does not say for a while: the queue, the launches, the prices.
    Unreadable(bool, bool, bool),
}

#[derive(Debug, Clone)]
struct Worker {
    id: u64,
    zone: usize,
    ready: i64,
    job_until: Option<i64>,
    /// When AWS takes it, once it has said so.
    taken: Option<i64>,
}

#[derive(Debug, Default)]
struct AutoScaling {
    min: u32,
    max: u32,
    desired: u32,
    workers: Vec<Worker>,
    suspended: bool,
    launches: Vec<Launch>,
    interruptions: Vec<Interruption>,
    next_try: i64,
}

impl AutoScaling {
    fn has(&self) -> u32 {
        self.workers.len() as u32
    }
}

/// A call that the SpotManager made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) at: i64,
    pub(crate) action: Action,
    /// What the group had asked for, and what it had.
    pub(crate) desired: u32,
    pub(crate) has: u32,
    /// How many workers the jobs wanted.
    pub(crate) need: u32,
    /// Whether it was decided without the groups' launches, and so without knowing what had been refused.
    pub(crate) blind: bool,
    /// Whether it replaces a worker that AWS takes back.
    pub(crate) replaces: bool,
}

pub(crate) struct World {
    setup: Setup,
    pub(crate) now: i64,
    pub(crate) visible: u32,
    groups: [AutoScaling; 2],
    supply: [Vec<Supply>; 2],
    prices: Vec<PriceChange>,
    delivery: Delivery,
    unreadable: (bool, bool, bool),
    events: Vec<(i64, Trigger)>,
    /// Jobs of each step, for metrics that come late.
    metric: Vec<u32>,
    alarm: bool,
    idle_since: Option<i64>,
    ticks: u64,
    ids: u64,
    tries: u64,
    pub(crate) calls: Vec<Call>,
    pub(crate) finished: u32,
    /// Instances that were replaced before they were gone, since the pair last had nobody beyond its base.
    pub(crate) warned: u32,
    /// The most workers that were needed at a time since then.
    pub(crate) peak: u32,
    pub(crate) last: Option<(Situation, Decision)>,
}

const fn index(market: Market) -> usize {
    match market {
        Market::Spot => 0,
        Market::OnDemand => 1,
    }
}

const MARKETS: [Market; 2] = [Market::Spot, Market::OnDemand];

fn zone_name(zone: usize) -> String {
    format!("eu-west-1{}", (b'a' + zone as u8) as char)
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let group = |min| AutoScaling { min, max: setup.policy.max, desired: min, ..AutoScaling::default() };
        let groups = [group(0), group(setup.policy.base)];
        let supply = [vec![Supply::Unlimited; setup.zones], vec![Supply::Unlimited; setup.zones]];
        let prices = (0..setup.zones).map(|zone| PriceChange { zone: zone_name(zone), at: Timestamp(0), usd: 0.3 });
        let now = 1_000_000;
        Self {
            now,
            visible: 0,
            groups,
            supply,
            prices: prices.collect(),
            delivery: Delivery::Once,
            unreadable: (false, false, false),
            events: Vec::new(),
            metric: Vec::new(),
            alarm: false,
            idle_since: None,
            ticks: 0,
            ids: 0,
            tries: 0,
            calls: Vec::new(),
            finished: 0,
            warned: 0,
            peak: setup.policy.base,
            last: None,
            setup,
        }
    }

    pub(crate) fn happens(&mut self, happening: Happening) {
        let zones = self.setup.zones;
        match happening {
            Happening::Jobs(jobs) => self.visible += jobs,
            Happening::Supply(market, zone, supply) => self.supply[index(market)][zone % zones] = supply,
            Happening::Price(zone, usd) => {
                self.prices.push(PriceChange { zone: zone_name(zone % zones), at: Timestamp(self.now), usd });
            }
            Happening::Interrupt(nth) => self.interrupt(nth),
            Happening::Delivery(delivery) => self.delivery = delivery,
            Happening::Suspended(market, suspended) => self.groups[index(market)].suspended = suspended,
            Happening::Unreadable(queue, launches, prices) => self.unreadable = (queue, launches, prices),
        }
    }

    /// The end of all trouble, but for what the markets refuse; and `market` has what is wanted in one zone. Elsewhere in that
    /// market it is refused at once: which zone a group asks, and then waits for, is not ours to say.
    pub(crate) fn calm(&mut self, market: Market, zone: usize) {
        self.delivery = Delivery::Once;
        self.unreadable = (false, false, false);
        self.groups.iter_mut().for_each(|group| group.suspended = false);
        for (here, supplies) in MARKETS.into_iter().zip(&mut self.supply) {
            for supply in supplies {
                let wrong = matches!(supply, Supply::Limited(_, Refusal::Configuration));
                if wrong || here == market && *supply == Supply::Silent {
                    *supply = Supply::Limited(0, Refusal::Capacity);
                }
            }
        }
        self.happens(Happening::Supply(market, zone, Supply::Unlimited));
        if market == Market::Spot {
            (0..self.setup.zones).for_each(|zone| self.happens(Happening::Price(zone, 0.3)));
        }
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.groups.iter().flat_map(|group| &group.workers).filter(|worker| worker.job_until.is_some()).count() as u32
    }

    pub(crate) fn jobs(&self) -> u32 {
        self.visible + self.in_flight()
    }

    /// What each group asks for and has.
    pub(crate) fn counts(&self) -> [(u32, u32); 2] {
        self.groups.each_ref().map(|group| (group.desired, group.has()))
    }

    /// All that is paid for, or may be at any moment.
    pub(crate) fn asked(&self) -> u32 {
        self.groups.iter().map(|group| group.desired.max(group.has())).sum()
    }

    pub(crate) fn step(&mut self) {
        self.now += STEP;
        self.work();
        for market in MARKETS {
            self.take_back(market);
            self.scale(market);
        }
        self.metric.push(self.jobs());
        self.alarms();
        if self.now % self.setup.tick == 0 {
            self.ticks += 1;
            if self.delivery != Delivery::Lost || self.ticks.is_multiple_of(3) {
                self.wake(Trigger::Tick);
            }
        }
        self.deliver();
        let need = self
            .jobs()
            .div_ceil(self.setup.policy.jobs_per_worker)
            .clamp(self.setup.policy.base, self.setup.policy.max);
        // Where the queue cannot be read, an alarm that may be late makes sure of one worker.
        let need = need.max(u32::from(self.unreadable.0));
        self.peak = self.peak.max(need);
        if self.asked() <= self.setup.policy.base {
            (self.peak, self.warned) = (need.max(self.setup.policy.base), 0);
        }
    }

    // ---- the workers and the queue

    fn work(&mut self) {
        let now = self.now;
        for worker in self.groups.iter_mut().flat_map(|group| &mut group.workers) {
            if worker.job_until.is_some_and(|until| until <= now) {
                worker.job_until = None;
                self.finished += 1;
            }
            if worker.job_until.is_none() && worker.ready <= now && worker.taken.is_none() && self.visible > 0 {
                worker.job_until = Some(now + self.setup.job);
                self.visible -= 1;
            }
        }
    }

    /// A worker that is warned gives its job back at once.
    fn interrupt(&mut self, nth: usize) {
        let group = &mut self.groups[index(Market::Spot)];
        let candidates: Vec<_> = group.workers.iter_mut().filter(|worker| worker.taken.is_none()).collect();
        let count = candidates.len();
        let Some(worker) = candidates.into_iter().nth(nth % count.max(1)) else { return };
        worker.taken = Some(self.now + WARNING);
        self.visible += u32::from(worker.job_until.take().is_some());
        let instance = format!("i-{}", worker.id);
        self.warned += 1;
        self.event(Trigger::Interruption { instance });
    }

    // ---- the groups, as AWS keeps them

    fn take_back(&mut self, market: Market) {
        let (now, health) = (self.now, self.setup.health);
        let group = &mut self.groups[index(market)];
        let gone = group.workers.iter().filter(|worker| worker.taken.is_some_and(|taken| taken + health <= now));
        let gone: Vec<_> =
            gone.map(|worker| Interruption { at: Timestamp(now), zone: Some(zone_name(worker.zone)) }).collect();
        if !gone.is_empty() {
            group.next_try = now;
        }
        group.interruptions.extend(gone);
        group.workers.retain(|worker| worker.taken.is_none_or(|taken| taken + health > now));
    }

    fn scale(&mut self, market: Market) {
        self.end_surplus(market);
        let group = &self.groups[index(market)];
        if group.has() >= group.desired || group.suspended || self.now < group.next_try {
            return;
        }
        while self.groups[index(market)].has() < self.groups[index(market)].desired {
            if !self.launch(market) {
                self.groups[index(market)].next_try = self.now + self.setup.retry;
                return;
            }
        }
    }

    /// From the zone with the most the oldest; never one that is protected.
    fn end_surplus(&mut self, market: Market) {
        let (now, protect, zones) = (self.now, self.setup.policy.protect, self.setup.zones);
        let group = &mut self.groups[index(market)];
        while group.has() > group.desired {
            let mut held = vec![0; zones];
            group.workers.iter().for_each(|worker| held[worker.zone] += 1);
            let free = |worker: &Worker| !protect || worker.ready <= now && worker.job_until.is_none();
            let candidates = group.workers.iter().enumerate().filter(|(_, worker)| free(worker));
            let Some((ends, _)) = candidates.max_by_key(|(index, worker)| (held[worker.zone], usize::MAX - index))
            else {
                return;
            };
            let worker = group.workers.remove(ends);
            self.visible += u32::from(worker.job_until.is_some());
        }
    }

    fn launch(&mut self, market: Market) -> bool {
        self.tries += 1;
        let mut zones: Vec<_> = (0..self.setup.zones).collect();
        let group = &self.groups[index(market)];
        // Of zones with equally many, AWS takes any: here a different one each time.
        let turn = |zone: usize| (zone as u64 + self.tries) % self.setup.zones as u64;
        zones.sort_by_key(|&zone| (group.workers.iter().filter(|it| it.zone == zone).count(), turn(zone)));
        for zone in zones {
            match self.refusal(market, zone) {
                None => {
                    self.ids += 1;
                    let ready = self.now + self.setup.boot;
                    let worker = Worker { id: self.ids, zone, ready, job_until: None, taken: None };
                    self.close(market, LaunchOutcome::Successful, Some(zone));
                    self.groups[index(market)].workers.push(worker);
                    self.record(market, zone, LaunchOutcome::Successful);
                    return true;
                }
                Some(LaunchOutcome::InProgress) => {
                    let group = &self.groups[index(market)];
                    let open = |launch: &Launch| {
                        launch.outcome == LaunchOutcome::InProgress && launch.zone == Some(zone_name(zone))
                    };
                    if !group.launches.iter().any(open) {
                        self.record(market, zone, LaunchOutcome::InProgress);
                    }
                    return false; // the group waits for the answer
                }
                Some(outcome) => {
                    let activity = Some(self.record(market, zone, outcome));
                    self.event(Trigger::LaunchFailed { group: market.to_string(), activity });
                }
            }
        }
        false
    }

    fn refusal(&self, market: Market, zone: usize) -> Option<LaunchOutcome> {
        if market == Market::Spot
            && let Some(max_price) = self.setup.policy.max_price
            && self.price(zone) > max_price
        {
            let text = "Your Spot request price is lower than the minimum required Spot request fulfillment price.";
            return Some(LaunchOutcome::Failed(text.into()));
        }
        let running = self.groups[index(market)].workers.iter().filter(|worker| worker.zone == zone).count();
        match self.supply[index(market)][zone] {
            Supply::Unlimited => None,
            Supply::Limited(most, _) if running < most => None,
            Supply::Limited(_, refusal) => Some(LaunchOutcome::Failed(refusal.text(market).into())),
            Supply::Silent => Some(LaunchOutcome::InProgress),
        }
    }

    fn price(&self, zone: usize) -> f64 {
        self.prices.iter().rfind(|change| change.zone == zone_name(zone)).map_or(f64::INFINITY, |change| change.usd)
    }

    fn record(&mut self, market: Market, zone: usize, outcome: LaunchOutcome) -> String {
        self.ids += 1;
        let id = self.ids.to_string();
        let ended = (outcome != LaunchOutcome::InProgress).then_some(Timestamp(self.now));
        let launch =
            Launch { id: id.clone(), started: Timestamp(self.now), ended, zone: Some(zone_name(zone)), outcome };
        self.groups[index(market)].launches.push(launch);
        id
    }

    /// Ends the launches that are under way, in one zone or all.
    fn close(&mut self, market: Market, outcome: LaunchOutcome, zone: Option<usize>) {
        let (now, zone) = (Timestamp(self.now), zone.map(zone_name));
        for launch in &mut self.groups[index(market)].launches {
            if launch.outcome == LaunchOutcome::InProgress && (zone.is_none() || launch.zone == zone) {
                (launch.outcome, launch.ended) = (outcome.clone(), Some(now));
            }
        }
    }

    fn ask(&mut self, market: Market, desired: u32) {
        let now = self.now;
        let group = &mut self.groups[index(market)];
        let desired = desired.clamp(group.min, group.max);
        if desired > group.desired {
            group.next_try = now;
        }
        group.desired = desired;
        if group.has() >= desired {
            self.close(market, LaunchOutcome::Cancelled, None);
        }
    }

    // ---- the alarms

    fn alarms(&mut self) {
        let late = usize::try_from(self.setup.metric_delay / STEP).unwrap_or(0);
        let seen = self.metric.len().checked_sub(1 + late).map_or(0, |index| self.metric[index]);
        if seen > 0 && !self.alarm {
            self.event(Trigger::Alarm { name: "jobs".into(), state: "ALARM".into() });
        }
        self.alarm = seen > 0;
        self.idle_since = if seen > 0 { None } else { self.idle_since.or(Some(self.now)) };
        let idle = self.idle_since.is_some_and(|since| self.now - since >= self.setup.idle_after);
        if idle && self.now % 60 == 0 {
            for market in MARKETS {
                self.ask(market, self.groups[index(market)].min);
            }
        }
    }

    // ---- the SpotManager

    fn event(&mut self, trigger: Trigger) {
        if self.delivery != Delivery::Lost {
            self.wake(trigger);
        }
    }

    fn wake(&mut self, trigger: Trigger) {
        let late = if let Delivery::Late(late) = self.delivery { late } else { 0 };
        self.events.push((self.now + late, trigger));
    }

    fn deliver(&mut self) {
        let now = self.now;
        // What a run does may make more events; they are delivered at the next step.
        let (due, later) = std::mem::take(&mut self.events).into_iter().partition(|(at, _)| *at <= now);
        self.events = later;
        let due: Vec<(i64, Trigger)> = due;
        for (_, trigger) in due {
            let situation = self.situation(&trigger);
            let decision = decide(&self.setup.policy, &situation);
            self.act(&situation, &decision);
            if self.delivery == Delivery::Twice {
                self.act(&situation, &decision);
            }
            self.last = Some((situation, decision));
        }
    }

    fn act(&mut self, situation: &Situation, decision: &Decision) {
        for &action in &decision.actions {
            let group = &self.groups[index(action.market())];
            self.calls.push(Call {
                at: self.now,
                action,
                desired: group.desired,
                has: group.has(),
                need: decision.need,
                blind: self.unreadable.1,
                replaces: situation.spot.leaving() > 0,
            });
            self.ask(action.market(), action.to());
        }
    }

    /// What AWS shows, asked as the handler asks it.
    pub(crate) fn situation(&self, trigger: &Trigger) -> Situation {
        let policy = &self.setup.policy;
        let unreadable = |yes: bool| yes.then(|| "throttled".to_owned());
        let (no_queue, no_launches, no_prices) = self.unreadable;
        let mut situation = Situation {
            now: Timestamp(self.now),
            queue: unreadable(no_queue)
                .map_or(Fact::Known(Queue { visible: self.visible, in_flight: self.in_flight() }), Fact::Unreadable),
            spot: self.shown(Market::Spot, trigger),
            on_demand: self.shown(Market::OnDemand, trigger),
            prices: Fact::NotRead,
            jobs_waiting_alarm: matches!(trigger, Trigger::Alarm { state, .. } if state == "ALARM"),
        };
        let wanted = Wanted::of(policy, &situation);
        let back = policy.look_back().max(Seconds(600));
        let since = Timestamp(self.now - back.0 as i64);
        if wanted.launches {
            for market in MARKETS {
                let asg = &self.groups[index(market)];
                let group = if market == Market::Spot { &mut situation.spot } else { &mut situation.on_demand };
                let recent = |launch: &&Launch| {
                    launch.outcome == LaunchOutcome::InProgress || launch.ended.unwrap_or(launch.started) >= since
                };
                group.launches = unreadable(no_launches).map_or_else(
                    || Fact::Known(asg.launches.iter().filter(recent).cloned().collect()),
                    Fact::Unreadable,
                );
                if !no_launches {
                    group.interruptions = asg.interruptions.iter().filter(|it| it.at >= since).cloned().collect();
                }
            }
        }
        if wanted.prices {
            situation.prices = unreadable(no_prices).map_or_else(|| Fact::Known(self.prices.clone()), Fact::Unreadable);
        }
        situation
    }

    fn shown(&self, market: Market, trigger: &Trigger) -> Group {
        let asg = &self.groups[index(market)];
        let instances = asg.workers.iter().map(|worker| {
            let id = format!("i-{}", worker.id);
            let busy = worker.ready > self.now || worker.job_until.is_some();
            Instance {
                zone: zone_name(worker.zone),
                state: if worker.ready > self.now { "Pending" } else { "InService" }.into(),
                protected: self.setup.policy.protect && busy,
                warned: *trigger == Trigger::Interruption { instance: id.clone() },
                id,
            }
        });
        Group {
            name: market.to_string(),
            min: asg.min,
            max: asg.max,
            desired: asg.desired,
            zones: (0..self.setup.zones).map(zone_name).collect(),
            instances: instances.collect(),
            suspended: if asg.suspended {
                vec![Suspension { process: "Launch".into(), reason: "User suspended".into() }]
            } else {
                vec![]
            },
            ..Group::default()
        }
    }
}
