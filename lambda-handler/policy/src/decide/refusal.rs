//! What AWS refused, and what it took back.

use crate::decision::Reason;
use crate::failure::{FailureKind, classify};
use crate::policy::{ANSWER, Policy};
use crate::situation::{Group, Launch, LaunchOutcome, Market, Situation};
use crate::units::Timestamp;

/// A launch that brought nothing, or an instance that was taken back.
pub(super) struct Refusal<'a> {
    pub(super) at: Timestamp,
    pub(super) zone: Option<&'a str>,
    pub(super) kind: FailureKind,
    pub(super) text: &'a str,
}

impl<'a> Refusal<'a> {
    /// `known` holds the texts that have been classified already.
    fn of(launch: &'a Launch, now: Timestamp, known: &mut Vec<(&'a str, FailureKind)>) -> Option<Self> {
        let (kind, text) = match &launch.outcome {
            LaunchOutcome::Successful => return None,
            LaunchOutcome::Failed(text) => {
                let kind = known.iter().find(|(said, _)| said == text).map(|&(_, kind)| kind).unwrap_or_else(|| {
                    let kind = classify(text);
                    known.push((text, kind));
                    kind
                });
                (kind, text.as_str())
            }
            LaunchOutcome::InProgress | LaunchOutcome::Cancelled => {
                is_silent(launch, now).then_some(())?;
                (FailureKind::Silent, "")
            }
        };
        let at = match launch.outcome {
            LaunchOutcome::InProgress => now, // it refuses still
            _ => launch.ended.unwrap_or(launch.started),
        };
        Some(Self { at, zone: launch.zone.as_deref(), kind, text })
    }
}

/// Whether a launch that is under way, or was given up, had no answer for longer than an answer takes.
pub(super) fn is_silent(launch: &Launch, now: Timestamp) -> bool {
    launch.started.age(launch.ended.unwrap_or(now)) >= ANSWER
}

/// The refusals of both groups, oldest first.
pub(super) struct Refusals<'a> {
    pub(super) spot: Vec<Refusal<'a>>,
    pub(super) on_demand: Vec<Refusal<'a>>,
}

impl<'a> Refusals<'a> {
    pub(super) fn of(situation: &'a Situation) -> Self {
        // A group that tries again and again is told the same again and again.
        let mut known = Vec::new();
        let mut of = |group: &'a Group| {
            let launches = group.launches.known().into_iter().flatten();
            let mut refusals: Vec<_> =
                launches.filter_map(|launch| Refusal::of(launch, situation.now, &mut known)).collect();
            refusals.sort_by_key(|refusal| refusal.at);
            refusals
        };
        Self { spot: of(&situation.spot), on_demand: of(&situation.on_demand) }
    }

    fn of_group(&self, market: Market) -> &[Refusal<'a>] {
        match market {
            Market::Spot => &self.spot,
            Market::OnDemand => &self.on_demand,
        }
    }
}

/// Where AWS has taken Spot Instances back, or is about to. Interruptions come in packs: nine in ten of those that strike one
/// pool together do so within three minutes. So the zone is skipped like one that refused. One without a zone says nothing.
pub(super) fn taken_back(group: &Group, now: Timestamp) -> impl Iterator<Item = Refusal<'_>> {
    let warned = group.instances.iter().filter(|instance| instance.is_leaving());
    let warned = warned.map(move |instance| (now, Some(instance.zone.as_str()).filter(|zone| !zone.is_empty())));
    let gone = group.interruptions.iter().map(|interruption| (interruption.at, interruption.zone.as_deref()));
    warned.chain(gone).filter(|(_, zone)| zone.is_some()).map(|(at, zone)| Refusal {
        at,
        zone,
        kind: FailureKind::Interrupted,
        text: "",
    })
}

/// When a group last got an instance.
pub(super) fn last_success(group: &Group) -> Option<Timestamp> {
    let launches = group.launches.known()?;
    launches.iter().filter(|launch| launch.outcome == LaunchOutcome::Successful).map(|launch| launch.started).max()
}

/// A launch definition that AWS has found wrong a short while ago, and not found right since.
pub(super) fn misconfigured(policy: &Policy, situation: &Situation, refusals: &Refusals<'_>) -> Option<Reason> {
    let now = situation.now;
    [Market::OnDemand, Market::Spot].into_iter().find_map(|market| {
        let group = situation.group(market);
        let wrong = refusals.of_group(market).iter().rfind(|refusal| {
            refusal.kind.is_configuration()
                && refusal.at.age(now) < policy.held_for()
                && last_success(group).is_none_or(|success| success < refusal.at)
        })?;
        let (because, text, until) = (wrong.kind, wrong.text.to_owned(), wrong.at.plus(policy.held_for()));
        Some(Reason::Misconfigured { market, because, text, until })
    })
}

/// The last refusal of On-Demand, if what it still asks for will not come soon.
pub(super) fn refused_on_demand<'a, 'b>(
    policy: &Policy,
    situation: &'a Situation,
    refusals: &'b Refusals<'a>,
) -> Option<&'b Refusal<'a>> {
    let group = &situation.on_demand;
    let last = refusals.on_demand.last()?;
    let stands = group.shortfall() > 0
        && last.at.age(situation.now) < policy.held_for()
        && last_success(group).is_none_or(|success| success < last.at);
    stands.then_some(last)
}
