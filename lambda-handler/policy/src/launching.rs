//! Launching at once, zone by zone: what to ask next, given what was answered. (`LaunchInstances` launches in one zone, now or
//! not at all, and says why not, where a scale-up policy has the group launch by itself, and fail by itself.)

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decision::{Action, Decision, Reason, Verdict};
use crate::failure::{FailureKind, classify};
use crate::policy::Policy;
use crate::price::Price;
use crate::situation::{Group, LaunchOutcome, Market, Situation};
use crate::units::{Seconds, Timestamp};

/// Instances that one call launches at most (API reference, `LaunchInstances`).
const MOST: u32 = 100;

/// How soon On-Demand that was refused is tried again. It has no hold, because it is what serves when all else is refused; but
/// a refusal may be an event, and the run that it wakes must not ask again at once.
const AGAIN: Seconds = Seconds(60);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Launch in a zone.
    Launch(Attempt),
    /// Have the group ask by itself, because it cannot be asked at once.
    Ask(Action),
    /// Nothing: all came, or nobody has any.
    Done,
}

/// Instances to launch in one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whose group.
    pub market: Market,
    /// Where.
    pub zone: String,
    /// How many.
    pub count: u32,
    /// Makes the same call twice the same call: two runs that see the same ask with the same token.
    pub token: String,
}

/// An attempt, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Whose group.
    pub market: Market,
    /// Where.
    pub zone: String,
    /// How many.
    pub count: u32,
    /// The ids of the instances that came.
    pub instances: Vec<String>,
    /// Why no more came: AWS's codes and texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// Why nobody knows whether any came, or why the call itself was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Tried {
    /// How many came.
    pub fn came(&self) -> u32 {
        crate::situation::count(self.instances.len())
    }

    /// What the refusals mean, the gravest first: a wrong definition, a reason that holds in every zone, any other.
    pub fn kind(&self) -> Option<FailureKind> {
        let kinds = self.refused.iter().map(|text| classify(text));
        kinds.min_by_key(|kind| (!kind.is_configuration(), !kind.is_everywhere()))
    }

    /// Whether the zone has no more.
    fn is_over(&self) -> bool {
        self.came() < self.count
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { market, zone, count, .. } = self;
        write!(f, "{count} {market} in {zone}: ")?;
        match self.came() {
            0 => f.write_str("none came")?,
            came => write!(f, "{came} came")?,
        }
        match (self.refused.first(), &self.error) {
            (_, Some(error)) => write!(f, " ({error})"),
            (Some(text), None) => write!(f, " («{text}»)"),
            (None, None) => Ok(()),
        }
    }
}

/// What to do next for a decision that scales up, after these attempts on the same facts.
///
/// Spot first, in the zones that are open, the cheapest first. What no zone has, On-Demand takes at once, in the zones where
/// it has fewest workers, unless Spot was only probed beside workers that serve. What both refuse is asked again at the next
/// look. A wrong launch definition ends it all, because the twin would fail as well. Where the call itself fails, the group
/// asks by its scale-up policy, which says a number and so asks for nothing twice.
pub fn next(policy: &Policy, situation: &Situation, decision: &Decision, tried: &[Tried]) -> Next {
    if tried.iter().filter_map(Tried::kind).any(FailureKind::is_configuration) {
        return Next::Done;
    }
    let wanted = |market| {
        let to = decision.actions.iter().find_map(|action| match action {
            Action::ScaleUp { market: of, to } if *of == market => Some(*to),
            _ => None,
        });
        to.unwrap_or(0).saturating_sub(held(situation.group(market)))
    };
    let came = |market| tried.iter().filter(|tried| tried.market == market).map(Tried::came).sum::<u32>();
    let missing = wanted(Market::Spot).saturating_sub(came(Market::Spot));
    if missing > 0
        && let Some(next) = in_market(Market::Spot, missing, policy, situation, decision, tried)
    {
        return next;
    }
    let probed = decision.reasons.contains(&Reason::Probe);
    let on_demand = &situation.on_demand;
    let falls_back = !probed && policy.patience == Seconds(0) && on_demand.launch_suspended().is_none();
    let room = on_demand.max.saturating_sub(held(on_demand));
    let all = wanted(Market::OnDemand).saturating_add(if falls_back { missing } else { 0 }).min(room);
    let rest = all.saturating_sub(came(Market::OnDemand));
    if rest == 0 {
        return Next::Done;
    }
    in_market(Market::OnDemand, rest, policy, situation, decision, tried).unwrap_or(Next::Done)
}

