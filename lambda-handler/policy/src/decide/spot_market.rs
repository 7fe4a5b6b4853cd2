//! Whether Spot may be tried, where, and since when it was asked in vain.

use std::collections::BTreeMap;

use super::refusal::{Refusal, is_silent, last_success, taken_back};
use crate::decision::{Reason, Verdict, ZoneVerdict};
use crate::failure::FailureKind;
use crate::policy::{ANSWER, Policy, Revert};
use crate::price::{Price, prices_by_zone};
use crate::situation::{Fact, Group, LaunchOutcome, Situation};
use crate::units::{Seconds, Timestamp};

/// What is known of Spot for this pair.
pub(super) struct SpotMarket {
    pub(super) zones: Vec<ZoneVerdict>,
    /// Since when what is asked for has been refused or met by silence.
    pub(super) unmet_since: Option<Timestamp>,
    /// Launches that AWS has not answered and still may.
    pending: u32,
    state: State,
    /// Prices or launches that could not be read.
    blind: Vec<Reason>,
    last_refusal: Option<Timestamp>,
}

enum State {
    Open,
    /// Refused everywhere, but demand may wait until then.
    Patient(Timestamp),
    /// No zone is worth it or to be had.
    Closed,
    /// Asked for and missing, and nobody knows whether it will come.
    Unknown,
    /// Asked for in vain for too long, or refused for a reason that holds in every zone.
    Refused(FailureKind, Timestamp),
    Suspended,
}

impl SpotMarket {
    pub(super) fn observe(policy: &Policy, situation: &Situation, refusals: &[Refusal<'_>]) -> Self {
        let (group, on_demand, now) = (&situation.spot, &situation.on_demand, situation.now);
        let taken_back: Vec<_> = taken_back(group, now).collect();
        let held: Vec<&Refusal<'_>> =
            refusals.iter().filter(|refusal| refusal.at.age(now) < policy.held_for()).collect();
        let zones = zones(policy, situation, refusals.iter().chain(taken_back.iter()));
        let patience = policy.patience.max(ANSWER);
        let unmet_since = unmet_since(policy, group, now);
        let everywhere = held.iter().rfind(|refusal| refusal.kind.is_everywhere());

        let state = if group.launch_suspended().is_some() {
            State::Suspended
        } else if let Some(refusal) = everywhere {
            State::Refused(refusal.kind, refusal.at.plus(policy.held_for()))
        } else if group.shortfall() > 0 && group.launches.known().is_none() && on_demand.launch_suspended().is_none() {
            State::Unknown
        } else if let Some(last) = held.last().filter(|_| unmet_since.is_some_and(|since| since.age(now) >= patience)) {
            // Patience, or the time that an answer takes, is over: that one zone is open no longer counts.
            State::Refused(last.kind, last.at.plus(policy.held_for()))
        } else if zones.iter().any(|zone| zone.verdict == Verdict::Open) {
            State::Open
        } else if let Some(until) = waits_until(policy, group, &zones, unmet_since).filter(|&until| until > now) {
            State::Patient(until)
        } else {
            State::Closed
        };

        let mut blind = Vec::new();
        if let Fact::Unreadable(why) = &situation.prices {
            blind.push(Reason::PricesUnreadable { why: why.clone() });
        }
        match &group.launches {
            Fact::Unreadable(why) => blind.push(Reason::LaunchesUnreadable { why: why.clone() }),
            Fact::NotRead if group.shortfall() > 0 => {
                blind.push(Reason::LaunchesUnreadable { why: "nobody asked".into() });
            }
            _ => {}
        }
        let pending = group
            .launches
            .known()
            .into_iter()
            .flatten()
            .filter(|launch| launch.outcome == LaunchOutcome::InProgress && launch.started.age(now) < ANSWER);
        let pending = crate::situation::count(pending.count());
        let last_refusal = refusals.iter().chain(&taken_back).map(|refusal| refusal.at).max();
        Self { zones, unmet_since, pending, state, blind, last_refusal }
    }

    /// Whether Spot may be asked for.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Patient(_))
    }

    /// How much of what the group asks for and has not got may still come. With launches unreadable: nothing, so that the
    /// queue is served by On-Demand rather than by hope; but where On-Demand launches nothing, hope is all there is.
    pub(super) fn fresh(&self, group: &Group) -> u32 {
        if self.is_open() { group.shortfall() } else { group.shortfall().min(self.pending) }
    }

    /// Whether Spot may be tried beside On-Demand workers that serve.
    pub(super) fn may_probe(&self, policy: &Policy, situation: &Situation) -> bool {
        let Revert::After(after) = policy.revert else { return false };
        policy.protect
            && matches!(self.state, State::Open)
            && situation.queue.known().is_some()
            && situation.on_demand.live() > policy.base
            && self.last_refusal.is_none_or(|at| at.age(situation.now) >= after)
    }

