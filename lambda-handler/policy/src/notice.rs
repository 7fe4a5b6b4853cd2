//! What somebody should hear of without looking: the turns a pair takes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decide::decide;
use crate::decision::{Action, Reason};
use crate::failure::FailureKind;
use crate::launching::Tried;
use crate::record::{Record, Trigger};
use crate::situation::{Fact, Launch, LaunchOutcome, Market, Situation};
use crate::units::Timestamp;

/// A turn that a pair has just taken. It is told by the one run that takes it, although nothing is remembered between runs:
/// turning to On-Demand and back are calls that this run made and AWS accepted, and whether a refusal is the first of its
/// kind is asked of the facts, by deciding once more as if that launch had not been tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// On-Demand serves, beyond its base, because Spot is not to be had.
    Fallback {
        /// Workers that On-Demand was asked for.
        workers: u32,
    },
    /// Spot serves again, and the last On-Demand worker beyond the base leaves.
    Reverted,
    /// Spot is not to be had, and On-Demand has been refused as well.
    BothRefused,
    /// The launch definition is wrong, so that nothing is scaled.
    Misconfigured,
}

impl Notice {
    /// What there is to tell about a run, given all else of its record.
    ///
    /// A refusal is told by the run that its own event woke, and so is a turn of which several runs know. Where that event is lost, nobody is told: the groups end where
    /// they would, and the record of every run says it. A dry run has nothing to tell.
    pub(crate) fn of(record: &Record) -> Vec<Notice> {
        if record.dry_run {
            return Vec::new();
        }
        let (base, on_demand) = (record.policy.base, &record.situation.on_demand);
        let turned =
            record.deeds.iter().filter(|deed| deed.error.is_none()).map(|deed| deed.action).find_map(|action| {
                let to = action.to();
                match action {
                    Action::ScaleUp { market: Market::OnDemand, .. }
                    | Action::SetDesired { market: Market::OnDemand, .. } => {
                        let had = on_demand.desired.max(on_demand.live());
                        if had <= base && to > had {
                            return Some(Notice::Fallback { workers: to - base });
                        }
                        (on_demand.desired > base && to <= base && record.situation.spot.live() > 0)
                            .then_some(Notice::Reverted)
                    }
                    _ => None,
                }
            });
        let refused = refused(record).or_else(|| refused_at_once(record));
        let turned = match woken_by(record) {
            Some(launch) => turned_by(record, launch, turned),
            None => turned,
        };
        // On-Demand that was asked and had nothing serves nobody.
        let turned =
            turned.or_else(|| turned_at_once(record)).filter(|_| record.launches.is_empty() || refused.is_none());
        turned.into_iter().chain(refused).collect()
    }
}

/// The launch of Spot whose failure woke the run, where the facts have it.
fn woken_by(record: &Record) -> Option<&Launch> {
    let Trigger::LaunchFailed { activity: Some(activity), .. } = &record.trigger else { return None };
    record.situation.spot.launches.known()?.iter().find(|launch| launch.id == *activity)
}

/// Spot that is refused in several zones wakes as many runs at once. Each does the same, and the first leaves nothing to do for
/// the others; so it is the last of these launches that tells, whichever run did it.
fn turned_by(record: &Record, launch: &Launch, turned: Option<Notice>) -> Option<Notice> {
    let failed = |launch: &Launch| matches!(launch.outcome, LaunchOutcome::Failed(_));
    let spot = record.situation.spot.launches.known().into_iter().flatten();
    let is_last =
        spot.filter(|launch| failed(launch)).all(|other| when(Market::Spot, other) <= when(Market::Spot, launch));
    if !is_last {
        return turned.filter(|notice| !matches!(notice, Notice::Fallback { .. }));
    }
    let (base, on_demand) = (record.policy.base, &record.situation.on_demand);
    turned.or_else(|| {
        let mut launches = on_demand.launches.known()?.iter().peekable();
        let by_another = launches.peek().is_some() && launches.all(|after| after.started >= launch.started);
        (by_another && on_demand.desired > base).then(|| Notice::Fallback { workers: on_demand.desired - base })
    })
}

/// The order in which launches ended. Times are whole seconds, and within one Spot was asked first.
fn when(market: Market, launch: &Launch) -> (Timestamp, bool, Timestamp, &str) {
    (launch.ended.unwrap_or(launch.started), market == Market::OnDemand, launch.started, &launch.id)
}

