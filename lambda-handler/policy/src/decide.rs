//! The rules.

mod refusal;
mod spot_market;

use refusal::{Refusals, last_success, misconfigured, refused_on_demand};
use spot_market::SpotMarket;

use crate::decision::{Action, Decision, Reason};
use crate::policy::{LISTED, Policy, Revert};
use crate::situation::{Fact, Group, Market, Queue, Situation};

/// Which facts beyond the queue and the groups a decision will depend on, so that an idle run asks for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The groups' recent launches.
    pub launches: bool,
    /// The Spot prices.
    pub prices: bool,
}

impl Wanted {
    /// What is worth asking, given the queue and the groups.
    pub fn of(policy: &Policy, situation: &Situation) -> Self {
        let (spot, on_demand) = (&situation.spot, &situation.on_demand);
        let need = need(policy, situation);
        let missing = need > spot.live().saturating_add(on_demand.live());
        let reverting =
            matches!(policy.revert, Revert::After(_)) && policy.protect && need > 0 && on_demand.live() > policy.base;
        let twice = policy.protect && need > 0 && spot.live() > need;
        Self {
            launches: missing || reverting || twice || spot.shortfall() > 0 || on_demand.shortfall() > 0,
            prices: policy.max_price.is_some() && (missing || reverting),
        }
    }
}

/// Workers that the jobs want, between base and max. Where the queue cannot be read: what the groups ask for already, and one
/// more if the alarm says that jobs wait and nobody works.
fn need(policy: &Policy, situation: &Situation) -> u32 {
    let wanted = match &situation.queue {
        Fact::Known(queue) => workers_for(policy, queue),
        _ => {
            // What leaves may have been asked for anew already, so nothing is asked for it here; its group replaces it.
            let asked = |group: &Group| group.desired.saturating_sub(group.leaving()).max(group.live());
            let kept = asked(&situation.spot).saturating_add(asked(&situation.on_demand));
            kept.max(u32::from(situation.jobs_waiting_alarm))
        }
    };
    wanted.max(policy.base).min(policy.max)
}

/// Workers that the jobs of a queue would keep busy.
fn workers_for(policy: &Policy, queue: &Queue) -> u32 {
    queue.visible.saturating_add(queue.in_flight).div_ceil(policy.jobs_per_worker.max(1))
}

