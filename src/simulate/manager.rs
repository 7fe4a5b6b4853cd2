//! Who decides: the SpotManager with the very rules that run in Lambda, or a strategy that people use today.

use spot_policy::{
    ANSWER, Action, Decision, Fact, Group, Instance, Interruption, LISTED, Launch, LaunchOutcome, Market, Policy,
    PriceChange, Queue, Revert, Seconds, Situation, Timestamp, Wanted, decide,
};

use super::scenario::Scenario;
use super::strategy::{Memory, Strategy};
use super::world::{AutoScaling, MARKETS, Tried, Wake, World, index};

/// How far back the handler reads launches at least.
const LOOK_BACK: Seconds = Seconds::minutes(10);

/// How long a launch or an interruption can matter to a look.
pub(crate) fn remembered(policy: &Policy) -> Seconds {
    policy.look_back().max(LOOK_BACK)
}

/// What came of a look.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// What each group is to ask for.
    pub(crate) asks: Vec<(Market, u32)>,
    /// When another look may find something to do although nothing has happened.
    pub(crate) again: Option<i64>,
    /// Whether the rules were asked, and not left out because nothing could come of it.
    pub(crate) looked: bool,
}

pub(crate) struct Manager {
    strategy: Strategy,
    memory: Memory,
    /// What was seen last; only what changes is written anew.
    situation: Situation,
    ticks: bool,
}

impl Manager {
    pub(crate) fn new(strategy: Strategy, scenario: &Scenario, policy: &Policy) -> Self {
        let group = |market: Market, min| Group {
            name: market.to_string(),
            min,
            max: policy.max,
            zones: scenario.zones.clone(),
            ..Group::default()
        };
        let situation = Situation {
            spot: group(Market::Spot, 0),
            on_demand: group(Market::OnDemand, policy.base),
            ..Situation::default()
        };
        let ticks = scenario.tick.is_some() && strategy.looks_regularly();
        Self { strategy, memory: Memory::default(), situation, ticks }
    }

    /// Whether it looks at regular times.
    pub(crate) fn ticks(&self) -> bool {
        self.ticks
    }

    pub(crate) fn look(&mut self, world: &World<'_>, wake: Wake, skip: bool) -> Look {
        if self.strategy != Strategy::Spotstack {
            return self.strategy.look(&mut self.memory, world, wake);
        }
        let warned = match wake {
            Wake::Interruption(id) if world.groups[0].instances(0).any(|(ours, ..)| ours == id) => Some(id),
            Wake::Interruption(_) => return Look::default(),
            _ => None,
        };
        if skip && warned.is_none() && is_quiet(world) {
            return Look::default();
        }
        self.observe(world, wake, warned);
        let decision = decide(world.policy, &self.situation);
        let asks: Vec<_> = decision.actions.iter().map(|action: &Action| (action.market(), action.to())).collect();
        let again = if asks.is_empty() { self.again(world, &decision) } else { Some(world.now + 1) };
        Look { asks, again, looked: true }
    }

    /// What the handler would see, asked as it asks: first the queue and the groups, then what the decision depends on.
    fn observe(&mut self, world: &World<'_>, wake: Wake, warned: Option<u64>) {
        let situation = &mut self.situation;
        situation.now = Timestamp(world.now);
        situation.queue = Fact::Known(Queue { visible: world.visible(), in_flight: world.in_flight() });
        situation.jobs_waiting_alarm = wake == Wake::Alarm;
        situation.prices = Fact::NotRead;
        for market in MARKETS {
            let asg = &world.groups[index(market)];
            let group = group_of(situation, market);
            group.desired = asg.desired;
            group.instances = asg
                .instances(world.now)
                .map(|(id, zone, booted)| Instance {
                    id: String::new(),
                    zone: world.scenario.zones[usize::from(zone)].clone(),
                    state: if booted { "InService" } else { "Pending" }.to_owned(),
                    protected: false,
                    warned: warned == Some(id),
                })
                .collect();
            group.launches = Fact::NotRead;
            group.interruptions.clear();
        }
        let wanted = Wanted::of(world.policy, situation);
        if wanted.launches {
            let since = world.now.saturating_sub_unsigned(remembered(world.policy).0);
            for market in MARKETS {
                let asg = &world.groups[index(market)];
                let group = group_of(situation, market);
                group.launches = Fact::Known(launches(asg, &world.scenario.zones, since));
                let recent = asg.interruptions.iter().filter(|&&(at, _)| at >= since);
                group.interruptions = recent
                    .map(|&(at, zone)| Interruption {
                        at: Timestamp(at),
                        zone: Some(world.scenario.zones[usize::from(zone)].clone()),
                    })
                    .collect();
            }
        }
        if wanted.prices {
            situation.prices = Fact::Known(prices(world));
        }
    }