/// The next attempt in a market; none where every zone has refused.
fn in_market(
    market: Market,
    missing: u32,
    policy: &Policy,
    situation: &Situation,
    decision: &Decision,
    tried: &[Tried],
) -> Option<Next> {
    let group = situation.group(market);
    let here: Vec<_> = tried.iter().filter(|tried| tried.market == market).collect();
    let came: u32 = here.iter().map(|tried| tried.came()).sum();
    if here.iter().any(|tried| tried.error.is_some()) {
        return Some(Next::Ask(Action::ScaleUp { market, to: held(group) + came + missing }));
    }
    if here.iter().filter_map(|tried| tried.kind()).any(FailureKind::is_everywhere) {
        return None;
    }
    let over = |zone: &str| here.iter().any(|tried| tried.zone == zone && tried.is_over());
    let zone = zones(market, situation, decision).into_iter().find(|zone| !over(zone))?;
    let count = missing.min(MOST);
    let token = token(policy, situation, market, zone, count, came);
    Some(Next::Launch(Attempt { market, zone: zone.to_owned(), count, token }))
}

/// The zones of a market's group in which to launch, in their order.
fn zones<'a>(market: Market, situation: &'a Situation, decision: &'a Decision) -> Vec<&'a str> {
    let group = situation.group(market);
    let live = |zone: &str| group.instances.iter().filter(|it| it.zone == zone && it.is_live()).count();
    let mut zones: Vec<(f64, usize, &str)> = match market {
        Market::Spot => {
            let open = decision.zones.iter().filter(|zone| zone.verdict == Verdict::Open);
            let price = |price: Option<Price>| price.map_or(f64::INFINITY, Price::guarded);
            open.map(|it| (price(it.price), live(&it.zone), it.zone.as_str())).collect()
        }
        Market::OnDemand => {
            let has_not = |zone: &String| refused_a_moment_ago(group, zone, situation.now);
            let zones = group.zones.iter().filter(|zone| !has_not(zone));
            zones.map(|zone| (0.0, live(zone), zone.as_str())).collect()
        }
    };
    zones.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(b.2)));
    zones.dedup_by(|a, b| a.2 == b.2);
    zones.into_iter().map(|(.., zone)| zone).collect()
}

fn refused_a_moment_ago(group: &Group, zone: &str, now: Timestamp) -> bool {
    let launches = group.launches.known().into_iter().flatten();
    let failed = launches.filter(|launch| matches!(launch.outcome, LaunchOutcome::Failed(_)));
    let mut young = failed.filter(|launch| launch.ended.unwrap_or(launch.started).age(now) < AGAIN);
    young.any(|launch| launch.zone.as_deref().is_none_or(|refused| refused == zone))
}

/// What a group asks for or has, whichever is more.
fn held(group: &Group) -> u32 {
    group.desired.max(group.live().saturating_add(group.leaving()))
}

/// The same for the same: what is asked, of which group, beside which instances, after which launch, in which stretch of time.
/// Two runs on the same facts are answered as one; and as long as a refusal of Spot is held, AWS repeats it instead of being
/// asked anew. Launches are read after the groups, so one that is not older than the look may be another run's: it counts at
/// the next look.
fn token(policy: &Policy, situation: &Situation, market: Market, zone: &str, count: u32, came: u32) -> String {
    let (group, now) = (situation.group(market), situation.now);
    let mut ids: Vec<&str> = group.instances.iter().map(|instance| instance.id.as_str()).collect();
    ids.sort_unstable();
    let before = group.launches.known().into_iter().flatten().filter(|launch| launch.started < now);
    let last = before.max_by_key(|launch| (launch.started, &launch.id)).map_or("", |launch| launch.id.as_str());
    let stretch = if market == Market::Spot { policy.held_for() } else { AGAIN };
    let stretch = now.0.div_euclid(i64::try_from(stretch.0.max(1)).unwrap_or(i64::MAX));
    let said = format!("{}\n{zone}\n{count}\n{came}\n{}\n{last}\n{stretch}", group.name, ids.join(","));
    format!("spotstack-{:032x}", fnv(said.as_bytes()))
}