/// What both groups should ask for in this situation.
///
/// The rules, in order:
/// 1. **Need**: `ceil((visible + in flight) / jobs_per_worker)`, between base and max.
/// 2. **Spot**: whether it may be tried. Not while its Launch process is suspended, its quota is used up, or it was asked for
///    longer than an answer takes and nothing came; else wherever a zone is worth its price and neither refused nor took an
///    instance back within `hold`.
/// 3. **Gap**: need − live − fresh. *Fresh* is what a group asked for a moment ago and may still get. A worker that AWS warns
///    it takes back is not live, so its replacement is asked for at once; but it is there, so it counts towards `max`.
/// 4. **Fill**: Spot where it may be tried, On-Demand else; nothing if the launch definition is wrong.
/// 5. **Repair**: what a group asks for, has not got and is not getting is withdrawn, or Spot's return would double the fleet.
/// 6. **Replaced twice**: what AWS took back was replaced when it warned, and once more by its group when it was gone. With
///    `protect` the second one leaves as soon as it is free.
/// 7. **Revert**, where `revert` is a duration: one Spot Instance is probed at a time; what is then too much leaves On-Demand,
///    unless it came a moment ago and no Spot since: then it may stand in for one that AWS has warned of, and that is listed still.
///
/// A running worker is only ever lowered away by rules 6 and 7, and only with `protect`, when it is free. All else lowers what
/// was never delivered. Scaling in is the idle alarm's.
pub fn decide(policy: &Policy, situation: &Situation) -> Decision {
    let (spot, on_demand) = (&situation.spot, &situation.on_demand);
    let need = need(policy, situation);
    let refusals = Refusals::of(situation);
    let market = SpotMarket::observe(policy, situation, &refusals.spot);
    let misconfigured = misconfigured(policy, situation, &refusals);
    let mut reasons = Vec::new();

    if let Fact::Unreadable(why) = &situation.queue {
        reasons.push(Reason::QueueUnreadable { why: why.clone() });
    }
    reasons.extend([Market::Spot, Market::OnDemand].into_iter().filter_map(|market| {
        let why = situation.group(market).launch_suspended()?.to_owned();
        Some(Reason::LaunchSuspended { market, why })
    }));
    let leaving = spot.leaving();
    if leaving > 0 {
        reasons.push(Reason::Interrupted { count: leaving });
    }

    // Where no job is, only base is wanted: always-on On-Demand workers, for which Spot does not stand in.
    let idle = matches!(situation.queue, Fact::Known(queue) if queue.visible == 0 && queue.in_flight == 0);
    let of_spot = if idle { 0 } else { need };

    // What each group has, or will have in a moment.
    let (live_spot, live_on_demand) = (spot.live(), on_demand.live());
    let fresh_spot = if misconfigured.is_some() { 0 } else { market.fresh(spot) };
    // Without the queue nobody knows whether what On-Demand was asked for is needed still, so Spot does not stand in for it.
    let blind = situation.queue.known().is_none();
    let refused_on_demand = refused_on_demand(policy, situation, &refusals).filter(|_| !blind);
    let comes = blind || (refused_on_demand.is_none() && on_demand.launch_suspended().is_none());
    let fresh_on_demand = if comes { on_demand.shortfall() } else { 0 };
    let have_spot = live_spot.saturating_add(fresh_spot);
    let have_on_demand = live_on_demand.saturating_add(fresh_on_demand);

    // Fill the gap, as far as max allows: what is leaving is there still, and what On-Demand's own minimum asks for cannot
    // be withdrawn.
    let missing = need.saturating_sub(have_spot.saturating_add(have_on_demand));
    let taken = have_spot.saturating_add(leaving);
    let room = policy.max.saturating_sub(taken.saturating_add(have_on_demand));
    let (mut to_spot, mut to_on_demand) = (0, 0);
    if missing == 0 {
        let live = live_spot.saturating_add(live_on_demand);
        reasons.push(if idle {
            Reason::Idle
        } else {
            Reason::Served { live, fresh: fresh_spot.saturating_add(fresh_on_demand) }
        });
    } else if let Some(reason) = misconfigured {
        reasons.push(reason);
    } else {
        if market.is_open() && !idle {
            let room = room.saturating_sub(on_demand.min.saturating_sub(have_on_demand));
            to_spot = missing.min(room).min(spot.max.saturating_sub(taken));
        }
        if idle {
            reasons.push(Reason::Idle);
        } else {
            reasons.extend(market.reasons());
        }
        if on_demand.launch_suspended().is_none() {
            to_on_demand = (missing - to_spot).min(room - to_spot).min(on_demand.max.saturating_sub(have_on_demand));
        }
        if let Some(refusal) = refused_on_demand.filter(|_| to_spot < missing) {
            reasons.push(Reason::OnDemandRefused { because: refusal.kind, text: refusal.text.to_owned() });
        }
        match missing - to_spot - to_on_demand {
            0 => {}
            _ if on_demand.launch_suspended().is_some() => {}
            missing => reasons.push(Reason::AtMax { missing }),
        }
    }
    match situation.queue.known().map_or(0, |queue| workers_for(policy, queue).saturating_sub(policy.max)) {
        0 => {}
        missing => reasons.push(Reason::AtMax { missing }),
    }

    // Try Spot again beside the On-Demand workers.
    let mut probing = 0;
    if missing == 0 && market.may_probe(policy, situation) {
        let served = live_spot.saturating_add(live_on_demand) == need && need < policy.max && leaving == 0;
        if served && fresh_spot > 0 {
            probing = 1; // it is under way
        } else if served && live_spot < spot.max {
            (probing, to_spot) = (1, 1);
            reasons.push(Reason::Probe);
        }
    }

    // What each group should ask for. What it has and what was just decided to ask; else no more than is wanted of it, and
    // no less than the workers that are to stay.
    let retiring = policy.protect && matches!(policy.revert, Revert::After(_)) && !stands_in(situation);
    let staying_on_demand = live_on_demand.min(if retiring { on_demand.min } else { on_demand.desired });
    let spot_target = if to_spot > 0 {
        taken + to_spot
    } else {
        let wanted = of_spot.saturating_sub(live_on_demand).saturating_add(probing).min(have_spot);
        let twice = if idle { 0 } else { replaced_twice(policy, situation, need) };
        let ceiling = wanted.max(live_spot - twice).saturating_add(leaving);
        settle(spot, ceiling, live_spot.min(of_spot.saturating_sub(staying_on_demand)))
    };
    let served_by_spot = spot_target.saturating_sub(leaving).max(live_spot).saturating_sub(probing);
    let on_demand_target = if to_on_demand > 0 {
        (have_on_demand + to_on_demand).max(on_demand.min)
    } else {
        let wanted = need.saturating_sub(served_by_spot).min(policy.max.saturating_sub(spot_target));
        let stays = if retiring { need.saturating_sub(live_spot).min(live_on_demand) } else { live_on_demand };
        settle(on_demand, wanted.max(stays), live_on_demand.min(wanted))
    };

    let actions = actions(situation, spot_target, on_demand_target, to_spot, to_on_demand);
    reasons.extend(actions.iter().flat_map(|action| reasons_for(*action, situation.group(action.market()))));

    let fallback_after = if to_on_demand > 0 { market.unmet_since.map(|since| since.age(situation.now)) } else { None };
    Decision {
        need,
        spot: spot_target,
        on_demand: on_demand_target,
        actions,
        reasons,
        zones: market.zones,
        fallback_after,
    }
}