    /// When a decision that changes nothing may turn into another although nothing happens: when a refusal, an interruption
    /// or a patience grows too old, or the prices' average may cross the limit. Every comparison of time in the rules is of
    /// an age with one of these durations.
    fn again(&self, world: &World<'_>, decision: &Decision) -> Option<i64> {
        let (policy, now) = (world.policy, world.now);
        let revert = match policy.revert {
            Revert::After(after) => after,
            Revert::Idle => Seconds(0),
        };
        let forgotten = Seconds(remembered(policy).0 + 1);
        let (hold, patience) = (policy.held_for(), policy.patience);
        let ages = [hold, ANSWER, LISTED, patience, patience.max(ANSWER), revert, forgotten].map(|age| age.0);
        let launched = world.groups.iter().flat_map(|group| group.attempts.iter().map(|attempt| attempt.at));
        let taken = world.groups.iter().flat_map(|group| group.interruptions.iter().map(|&(at, _)| at));
        let mut again = i64::MAX;
        for at in launched.chain(taken) {
            for age in ages {
                let due = at.saturating_add_unsigned(age);
                if due > now {
                    again = again.min(due);
                }
            }
        }
        if let (Some(changes), Some(limit)) = (self.situation.prices.known(), policy.limit()) {
            again = again.min(world.prices.next_at());
            let start = now.saturating_sub_unsigned(policy.window.0);
            for zone in &decision.zones {
                let Some(price) = zone.price.filter(|price| price.now <= limit) else { continue };
                let here = changes.iter().filter(|change| change.zone == zone.zone);
                let seconds = average_cannot_cross(here, price.average, limit, start, now);
                again = again.min(now.saturating_add(seconds.max(1)));
            }
        }
        (again < i64::MAX).then_some(again)
    }
}

/// For how many seconds a zone's average stays on its side of the limit, while its price does not change: it moves no faster
/// than from the cheapest to the dearest price of the window within the time that the window covers.
fn average_cannot_cross<'a>(
    changes: impl Iterator<Item = &'a PriceChange>,
    average: f64,
    limit: f64,
    start: i64,
    now: i64,
) -> i64 {
    let (mut low, mut high, mut first) = (f64::INFINITY, f64::NEG_INFINITY, now);
    for change in changes.filter(|change| change.at.0 <= now) {
        (low, high, first) = (low.min(change.usd), high.max(change.usd), first.min(change.at.0));
    }
    let distance = (average - limit).abs();
    if distance <= limit.abs() * 1e-9 {
        return 0; // as good as equal, where rounding decides
    }
    if high <= low {
        return i64::MAX;
    }
    let covered = (now - first.max(start)) as f64;
    (distance / (high - low) * covered) as i64
}

/// Whether there are just the workers that are asked for and enough of them, so that no rule has anything to change.
fn is_quiet(world: &World<'_>) -> bool {
    let [spot, on_demand] = &world.groups;
    let policy = world.policy;
    let (need, _) = world.demand();
    let retiring = policy.protect && matches!(policy.revert, Revert::After(_)) && on_demand.listed() > on_demand.min;
    spot.desired == spot.listed()
        && on_demand.desired == on_demand.listed()
        && need <= spot.listed() + on_demand.listed()
        && !retiring
        && !(policy.protect && need > 0 && spot.listed() > need)
}

fn group_of(situation: &mut Situation, market: Market) -> &mut Group {
    match market {
        Market::Spot => &mut situation.spot,
        Market::OnDemand => &mut situation.on_demand,
    }
}

fn launches(asg: &AutoScaling, zones: &[String], since: i64) -> Vec<Launch> {
    let recent = asg.attempts.iter().filter(|attempt| attempt.at >= since);
    recent
        .map(|attempt| Launch {
            id: String::new(),
            started: Timestamp(attempt.at),
            ended: Some(Timestamp(attempt.at)),
            zone: Some(zones[usize::from(attempt.zone)].clone()),
            outcome: match attempt.result {
                Tried::Launched => LaunchOutcome::Successful,
                Tried::NoCapacity => LaunchOutcome::Failed("InsufficientInstanceCapacity".to_owned()),
                Tried::TooDear => LaunchOutcome::Failed("SpotMaxPriceTooLow".to_owned()),
            },
        })
        .collect()
}

/// The prices as AWS lists them: newest first in each zone, back to the one in force when the window began.
fn prices(world: &World<'_>) -> Vec<PriceChange> {
    let start = world.now.saturating_sub_unsigned(world.policy.window.0);
    let mut changes = Vec::new();
    for (zone, name) in world.scenario.zones.iter().enumerate() {
        for &(at, price) in world.scenario.prices.of(zone)[..world.prices.taken(zone)].iter().rev() {
            changes.push(PriceChange { zone: name.clone(), at: Timestamp(at), usd: price.usd() });
            if at <= start {
                break;
            }
        }
    }
    changes
}
