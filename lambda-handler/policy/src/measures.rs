//! A run in numbers, for charts and alarms.

use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::policy::Policy;
use crate::situation::{Group, LaunchOutcome, Situation};
use crate::units::Timestamp;

/// What one run saw, in numbers. What cannot be known from its facts is absent, and never a guess.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measures {
    /// Workers that the jobs want.
    pub need: u32,
    /// Spot workers at work or booting.
    pub spot: u32,
    /// On-Demand workers at work or booting.
    pub on_demand: u32,
    /// The On-Demand part of all workers, 0 to 1; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_share: Option<f64>,
    /// How long jobs have waited with nobody at work; absent where somebody is, or no job waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unserved_seconds: Option<u64>,
    /// How long demand had waited for Spot when this run asked On-Demand instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_seconds: Option<u64>,
    /// USD an hour that the Spot workers cost less than at the max price, by the prices in force in their zones. As long as
    /// the max price is no more than the On-Demand price, it is the least that is saved. Absent without a max price or prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saving_usd_per_hour: Option<f64>,
}

impl Measures {
    /// The numbers of one run.
    pub(crate) fn of(policy: &Policy, situation: &Situation, decision: &Decision) -> Self {
        let (spot, on_demand) = (situation.spot.live(), situation.on_demand.live());
        let workers = spot.saturating_add(on_demand);
        Self {
            need: decision.need,
            spot,
            on_demand,
            on_demand_share: (workers > 0).then(|| f64::from(on_demand) / f64::from(workers)),
            unserved_seconds: unserved(situation),
            fallback_seconds: decision.fallback_after.map(|after| after.0),
            saving_usd_per_hour: saving(policy, situation, decision),
        }
    }
}

/// Since the first launch of either group that brought nothing, or nothing yet, after the last that did.
fn unserved(situation: &Situation) -> Option<u64> {
    let groups = [&situation.spot, &situation.on_demand];
    let waits = situation.queue.known().is_some_and(|queue| queue.visible > 0);
    if !waits || groups.iter().any(|group| group.live() > 0) {
        return None;
    }
    let launches = || groups.into_iter().filter_map(|group: &Group| group.launches.known()).flatten();
    let success = launches()
        .filter(|it| it.outcome == LaunchOutcome::Successful)
        .map(|it| it.started)
        .max()
        .unwrap_or(Timestamp(i64::MIN));
    let since = launches().map(|launch| launch.started).filter(|&started| started > success).min();
    Some(since.map_or(0, |since| since.age(situation.now).0))
}

fn saving(policy: &Policy, situation: &Situation, decision: &Decision) -> Option<f64> {
    let max_price = policy.max_price.filter(|price| price.is_finite())?;
    let mut saving = 0.0;
    for instance in situation.spot.instances.iter().filter(|instance| instance.is_live()) {
        let zone = decision.zones.iter().find(|zone| zone.zone == instance.zone)?;
        saving += (max_price - zone.price?.now).max(0.0);
    }
    Some(saving)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::decide;
    use crate::situation::{Fact, Instance, Launch, PriceChange, Queue};

    fn group(zones: &[&str]) -> Group {
        let instance =
            |zone: &&str| Instance { zone: (*zone).into(), state: "InService".into(), ..Instance::default() };
        Group {
            max: 4,
            desired: zones.len() as u32,
            zones: vec!["a".into(), "b".into()],
            instances: zones.iter().map(instance).collect(),
            launches: Fact::Known(vec![]),
            ..Group::default()
        }
    }

    fn measures(visible: u32, spot: Group, on_demand: Group) -> Measures {
        let change = |zone: &str, usd| PriceChange { zone: zone.into(), at: Timestamp(0), usd };
        let situation = Situation {
            now: Timestamp(1_000),
            queue: Fact::Known(Queue { visible, in_flight: 0 }),
            spot,
            on_demand,
            prices: Fact::Known(vec![change("a", 0.25), change("b", 0.5)]),
            jobs_waiting_alarm: false,
        };
        let policy = Policy { max: 4, max_price: Some(1.0), ..Policy::default() };
        Measures::of(&policy, &situation, &decide(&policy, &situation))
    }

    #[test]
    fn workers_are_counted_and_priced_where_they_are() {
        let seen = measures(3, group(&["a", "b", "b"]), group(&["a"]));
        assert_eq!((seen.need, seen.spot, seen.on_demand), (3, 3, 1));
        assert_eq!((seen.on_demand_share, seen.saving_usd_per_hour), (Some(0.25), Some(1.75)));
        assert_eq!(seen.unserved_seconds, None);
        let elsewhere = measures(1, group(&["c"]), group(&[]));
        assert_eq!(elsewhere.saving_usd_per_hour, None, "nobody knows what it costs there");
    }

    #[test]
    fn nobody_at_work_is_measured_by_what_was_tried() {
        let launch = |started, outcome| Launch {
            id: String::new(),
            started: Timestamp(started),
            ended: None,
            zone: None,
            outcome,
        };
        let tried = vec![
            launch(990, LaunchOutcome::InProgress),
            launch(940, LaunchOutcome::Failed("x".into())),
            launch(900, LaunchOutcome::Successful),
            launch(800, LaunchOutcome::Failed("x".into())),
        ];
        let spot = Group { launches: Fact::Known(tried), ..group(&[]) };
        assert_eq!(measures(1, spot.clone(), group(&[])).unserved_seconds, Some(60));
        assert_eq!(measures(1, group(&[]), group(&[])).unserved_seconds, Some(0));
        assert_eq!(measures(1, spot.clone(), group(&["a"])).unserved_seconds, None);
        assert_eq!(measures(0, spot, group(&[])).unserved_seconds, None);
    }
}