/// Whether On-Demand has just come, and no Spot since. What is known of a warning is known in the one run that it woke, so for
/// all others the instance is one that works.
fn stands_in(situation: &Situation) -> bool {
    last_success(&situation.on_demand).is_some_and(|came| {
        came.age(situation.now) < LISTED && last_success(&situation.spot).is_none_or(|spot| spot < came)
    })
}

/// Spot workers that came although what they replace had been replaced already: no more than are too many, nor than AWS took
/// back a short while ago. The group's desired capacity was raised for the first replacement, so it made a second by itself.
fn replaced_twice(policy: &Policy, situation: &Situation, need: u32) -> u32 {
    if !policy.protect {
        return 0; // a busy one might leave
    }
    let taken = situation.spot.interruptions.iter();
    let taken = taken.filter(|interruption| interruption.at.age(situation.now) < policy.held_for()).count();
    situation.spot.live().saturating_sub(need).min(crate::situation::count(taken))
}

/// A group that is not scaled up asks for at most `ceiling` and at least `floor`; between them it is left alone.
fn settle(group: &Group, ceiling: u32, floor: u32) -> u32 {
    group.desired.min(ceiling.max(group.min)).max(floor)
}

/// Why a group is set to what it is; scaling up has its reasons in the market.
fn reasons_for(action: Action, group: &Group) -> impl Iterator<Item = Reason> {
    let (market, to, live) = (action.market(), action.to(), group.live().saturating_add(group.leaving()));
    let set = matches!(action, Action::SetDesired { .. });
    let some = |count: u32| Some(count).filter(|&count| set && count > 0);
    let kept = some(to.saturating_sub(group.desired)).map(|count| Reason::Kept { market, count });
    let undelivered = group.desired.saturating_sub(to.max(live));
    let withdrawn = some(undelivered).map(|count| Reason::Withdrawn { market, count });
    let retired = some(live.min(group.desired).saturating_sub(to)).map(|count| match market {
        Market::Spot => Reason::ReplacedTwice { count },
        Market::OnDemand => Reason::Retired { count },
    });
    [kept, withdrawn, retired].into_iter().flatten()
}

/// From what the groups ask for to what they should ask for: what is lowered goes first, so that nothing is asked twice.
fn actions(situation: &Situation, spot: u32, on_demand: u32, to_spot: u32, to_on_demand: u32) -> Vec<Action> {
    let mut actions: Vec<Action> = [(Market::Spot, spot, to_spot), (Market::OnDemand, on_demand, to_on_demand)]
        .into_iter()
        .filter(|&(market, to, _)| situation.group(market).desired != to)
        .map(|(market, to, more)| {
            if more > 0 && to > situation.group(market).desired {
                Action::ScaleUp { market, to }
            } else {
                Action::SetDesired { market, to }
            }
        })
        .collect();
    actions.sort_by_key(|action| action.to() > situation.group(action.market()).desired);
    actions
}

#[cfg(test)]
mod tests;