    /// Why Spot may be tried, or not.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        let mut reasons = self.blind.clone();
        reasons.extend(match &self.state {
            State::Open => {
                let mut open: Vec<_> = self.zones.iter().filter(|zone| zone.verdict == Verdict::Open).collect();
                let price = |zone: &ZoneVerdict| zone.price.map_or(f64::INFINITY, Price::guarded);
                open.sort_by(|a, b| price(a).total_cmp(&price(b)));
                Some(Reason::SpotWorthIt { zones: open.iter().map(|zone| zone.zone.clone()).collect() })
            }
            State::Patient(until) => Some(Reason::WaitingForSpot { until: *until }),
            State::Closed => {
                let zones = self.zones.iter().map(|zone| (zone.zone.clone(), zone.verdict)).collect();
                Some(Reason::NoZoneOpen { zones })
            }
            State::Refused(FailureKind::SpotQuota, until) => Some(Reason::SpotQuota { until: *until }),
            State::Refused(because, until) => Some(Reason::SpotRefused { because: *because, until: *until }),
            State::Unknown | State::Suspended => None, // said already
        });
        reasons
    }
}

/// Since when the Spot group has been asking in vain: the first launch that brought nothing, or has not yet, or the first
/// instance that was taken back, after the last launch that succeeded. A pause as long as a hold parts one demand from the
/// next: while a group asks, it tries again sooner, and what was withdrawn is not asked again for that long.
fn unmet_since(policy: &Policy, group: &Group, now: Timestamp) -> Option<Timestamp> {
    let success = last_success(group);
    let launches = group.launches.known()?.iter().filter_map(|launch| match launch.outcome {
        LaunchOutcome::Successful => None,
        LaunchOutcome::InProgress => Some((launch.started, now)),
        // A launch given up at once says nothing about Spot.
        LaunchOutcome::Cancelled if !is_silent(launch, now) => None,
        LaunchOutcome::Cancelled | LaunchOutcome::Failed(_) => {
            Some((launch.started, launch.ended.unwrap_or(launch.started)))
        }
    });
    let mut tries: Vec<_> = launches.chain(taken_back(group, now).map(|taken| (taken.at, taken.at))).collect();
    tries.retain(|&(started, _)| success.is_none_or(|success| success < started));
    tries.sort_unstable_by_key(|&(_, ended)| std::cmp::Reverse(ended));
    let mut since = None;
    for (started, ended) in tries {
        if ended.age(since.unwrap_or(now)) >= policy.held_for() {
            break;
        }
        since = Some(since.map_or(started, |since: Timestamp| since.min(started)));
    }
    since
}

/// Until when demand waits for Spot that is asked for and refused in every zone that would be worth it.
fn waits_until(
    policy: &Policy,
    group: &Group,
    zones: &[ZoneVerdict],
    unmet_since: Option<Timestamp>,
) -> Option<Timestamp> {
    let limit = policy.limit();
    let refused_only = zones.iter().any(|zone| {
        matches!(zone.verdict, Verdict::Held { .. })
            && limit.is_none_or(|limit| zone.price.is_some_and(|price| price.guarded() <= limit))
    });
    (refused_only && group.shortfall() > 0 && policy.patience > Seconds(0))
        .then_some(unmet_since?.plus(policy.patience))
}

/// Each zone of the Spot group and whether Spot may be tried there.
fn zones<'a>(
    policy: &Policy,
    situation: &Situation,
    refusals: impl Iterator<Item = &'a Refusal<'a>>,
) -> Vec<ZoneVerdict> {
    let (group, limit, now) = (&situation.spot, policy.limit(), situation.now);
    let held: Vec<_> = refusals.filter(|refusal| refusal.at.age(now) < policy.held_for()).collect();
    let prices = situation
        .prices
        .known()
        .map_or_else(BTreeMap::new, |changes| prices_by_zone(changes, situation.now, policy.window));
    let mut names: Vec<&str> = group.zones.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|zone| {
            let price = prices.get(zone).copied();
            let here = held.iter().filter(|refusal| refusal.zone.is_none_or(|refused| refused == zone));
            let refusal = here.max_by_key(|refusal| refusal.at);
            let verdict = match (refusal, limit, price) {
                (Some(refusal), ..) => {
                    Verdict::Held { because: refusal.kind, until: refusal.at.plus(policy.held_for()) }
                }
                (_, None, _) => Verdict::Open,
                (_, _, None) => Verdict::NoPrice,
                (_, Some(limit), Some(price)) if price.guarded() <= limit => Verdict::Open,
                _ => Verdict::Dear,
            };
            ZoneVerdict { zone: zone.to_owned(), price, verdict }
        })
        .collect()
}