/// On-Demand beyond its base, by instances that came at once.
fn turned_at_once(record: &Record) -> Option<Notice> {
    let (base, on_demand) = (record.policy.base, &record.situation.on_demand);
    let came = record.launches.iter().filter(|tried| tried.market == Market::OnDemand).map(Tried::came).sum::<u32>();
    let had = on_demand.desired.max(on_demand.live());
    (had <= base && had.saturating_add(came) > base)
        .then(|| Notice::Fallback { workers: had.saturating_add(came) - base })
}

/// What launching at once showed. It may show it to every look, and is told by those that something woke.
fn refused_at_once(record: &Record) -> Option<Notice> {
    if record.trigger == Trigger::Tick || record.decision.reasons.iter().any(|reason| shown_by(reason).is_some()) {
        return None;
    }
    if record.launches.iter().filter_map(Tried::kind).any(FailureKind::is_configuration) {
        return Some(Notice::Misconfigured);
    }
    let mut on_demand = record.launches.iter().filter(|tried| tried.market == Market::OnDemand).peekable();
    let nothing_came = on_demand.peek().is_some() && on_demand.all(|it| it.came() == 0 && !it.refused.is_empty());
    nothing_came.then_some(Notice::BothRefused)
}

/// What the failed launch that woke us is the first to show: what is known with it says so, and what was known before it does
/// not. Several that fail at once are asked in their order, so that one of their runs tells.
fn refused(record: &Record) -> Option<Notice> {
    let Trigger::LaunchFailed { activity: Some(activity), .. } = &record.trigger else { return None };
    let ours = [Market::Spot, Market::OnDemand].into_iter().find_map(|market| {
        let mut launches = record.situation.group(market).launches.known()?.iter();
        launches.find(|launch| launch.id == *activity).map(|launch| (market, launch))
    })?;
    let notice = record.decision.reasons.iter().find_map(shown_by)?;
    let shows = |with| {
        let known = decide(&record.policy, &until(&record.situation, ours, with));
        known.reasons.iter().any(|reason| shown_by(reason) == Some(notice))
    };
    (shows(true) && !shows(false)).then_some(notice)
}

fn shown_by(reason: &Reason) -> Option<Notice> {
    match reason {
        Reason::OnDemandRefused { .. } => Some(Notice::BothRefused),
        Reason::Misconfigured { .. } => Some(Notice::Misconfigured),
        _ => None,
    }
}

