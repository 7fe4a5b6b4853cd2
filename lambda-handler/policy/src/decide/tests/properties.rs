//! What holds in every situation.

use proptest::prelude::*;

use super::*;
use crate::decision::Verdict;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![Just(REFUSED.to_owned()), Just(QUOTA.to_owned()), Just(WRONG.to_owned()), Just("?".to_owned())]
}

fn any_launch() -> impl Strategy<Value = Launch> {
    let outcome = prop_oneof![
        Just(LaunchOutcome::InProgress),
        Just(LaunchOutcome::Successful),
        Just(LaunchOutcome::Cancelled),
        any_text().prop_map(LaunchOutcome::Failed),
    ];
    let zone = prop_oneof![Just(Some("a".to_owned())), Just(Some("b".to_owned())), Just(None)];
    (-100_i64..4_000, 0_i64..200, zone, outcome).prop_map(|(ago, length, zone, outcome)| {
        let started = Timestamp(NOW.0 - ago);
        let ended = (outcome != LaunchOutcome::InProgress).then_some(Timestamp(started.0 + length));
        Launch { id: String::new(), started, ended, zone, outcome }
    })
}

fn any_fact<T: Clone + std::fmt::Debug + 'static>(
    known: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![8 => known.prop_map(Fact::Known), 1 => Just(Fact::Unreadable("x".into())), 1 => Just(Fact::NotRead)]
}

fn any_interruption() -> impl Strategy<Value = Interruption> {
    let zone = prop_oneof![Just(Some("a".to_owned())), Just(Some("b".to_owned())), Just(None)];
    (-100_i64..4_000, zone).prop_map(|(ago, zone)| Interruption { at: Timestamp(NOW.0 - ago), zone })
}

/// A group as AWS may show it: asking for no less than its minimum and no more than its maximum. Only Spot is interrupted.
fn any_group(market: Market, min: u32, max: u32) -> impl Strategy<Value = Group> {
    let state =
        prop_oneof![4 => Just("InService"), 1 => Just("Pending"), 1 => Just("Terminating"), 1 => Just("Standby")];
    let warned = prop::bool::weighted(if market == SPOT { 0.1 } else { 0.0 });
    let instance = (prop_oneof![Just("a"), Just("b")], state, any::<bool>(), warned).prop_map(
        |(zone, state, protected, warned)| Instance {
            id: "i".into(),
            zone: zone.into(),
            state: state.into(),
            protected,
            warned,
        },
    );
    (
        min..=max,
        prop::collection::vec(instance, 0..=max as usize),
        any_fact(prop::collection::vec(any_launch(), 0..6)),
        prop::collection::vec(any_interruption(), 0..if market == SPOT { 3 } else { 1 }),
        prop::bool::weighted(0.1),
        prop::sample::subsequence(vec!["a".to_owned(), "b".to_owned()], 0..=2),
    )
        .prop_map(move |(desired, instances, launches, interruptions, suspended, zones)| Group {
            name: "g".into(),
            min,
            max,
            desired,
            zones,
            instances,
            suspended: if suspended {
                vec![Suspension { process: "Launch".into(), reason: "x".into() }]
            } else {
                vec![]
            },
            launches,
            interruptions,
        })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (
        prop::option::of(0.1_f64..2.0),
        prop_oneof![Just(0_u64), Just(300)],
        prop_oneof![Just(60_u64), Just(600), Just(3_600)],
        prop_oneof![Just(Revert::Idle), Just(Revert::After(Seconds::minutes(30)))],
        (1_u32..6).prop_flat_map(|max| (Just(max), 0..=max)),
        1_u32..4,
        any::<bool>(),
    )
        .prop_map(|(max_price, patience, hold, revert, (max, base), jobs_per_worker, protect)| Policy {
            max_price,
            patience: Seconds(patience),
            hold: Seconds(hold),
            revert,
            max,
            base,
            jobs_per_worker,
            protect,
            ..Policy::default()
        })
}