/// FNV-1a, 128 bits: the same on every machine and in every version, and nobody gains by a collision.
fn fnv(bytes: &[u8]) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    bytes.iter().fold(BASIS, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::decide;
    use crate::policy::Revert;
    use crate::situation::{Fact, Instance, Launch, PriceChange, Queue};

    const NOW: Timestamp = Timestamp(1_000_000);
    const FULL: &str = "InsufficientInstanceCapacity - There is no Spot capacity available";

    fn group(name: &str) -> Group {
        let zones = ["a", "b", "c"].map(str::to_owned).into();
        Group { name: name.into(), max: 8, zones, launches: Fact::Known(vec![]), ..Group::default() }
    }

    fn policy() -> Policy {
        Policy { max: 8, max_price: Some(1.0), ..Policy::default() }
    }

    /// So many jobs; Spot cheapest in c, then a, and too dear in b.
    fn situation(jobs: u32) -> Situation {
        let price = |(zone, usd): (&str, f64)| PriceChange { zone: zone.into(), at: Timestamp(900_000), usd };
        Situation {
            now: NOW,
            queue: Fact::Known(Queue { visible: jobs, in_flight: 0 }),
            spot: group("spot"),
            on_demand: group("on-demand"),
            prices: Fact::Known([("a", 0.4), ("b", 2.0), ("c", 0.3)].map(price).into()),
            jobs_waiting_alarm: true,
        }
    }

    /// Plays a run against a market that has so many in each zone, and answers what was tried and how it ended.
    fn play(
        policy: &Policy,
        situation: &Situation,
        has: impl Fn(Market, &str) -> Result<u32, &'static str>,
    ) -> (Vec<(Market, String, u32, u32)>, Next) {
        let decision = decide(policy, situation);
        let mut tried: Vec<Tried> = vec![];
        for _ in 0..50 {
            let Attempt { market, zone, count, .. } = match next(policy, situation, &decision, &tried) {
                Next::Launch(attempt) => attempt,
                end => {
                    return (tried.iter().map(|it| (it.market, it.zone.clone(), it.count, it.came())).collect(), end);
                }
            };
            let had: u32 = tried.iter().filter(|it| (it.market, &it.zone) == (market, &zone)).map(Tried::came).sum();
            let (came, refused) = match has(market, &zone) {
                Ok(most) if most - had >= count => (count, vec![]),
                Ok(most) => (most - had, vec![FULL.to_owned()]),
                Err(text) => (0, vec![text.to_owned()]),
            };
            let instances = (0..came).map(|n| format!("i-{zone}-{n}")).collect();
            tried.push(Tried { market, zone, count, instances, refused, error: None });
        }
        panic!("it does not end: {tried:?}");
    }

    use Market::{OnDemand, Spot};

    fn tries(list: &[(Market, &str, u32, u32)]) -> Vec<(Market, String, u32, u32)> {
        list.iter().map(|&(market, zone, count, came)| (market, zone.to_owned(), count, came)).collect()
    }

    #[test]
    fn spot_comes_from_the_cheapest_zone_that_has_it() {
        let ended = play(&policy(), &situation(3), |_, _| Ok(9));
        assert_eq!(ended, (tries(&[(Spot, "c", 3, 3)]), Next::Done));
        let ended = play(&policy(), &situation(3), |_, zone| Ok(if zone == "c" { 1 } else { 9 }));
        assert_eq!(ended, (tries(&[(Spot, "c", 3, 1), (Spot, "a", 2, 2)]), Next::Done));
    }

    #[test]
    fn on_demand_takes_what_no_zone_has_in_the_same_run() {
        let ended = play(&policy(), &situation(3), |market, zone| {
            Ok(if market == OnDemand { 9 } else { u32::from(zone == "a") })
        });
        assert_eq!(ended, (tries(&[(Spot, "c", 3, 0), (Spot, "a", 3, 1), (OnDemand, "a", 2, 2)]), Next::Done));
    }

    #[test]
    fn a_quota_ends_spot_at_once() {
        let ended = play(&policy(), &situation(1), |market, _| match market {
            Spot => Err("MaxSpotInstanceCountExceeded - Max spot instance count exceeded"),
            OnDemand => Ok(1),
        });
        assert_eq!(ended, (tries(&[(Spot, "c", 1, 0), (OnDemand, "a", 1, 1)]), Next::Done));
    }

    #[test]
    fn a_wrong_definition_ends_everything() {
        let ended = play(&policy(), &situation(1), |_, _| Err("InvalidAMIID.NotFound - The AMI ID does not exist"));
        assert_eq!(ended, (tries(&[(Spot, "c", 1, 0)]), Next::Done));
    }

    #[test]
    fn what_both_refuse_is_asked_again_a_minute_later() {
        let (tried, end) = play(&policy(), &situation(2), |_, _| Ok(0));
        assert_eq!(tried.len(), 5, "two open zones of Spot, three of On-Demand: {tried:?}");
        assert_eq!(end, Next::Done);
        // Where AWS keeps that, and tells of it, the run that it wakes asks nobody.
        let failed = |zone: &str, ago: i64| Launch {
            id: zone.into(),
            started: Timestamp(NOW.0 - ago),
            ended: Some(Timestamp(NOW.0 - ago)),
            zone: Some(zone.into()),
            outcome: LaunchOutcome::Failed(FULL.into()),
        };
        for (ago, asked) in [(59, 0), (60, 3)] {
            let mut situation = situation(2);
            situation.spot.launches = Fact::Known(["a", "c"].map(|zone| failed(zone, ago)).into());
            situation.on_demand.launches = Fact::Known(["a", "b", "c"].map(|zone| failed(zone, ago)).into());
            let (tried, end) = play(&policy(), &situation, |_, _| Ok(0));
            assert_eq!((tried.len(), end), (asked, Next::Done), "{ago} s later");
        }
    }

    #[test]
    fn where_the_call_fails_the_policy_asks() {
        let decision = decide(&policy(), &situation(2));
        let mut tried = vec![Tried {
            market: Spot,
            zone: "c".into(),
            count: 2,
            instances: vec![],
            refused: vec![],
            error: Some("LaunchInstances: AccessDenied: no".into()),
        }];
        let asked = |tried: &[Tried]| next(&policy(), &situation(2), &decision, tried);
        assert_eq!(asked(&tried), Next::Ask(Action::ScaleUp { market: Spot, to: 2 }));
        tried[0].error = None;
        tried[0].refused = vec![FULL.into()];
        assert!(matches!(asked(&tried), Next::Launch(Attempt { zone, .. }) if zone == "a"));
    }

    #[test]
    fn a_probe_that_fails_brings_no_on_demand() {
        let policy = Policy { protect: true, revert: Revert::After(Seconds(60)), ..policy() };
        let mut situation = situation(1);
        let instance = Instance { id: "i".into(), zone: "a".into(), state: "InService".into(), ..Instance::default() };
        situation.on_demand.instances = vec![instance];
        situation.on_demand.desired = 1;
        assert!(decide(&policy, &situation).reasons.contains(&Reason::Probe));
        let ended = play(&policy, &situation, |_, _| Ok(0));
        assert_eq!(ended, (tries(&[(Spot, "c", 1, 0), (Spot, "a", 1, 0)]), Next::Done));
    }

    #[test]
    fn on_demand_goes_where_it_has_fewest_and_no_further_than_its_group() {
        let mut situation = situation(3);
        situation.prices = Fact::Unreadable("no".into());
        let instance = Instance { id: "i".into(), zone: "a".into(), state: "InService".into(), ..Instance::default() };
        situation.on_demand = Group { instances: vec![instance], desired: 1, max: 2, ..situation.on_demand };
        let ended = play(&policy(), &situation, |_, _| Ok(9));
        assert_eq!(ended, (tries(&[(OnDemand, "b", 1, 1)]), Next::Done));
    }

    #[test]
    fn more_than_one_call_can_launch_are_several_calls() {
        let policy = Policy { max: 250, ..policy() };
        let mut situation = situation(250);
        situation.spot.max = 250;
        let (tried, end) = play(&policy, &situation, |_, _| Ok(1_000));
        assert_eq!(
            (tried, end),
            (tries(&[(Spot, "c", 100, 100), (Spot, "c", 100, 100), (Spot, "c", 50, 50)]), Next::Done)
        );
    }

    #[test]
    fn a_token_is_the_same_for_the_same_and_another_for_anything_else() {
        let token_of = |situation: &Situation| {
            let decision = decide(&policy(), situation);
            match next(&policy(), situation, &decision, &[]) {
                Next::Launch(attempt) => attempt.token,
                other => panic!("{other:?}"),
            }
        };
        let first = token_of(&situation(1));
        assert!(first.len() <= 64 && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{first}");
        assert_eq!(first, token_of(&Situation { now: NOW.plus(Seconds(5)), ..situation(1) }), "a run a moment later");
        assert_ne!(first, token_of(&Situation { now: NOW.plus(Seconds(600)), ..situation(1) }), "after the hold");
        assert_ne!(first, token_of(&situation(2)), "more");
        let mut other = situation(2);
        other.spot.desired = 1;
        other.spot.instances = vec![Instance { id: "i".into(), state: "InService".into(), ..Instance::default() }];
        assert_ne!(first, token_of(&other), "beside another one");
        let launched = |ago: i64| {
            let mut situation = situation(1);
            let launch = Launch {
                id: "1".into(),
                started: Timestamp(NOW.0 - ago),
                ended: None,
                zone: None,
                outcome: LaunchOutcome::Successful,
            };
            situation.spot.launches = Fact::Known(vec![launch]);
            situation
        };
        assert_ne!(first, token_of(&launched(30)), "after one that has come and gone");
        assert_eq!(first, token_of(&launched(0)), "another run's, since the groups were read");
    }
}