/// The situation as it was known until a launch had ended, with it or without it.
fn until(situation: &Situation, (market, launch): (Market, &Launch), with: bool) -> Situation {
    let end = when(market, launch);
    let of = |market: Market| {
        let mut group = situation.group(market).clone();
        if let Fact::Known(launches) = &mut group.launches {
            launches.retain(|other| if with { when(market, other) <= end } else { when(market, other) < end });
        }
        group
    };
    Situation { spot: of(Market::Spot), on_demand: of(Market::OnDemand), ..situation.clone() }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Fallback { workers: 1 } => f.write_str("On-Demand serves: 1 worker"),
            Notice::Fallback { workers } => write!(f, "On-Demand serves: {workers} workers"),
            Notice::Reverted => f.write_str("Spot serves again, and On-Demand leaves"),
            Notice::BothRefused => f.write_str("neither Spot nor On-Demand is to be had, and jobs wait"),
            Notice::Misconfigured => f.write_str("nothing can be launched, and jobs wait"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, Revert};
    use crate::record::Deed;
    use crate::situation::{Group, Instance, Queue};
    use crate::units::Seconds;

    const NOW: i64 = 1_000_000;
    const FULL: &str = "InsufficientInstanceCapacity";
    const WRONG: &str = "The requested configuration is currently not supported.";

    fn group(live: u32, desired: u32, failed: &[(&str, &str, i64)]) -> Group {
        let instance = Instance { state: "InService".into(), ..Instance::default() };
        let launch = |&(id, text, ago): &(&str, &str, i64)| Launch {
            id: id.into(),
            started: Timestamp(NOW - ago),
            ended: Some(Timestamp(NOW - ago)),
            zone: Some("a".into()),
            outcome: LaunchOutcome::Failed(text.into()),
        };
        Group {
            max: 4,
            desired,
            zones: vec!["a".into()],
            instances: vec![instance; live as usize],
            launches: Fact::Known(failed.iter().map(launch).collect()),
            ..Group::default()
        }
    }

    /// A run with two jobs, and what it tells.
    fn told(trigger: Trigger, spot: Group, on_demand: Group, accepted: bool) -> Vec<Notice> {
        let policy = Policy { max: 4, revert: Revert::After(Seconds(60)), protect: true, ..Policy::default() };
        let queue = Fact::Known(Queue { visible: 2, in_flight: 0 });
        let situation = Situation { now: Timestamp(NOW), queue, spot, on_demand, ..Situation::default() };
        let decision = decide(&policy, &situation);
        let error = (!accepted).then(|| "AccessDenied".to_owned());
        let deeds = decision.actions.iter().map(|&action| Deed { action, error: error.clone() }).collect();
        Record::new(trigger, policy, situation, decision, deeds, false).notices
    }

    fn failed(activity: &str) -> Trigger {
        Trigger::LaunchFailed { group: "g".into(), activity: Some(activity.into()) }
    }

    #[test]
    fn the_run_that_turns_to_on_demand_tells_it() {
        let refused = [("1", FULL, 5)];
        let turn = |accepted| told(Trigger::Tick, group(0, 2, &refused), group(0, 0, &[]), accepted);
        assert_eq!(turn(true), [Notice::Fallback { workers: 2 }]);
        assert_eq!(turn(false), [], "AWS did not accept it, and the next run tells it");
        let more = told(Trigger::Tick, group(0, 0, &refused), group(1, 1, &[]), true);
        assert_eq!(more, [], "one more of what serves already");
        assert_eq!(told(Trigger::Tick, group(0, 0, &refused), group(0, 2, &[]), true), [], "done already");
    }

    #[test]
    fn of_several_runs_at_once_the_last_launch_s_tells() {
        let spot = || {
            let group = group(0, 2, &[("1", FULL, 6), ("2", FULL, 5)]);
            Group { zones: vec!["a".into()], ..group }
        };
        let turned = [Notice::Fallback { workers: 2 }];
        assert_eq!(told(failed("1"), spot(), group(0, 0, &[]), true), [], "it acts, and the other tells");
        assert_eq!(told(failed("2"), spot(), group(0, 0, &[]), true), turned);
        let mut done = group(2, 2, &[("od", FULL, 3)]);
        assert_eq!(told(failed("2"), group(0, 0, &[("2", FULL, 5)]), done.clone(), true), turned, "another did it");
        done = group(2, 2, &[("od", FULL, 300)]);
        assert_eq!(told(failed("2"), group(0, 0, &[("2", FULL, 5)]), done, true), [], "it serves for long");
    }

    #[test]
    fn the_run_that_ends_on_demand_tells_it() {
        assert_eq!(told(Trigger::Tick, group(2, 2, &[]), group(1, 1, &[]), true), [Notice::Reverted]);
        assert_eq!(told(Trigger::Tick, group(2, 2, &[]), group(1, 0, &[]), true), [], "told already");
        assert_eq!(told(Trigger::Tick, group(1, 1, &[]), group(2, 2, &[]), true), [], "one stays");
    }

    #[test]
    fn both_refused_is_told_by_the_launch_that_made_it_so() {
        let spot = || group(0, 0, &[("s", FULL, 60)]);
        let first = || group(0, 2, &[("1", FULL, 5)]);
        assert_eq!(told(failed("1"), spot(), first(), true), [Notice::BothRefused]);
        assert_eq!(told(Trigger::Tick, spot(), first(), true), [], "a look is no news");
        let second = || group(0, 0, &[("s", FULL, 4)]);
        assert_eq!(
            told(failed("s"), second(), first(), true),
            [Notice::BothRefused],
            "Spot may be the second to refuse"
        );
        let both = || group(0, 2, &[("1", FULL, 5), ("2", FULL, 5)]);
        assert_eq!(told(failed("1"), spot(), both(), true), [Notice::BothRefused], "of several at once, one");
        assert_eq!(told(failed("2"), spot(), both(), true), []);
        assert_eq!(told(failed("elsewhere"), spot(), first(), true), []);
        let again = group(0, 2, &[("1", FULL, 65), ("2", FULL, 5)]);
        assert_eq!(told(failed("2"), spot(), again, true), [], "AWS tries again by itself, and that is no news");
    }

    #[test]
    fn a_wrong_definition_is_told_once() {
        let wrong = || group(0, 2, &[("1", WRONG, 5)]);
        assert_eq!(told(failed("1"), wrong(), group(0, 0, &[]), true), [Notice::Misconfigured]);
        let again = group(0, 2, &[("1", WRONG, 65), ("2", WRONG, 5)]);
        assert_eq!(told(failed("2"), again, group(0, 0, &[]), true), []);
    }
}