prop_compose! {
    fn any_case()(policy in any_policy())(
        spot in any_group(SPOT, 0, policy.max),
        on_demand in any_group(OD, policy.base, policy.max),
        queue in any_fact((0_u32..12, 0_u32..6).prop_map(|(visible, in_flight)| Queue { visible, in_flight })),
        prices in any_fact(prop::collection::vec(
            (prop_oneof![Just("a"), Just("b")], -100_i64..8_000, prop_oneof![8 => 0.05_f64..2.0, 1 => Just(f64::NAN), 1 => Just(-1.0)])
                .prop_map(|(zone, ago, usd)| PriceChange { zone: zone.into(), at: Timestamp(NOW.0 - ago), usd }),
            0..5,
        )),
        jobs_waiting_alarm in any::<bool>(),
        policy in Just(policy),
    ) -> (Policy, Situation) {
        (policy, Situation { now: NOW, queue, spot, on_demand, prices, jobs_waiting_alarm })
    }
}

/// Numbers, times and prices at which arithmetic goes wrong where it can.
fn absurd_number() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![0, 1, 2, i32::MAX as u32, u32::MAX - 1, u32::MAX])
}

fn absurd_time() -> impl Strategy<Value = Timestamp> {
    let edge = prop::sample::select(vec![i64::MIN, -1, 0, NOW.0 - 60, NOW.0, NOW.0 + 60, i64::MAX - 1, i64::MAX]);
    prop_oneof![edge, any::<i64>()].prop_map(Timestamp)
}

fn absurd_price() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![f64::NAN, f64::NEG_INFINITY, -1.0, -0.0, 0.0, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY])
}

fn absurd_seconds() -> impl Strategy<Value = Seconds> {
    prop::sample::select(vec![0, 1, 60, i64::MAX as u64, u64::MAX]).prop_map(Seconds)
}

prop_compose! {
    /// A group that AWS never shows: more asked for than its maximum, a minimum beyond both, no zones or empty ones.
    fn absurd_group()(
        (min, max, desired) in (absurd_number(), absurd_number(), absurd_number()),
        states in prop::collection::vec((prop::sample::select(vec!["InService", "", "Pending:Wait", "Moon"]), any::<bool>()), 0..4),
        zones in prop::collection::vec(prop::sample::select(vec!["", "a", "\u{1F680}"]), 0..3),
        launches in any_fact(prop::collection::vec((absurd_time(), prop::option::of(absurd_time()), any_launch()), 0..5)),
        interruptions in prop::collection::vec((absurd_time(), prop::option::of(Just("a".to_owned()))), 0..3),
    ) -> Group {
        let instance = |(state, warned): (&str, bool)| Instance { state: state.into(), warned, ..Instance::default() };
        let launch = |(started, ended, launch): (Timestamp, Option<Timestamp>, Launch)| Launch { started, ended, ..launch };
        Group {
            min,
            max,
            desired,
            zones: zones.into_iter().map(str::to_owned).collect(),
            instances: states.into_iter().map(instance).collect(),
            launches: match launches {
                Fact::Known(list) => Fact::Known(list.into_iter().map(launch).collect()),
                Fact::Unreadable(why) => Fact::Unreadable(why),
                Fact::NotRead => Fact::NotRead,
            },
            interruptions: interruptions.into_iter().map(|(at, zone)| Interruption { at, zone }).collect(),
            ..Group::default()
        }
    }
}

prop_compose! {
    fn absurd_case()(policy in any_policy())(
        (spot, on_demand) in (absurd_group(), absurd_group()),
        queue in any_fact((absurd_number(), absurd_number()).prop_map(|(visible, in_flight)| Queue { visible, in_flight })),
        prices in any_fact(prop::collection::vec(
            (prop::sample::select(vec!["", "a", "b"]), absurd_time(), absurd_price())
                .prop_map(|(zone, at, usd)| PriceChange { zone: zone.into(), at, usd }),
            0..6,
        )),
        (now, jobs_waiting_alarm) in (absurd_time(), any::<bool>()),
        (max, base, jobs_per_worker) in (absurd_number(), absurd_number(), absurd_number()),
        (window, patience, hold) in (absurd_seconds(), absurd_seconds(), absurd_seconds()),
        max_price in prop::option::of(absurd_price()),
        policy in Just(policy),
    ) -> (Policy, Situation) {
        let policy = Policy { max_price, window, patience, hold, max, base, jobs_per_worker, ..policy };
        (policy, Situation { now, queue, spot, on_demand, prices, jobs_waiting_alarm })
    }
}

/// The situation a moment after the actions: both groups ask for what was decided.
fn after(situation: &Situation, decision: &Decision) -> Situation {
    let mut after = situation.clone();
    after.spot.desired = decision.spot;
    after.on_demand.desired = decision.on_demand;
    after
}

/// Instances that there are, those that are leaving among them: all that is paid for.
fn there(group: &Group) -> u32 {
    group.live() + group.leaving()
}

/// What both groups ask for, or have where that is more.
fn asked(situation: &Situation, decision: &Decision) -> u32 {
    decision.spot.max(there(&situation.spot)) + decision.on_demand.max(there(&situation.on_demand))
}

/// Whether a worker is tried, or is under way, beside those that serve.
fn probing(policy: &Policy, situation: &Situation) -> bool {
    policy.protect && policy.revert != Revert::Idle && situation.on_demand.live() > 0
}

fn raises(decision: &Decision) -> bool {
    decision.actions.iter().any(|action| matches!(action, Action::ScaleUp { .. }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, max_shrink_iters: 4_000, max_global_rejects: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deciding_twice_changes_nothing_more((policy, situation) in any_case()) {
        let first = decide(&policy, &situation);
        // Where launches cannot be read, what was just asked for counts as refused the next time; see `LaunchesUnreadable`.
        prop_assume!(situation.spot.launches.known().is_some());
        let second = decide(&policy, &after(&situation, &first));
        prop_assert!(second.actions.is_empty(), "{first:#?}\nthen {second:#?}");
    }

    #[test]
    fn live_and_asked_never_exceed_max((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        let now = asked(&situation, &decision);
        let before = situation.spot.desired.max(there(&situation.spot)) + situation.on_demand.desired.max(there(&situation.on_demand));
        // What was too much already may stay, but nothing is added to it.
        prop_assert!(now <= policy.max.max(before), "{now} of {}: {decision:#?}", policy.max);
        prop_assert!(!raises(&decision) || now <= policy.max, "{now} of {}: {decision:#?}", policy.max);
        prop_assert!(decision.spot <= situation.spot.max && decision.on_demand <= situation.on_demand.max);
    }

    #[test]
    fn live_and_fresh_exceed_need_by_one_at_most_and_only_while_reverting((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        if raises(&decision) {
            let there = there(&situation.spot) + there(&situation.on_demand);
            let one = u32::from(probing(&policy, &situation));
            // What is leaving is there still. An always-on worker that On-Demand cannot deliver cannot be withdrawn either,
            // and Spot stands in for it.
            let stuck = situation.on_demand.min.saturating_sub(situation.on_demand.live());
            let most = (decision.need + situation.spot.leaving() + one + stuck).max(there + one);
            prop_assert!(asked(&situation, &decision) <= most, "{decision:#?}");
        }
        let probes = decision.reasons.contains(&Reason::Probe);
        prop_assert!(!probes || probing(&policy, &situation) && decision.spot == situation.spot.live() + 1, "{decision:#?}");
    }

    #[test]
    fn no_running_worker_is_lowered_away_unless_reverting((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        let reverting = policy.protect && matches!(policy.revert, Revert::After(_));
        for (market, to) in [(SPOT, decision.spot), (OD, decision.on_demand)] {
            let group = situation.group(market);
            if to < group.desired && !(market == OD && reverting) {
                // What replaced a second time what AWS took back goes, and never more than are too many.
                let twice = if market == SPOT && policy.protect { group.interruptions.len() as u32 } else { 0 };
                let stays = group.live().saturating_sub(twice).max(decision.need.min(group.live())) + group.leaving();
                prop_assert!(to >= stays.min(group.desired), "{market}: {decision:#?}");
            }
        }
    }

    #[test]
    fn below_base_never((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        prop_assert!(decision.need >= policy.base.min(policy.max));
        prop_assert!(decision.on_demand >= policy.base, "the On-Demand group's minimum is base: {decision:#?}");
    }

    #[test]
    fn on_demand_only_where_spot_is_not_to_be_had((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        if decision.actions.iter().any(|action| matches!(action, Action::ScaleUp { market: OD, .. })) {
            let spot_full = decision.spot.max(there(&situation.spot)) >= situation.spot.max;
            let said = decision.reasons.iter().any(|reason| matches!(
                reason,
                Reason::NoZoneOpen { .. } | Reason::SpotRefused { .. } | Reason::SpotQuota { .. }
                    | Reason::LaunchesUnreadable { .. } | Reason::LaunchSuspended { market: SPOT, .. }
            ));
            prop_assert!(said || spot_full, "{decision:#?}");
        }
    }

    #[test]
    fn cheaper_spot_is_no_less_likely((policy, situation) in any_case(), cheaper in 0.1_f64..1.0) {
        let mut cheap = situation.clone();
        if let Fact::Known(changes) = &mut cheap.prices {
            changes.iter_mut().filter(|change| change.usd > 0.0).for_each(|change| change.usd *= cheaper);
        }
        prop_assert!(decide(&policy, &cheap).spot >= decide(&policy, &situation).spot);
    }

    #[test]
    fn more_jobs_mean_no_fewer_workers((policy, situation) in any_case(), more in 1_u32..6) {
        prop_assume!(situation.queue.known().is_some());
        let mut busier = situation.clone();
        if let Fact::Known(queue) = &mut busier.queue {
            queue.visible += more;
        }
        let workers = |situation: &Situation| {
            let decision = decide(&policy, situation);
            let probing = u32::from(decision.reasons.contains(&Reason::Probe));
            // An idle pair has no need of that rule: all of it is scaled in.
            let twice = decision.reasons.iter().find_map(|reason| match reason {
                Reason::ReplacedTwice { count } => Some(*count),
                _ => None,
            });
            (decision.spot + decision.on_demand + twice.unwrap_or(0)).saturating_sub(probing)
        };
        prop_assert!(workers(&busier) >= workers(&situation).min(policy.max), "{:#?}\n{:#?}", decide(&policy, &situation), decide(&policy, &busier));
    }

    #[test]
    fn no_situation_panics_however_absurd((policy, situation) in absurd_case()) {
        let wanted = Wanted::of(&policy, &situation);
        let decision = decide(&policy, &situation);
        prop_assert!(decision.reasons.iter().all(|reason| !reason.to_string().is_empty()));
        prop_assert!(!decision.to_string().is_empty());
        let _ = wanted;
    }

    #[test]
    fn a_price_that_is_none_never_opens_a_zone((policy, situation) in absurd_case()) {
        let decision = decide(&policy, &situation);
        let Some(limit) = policy.limit() else { return Ok(()) };
        for zone in decision.zones.iter().filter(|zone| zone.verdict == Verdict::Open) {
            prop_assert!(zone.price.is_some_and(|price| price.guarded() <= limit), "{zone:?} at {limit}");
        }
    }

    #[test]
    fn a_record_is_read_back_as_written((policy, situation) in any_case()) {
        prop_assume!(situation.prices.known().is_none_or(|changes| changes.iter().all(|change| change.usd.is_finite())));
        let decision = decide(&policy, &situation);
        let record = crate::Record::new(crate::Trigger::Tick, policy, situation, decision, vec![], false);
        let line = serde_json::to_string(&record).expect("a record is JSON");
        prop_assert_eq!(serde_json::from_str::<crate::Record>(&line).expect("and read back"), record);
    }
}
