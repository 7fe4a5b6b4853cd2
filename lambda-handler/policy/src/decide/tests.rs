//! A table of situations, one for each rule, and the properties that hold in every situation.

use proptest::prelude::*;

use super::*;
use crate::situation::{Instance, PriceChange, Suspension};

const NOW: Timestamp = Timestamp(1_000_000);
const REFUSED: &str = "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available that matches your request. Launching EC2 instance failed.";
const QUOTA: &str = "Max spot instance count exceeded. Launching EC2 instance failed.";
const WRONG: &str = "The requested configuration is currently not supported. Launching EC2 instance failed.";
const SPOT: Market = Market::Spot;
const OD: Market = Market::OnDemand;

fn policy() -> Policy {
    Policy { max_price: Some(1.0), max: 4, ..Policy::default() }
}

fn reverting() -> Policy {
    Policy { revert: Revert::After(Seconds::minutes(30)), protect: true, ..policy() }
}

/// A group with zones a and b, so many instances in service, and so many asked for.
fn group(live: u32, desired: u32) -> Group {
    let instances = (0..live).map(|n| Instance {
        id: format!("i-{n}"),
        zone: "a".into(),
        state: "InService".into(),
        protected: false,
    });
    Group {
        desired,
        max: 4,
        zones: vec!["a".into(), "b".into()],
        instances: instances.collect(),
        launches: Fact::Known(vec![]),
        ..Group::default()
    }
}

fn launch(ago: i64, zone: &str, outcome: LaunchOutcome) -> Launch {
    let started = Timestamp(NOW.0 - ago);
    let ended = (outcome != LaunchOutcome::InProgress).then_some(started);
    Launch { started, ended, zone: Some(zone.to_owned()), outcome }
}

fn failed(ago: i64, zone: &str, text: &str) -> Launch {
    launch(ago, zone, LaunchOutcome::Failed(text.to_owned()))
}

fn with(mut group: Group, launches: Vec<Launch>) -> Group {
    group.launches = Fact::Known(launches);
    group
}

fn prices(a: f64, b: f64) -> Fact<Vec<PriceChange>> {
    let change = |zone: &str, usd| PriceChange { zone: zone.into(), at: Timestamp(NOW.0 - 90_000), usd };
    Fact::Known(vec![change("a", a), change("b", b)])
}

fn situation(visible: u32, spot: Group, on_demand: Group) -> Situation {
    let queue = Fact::Known(Queue { visible, in_flight: 0 });
    Situation { now: NOW, queue, spot, on_demand, prices: prices(0.3, 0.4), jobs_waiting_alarm: false }
}

fn up(market: Market, to: u32) -> Action {
    Action::ScaleUp { market, to }
}

fn set(market: Market, to: u32) -> Action {
    Action::SetDesired { market, to }
}

#[test]
fn one_job_and_nobody_asks_for_spot() {
    let decision = decide(&policy(), &situation(1, group(0, 0), group(0, 0)));
    assert_eq!(decision.actions, [up(SPOT, 1)]);
    assert_eq!(decision.reasons, [Reason::SpotWorthIt { zones: vec!["a".into(), "b".into()] }]);
    assert_eq!(decision.to_string(), "scale up Spot to 1");
}

/// (what it shows, policy, situation, actions)
#[test]
fn the_rules() {
    let dear = |situation: Situation, a, b| Situation { prices: prices(a, b), ..situation };
    let refused = || vec![failed(20, "a", REFUSED), failed(20, "b", REFUSED)];
    let suspended = |mut group: Group| {
        group.suspended = vec![Suspension { process: "Launch".into(), reason: "User suspended".into() }];
        group
    };
    let in_progress = |ago| launch(ago, "a", LaunchOutcome::InProgress);
    let success = |ago| launch(ago, "a", LaunchOutcome::Successful);
    let patient = Policy { patience: Seconds::minutes(5), ..policy() };
    let unread = |mut group: Group| {
        group.launches = Fact::Unreadable("AccessDenied".into());
        group
    };
    let queue_unread = |alarm, spot, on_demand| Situation {
        queue: Fact::Unreadable("throttled".into()),
        jobs_waiting_alarm: alarm,
        ..situation(0, spot, on_demand)
    };

    let table: Vec<(&str, Policy, Situation, Vec<Action>)> = vec![
        // need
        ("no job, nothing", policy(), situation(0, group(0, 0), group(0, 0)), vec![]),
        ("three jobs, three workers", policy(), situation(3, group(0, 0), group(0, 0)), vec![up(SPOT, 3)]),
        ("max caps", policy(), situation(9, group(0, 0), group(0, 0)), vec![up(SPOT, 4)]),
        (
            "jobs per worker, rounded up",
            Policy { jobs_per_worker: 4, ..policy() },
            situation(5, group(0, 0), group(0, 0)),
            vec![up(SPOT, 2)],
        ),
        (
            "base is On-Demand's own minimum",
            Policy { base: 1, ..policy() },
            situation(0, group(0, 0), group(0, 1)),
            vec![],
        ),
        (
            "base serves first",
            Policy { base: 1, ..policy() },
            situation(2, group(0, 0), group(1, 1)),
            vec![up(SPOT, 1)],
        ),
        // gap
        ("enough at work", policy(), situation(2, group(2, 2), group(0, 0)), vec![]),
        ("one more", policy(), situation(3, group(2, 2), group(0, 0)), vec![up(SPOT, 3)]),
        ("On-Demand at work counts", policy(), situation(1, group(0, 0), group(1, 1)), vec![]),
        ("just asked", policy(), situation(1, group(0, 1), group(0, 0)), vec![]),
        ("being launched", policy(), situation(1, with(group(0, 1), vec![in_progress(20)]), group(0, 0)), vec![]),
        ("On-Demand just asked", policy(), situation(1, group(0, 0), group(0, 1)), vec![]),
        // price guard
        ("dear everywhere", policy(), dear(situation(1, group(0, 0), group(0, 0)), 0.9, 2.0), vec![up(OD, 1)]),
        ("dear in one zone", policy(), dear(situation(1, group(0, 0), group(0, 0)), 0.9, 0.8), vec![up(SPOT, 1)]),
        ("exactly the limit", policy(), dear(situation(1, group(0, 0), group(0, 0)), 0.85, 2.0), vec![up(SPOT, 1)]),
        (
            "no price history",
            policy(),
            Situation { prices: Fact::Known(vec![]), ..situation(1, group(0, 0), group(0, 0)) },
            vec![up(OD, 1)],
        ),
        (
            "prices unreadable",
            policy(),
            Situation { prices: Fact::Unreadable("x".into()), ..situation(1, group(0, 0), group(0, 0)) },
            vec![up(OD, 1)],
        ),
        (
            "no max price, no price needed",
            Policy { max_price: None, ..policy() },
            Situation { prices: Fact::NotRead, ..situation(1, group(0, 0), group(0, 0)) },
            vec![up(SPOT, 1)],
        ),
        // refusal: repair and fallback
        (
            "refused everywhere",
            policy(),
            situation(1, with(group(0, 1), refused()), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        ("fallen back, nothing more", policy(), situation(1, with(group(0, 0), refused()), group(0, 1)), vec![]),
        (
            "refused in one zone, the other may still give",
            policy(),
            situation(1, with(group(0, 1), vec![failed(20, "a", REFUSED)]), group(0, 0)),
            vec![],
        ),
        (
            "refused in one zone for longer than an answer takes",
            policy(),
            situation(1, with(group(0, 1), vec![failed(95, "a", REFUSED)]), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "silence for longer than an answer takes",
            policy(),
            situation(1, with(group(0, 1), vec![in_progress(95)]), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "silence for longer than a hold",
            policy(),
            situation(1, with(group(0, 1), vec![in_progress(700)]), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "the price is below the market",
            policy(),
            situation(
                1,
                with(
                    group(0, 1),
                    vec![
                        failed(
                            9,
                            "a",
                            "Your Spot request price of 0.01 is lower than the minimum required Spot request fulfillment price of 0.07.",
                        ),
                        failed(9, "b", REFUSED),
                    ],
                ),
                group(0, 0),
            ),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "an unknown text is a refusal",
            policy(),
            situation(1, with(group(0, 1), vec![failed(9, "a", "?"), failed(9, "b", "?")]), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "quota: no zone is tried",
            policy(),
            situation(1, with(group(0, 1), vec![failed(9, "a", QUOTA)]), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "held: new demand goes to On-Demand",
            policy(),
            situation(2, with(group(0, 0), refused()), group(1, 1)),
            vec![up(OD, 2)],
        ),
        (
            "hold is over: Spot again",
            policy(),
            situation(2, with(group(0, 0), vec![failed(601, "a", REFUSED), failed(601, "b", REFUSED)]), group(1, 1)),
            vec![up(SPOT, 1)],
        ),
        (
            "part was delivered",
            policy(),
            situation(
                2,
                with(group(1, 2), vec![success(21), failed(20, "a", REFUSED), failed(20, "b", REFUSED)]),
                group(0, 0),
            ),
            vec![set(SPOT, 1), up(OD, 1)],
        ),
        ("stuck with no job", policy(), situation(0, with(group(0, 1), refused()), group(0, 0)), vec![set(SPOT, 0)]),
        (
            "Spot delivered after all",
            policy(),
            situation(1, with(group(1, 1), vec![success(5)]), group(0, 1)),
            vec![set(OD, 0)],
        ),
        (
            "launches unreadable: what is asked for and missing counts as refused",
            policy(),
            situation(1, unread(group(0, 1)), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        // patience
        (
            "patience: Spot goes on trying",
            patient.clone(),
            situation(1, with(group(0, 1), refused()), group(0, 0)),
            vec![],
        ),
        (
            "patience is over",
            patient.clone(),
            situation(
                1,
                with(group(0, 1), vec![failed(301, "a", REFUSED), failed(5, "b", REFUSED), failed(5, "a", REFUSED)]),
                group(0, 0),
            ),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "a quota is not waited for",
            patient.clone(),
            situation(1, with(group(0, 1), vec![failed(9, "a", QUOTA)]), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        ("a price is not waited for", patient, dear(situation(1, group(0, 0), group(0, 0)), 2.0, 2.0), vec![up(OD, 1)]),
        // misconfiguration and suspension
        (
            "a wrong definition scales nothing",
            policy(),
            situation(1, with(group(0, 1), vec![failed(9, "a", WRONG)]), group(0, 0)),
            vec![set(SPOT, 0)],
        ),
        (
            "found right since",
            policy(),
            situation(2, with(group(1, 1), vec![success(5), failed(9, "a", WRONG)]), group(0, 0)),
            vec![up(SPOT, 2)],
        ),
        ("Spot suspended", policy(), situation(1, suspended(group(0, 1)), group(0, 0)), vec![set(SPOT, 0), up(OD, 1)]),
        ("both suspended", policy(), situation(1, suspended(group(0, 0)), suspended(group(0, 0))), vec![]),
        // both refused
        (
            "On-Demand refused, Spot held: it goes on trying",
            policy(),
            situation(1, with(group(0, 0), refused()), with(group(0, 1), vec![failed(9, "a", REFUSED)])),
            vec![],
        ),
        (
            "On-Demand refused, Spot open again",
            policy(),
            situation(1, group(0, 0), with(group(0, 1), vec![failed(9, "a", REFUSED)])),
            vec![set(OD, 0), up(SPOT, 1)],
        ),
        // protected workers that were to leave
        (
            "a leaving worker is kept for a new job",
            policy(),
            situation(1, group(1, 0), group(0, 0)),
            vec![set(SPOT, 1)],
        ),
        ("only as many as there are jobs for", policy(), situation(1, group(3, 0), group(0, 0)), vec![set(SPOT, 1)]),
        ("kept and one more", policy(), situation(2, group(1, 0), group(0, 0)), vec![up(SPOT, 2)]),
        ("a leaving On-Demand worker is kept", policy(), situation(1, group(0, 0), group(1, 0)), vec![set(OD, 1)]),
        // revert
        ("revert idle: On-Demand stays while there are jobs", policy(), situation(1, group(1, 1), group(1, 1)), vec![]),
        ("a probe", reverting(), situation(1, group(0, 0), group(1, 1)), vec![up(SPOT, 1)]),
        ("one probe at a time", reverting(), situation(2, group(0, 1), group(2, 2)), vec![]),
        (
            "not so soon after a refusal",
            reverting(),
            situation(1, with(group(0, 0), vec![failed(1_000, "a", REFUSED)]), group(1, 1)),
            vec![],
        ),
        (
            "a probe that failed is withdrawn",
            reverting(),
            situation(1, with(group(0, 1), refused()), group(1, 1)),
            vec![set(SPOT, 0)],
        ),
        ("a success retires one", reverting(), situation(1, group(1, 1), group(1, 1)), vec![set(OD, 0)]),
        ("retired and still busy: no second probe", reverting(), situation(1, group(1, 1), group(1, 0)), vec![]),
        ("no probe at max", reverting(), situation(9, group(0, 0), group(4, 4)), vec![]),
        ("no probe where Spot is dear", reverting(), dear(situation(1, group(0, 0), group(1, 1)), 2.0, 2.0), vec![]),
        // a queue that cannot be read
        (
            "blind, woken by the alarm: one worker",
            policy(),
            queue_unread(true, group(0, 0), group(0, 0)),
            vec![up(SPOT, 1)],
        ),
        ("blind, woken by the tick: nothing new", policy(), queue_unread(false, group(0, 0), group(0, 0)), vec![]),
        ("blind: what runs is kept", policy(), queue_unread(true, group(2, 2), group(1, 1)), vec![]),
        (
            "blind: what is refused falls back",
            policy(),
            queue_unread(false, with(group(0, 1), refused()), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
    ];
    for (what, policy, situation, actions) in table {
        let decision = decide(&policy, &situation);
        assert_eq!(decision.actions, actions, "{what}: {decision:#?}");
    }
}

#[test]
fn a_misconfiguration_is_told_in_aws_words() {
    let decision = decide(&policy(), &situation(1, with(group(0, 0), vec![failed(9, "a", WRONG)]), group(0, 0)));
    assert!(decision.actions.is_empty());
    assert!(decision.reasons[0].to_string().contains(WRONG), "{decision:?}");
}

#[test]
fn an_idle_pair_needs_two_facts() {
    let wanted = Wanted::of(&policy(), &situation(0, group(0, 0), group(0, 0)));
    assert_eq!(wanted, Wanted { launches: false, prices: false });
    let wanted = Wanted::of(&policy(), &situation(1, group(0, 0), group(0, 0)));
    assert_eq!(wanted, Wanted { launches: true, prices: true });
    let no_price = Policy { max_price: None, ..policy() };
    assert!(!Wanted::of(&no_price, &situation(1, group(0, 0), group(0, 0))).prices);
    assert!(Wanted::of(&policy(), &situation(0, group(0, 1), group(0, 0))).launches);
}

#[test]
fn the_fallback_says_how_long_demand_waited() {
    let refused = vec![failed(20, "a", REFUSED), failed(35, "b", REFUSED)];
    let decision = decide(&policy(), &situation(1, with(group(0, 1), refused), group(0, 0)));
    assert_eq!(decision.fallback_after, Some(Seconds(35)));
}

// ---- properties -------------------------------------------------------------------------------------------------------

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
        Launch { started, ended, zone, outcome }
    })
}

fn any_fact<T: Clone + std::fmt::Debug + 'static>(
    known: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![8 => known.prop_map(Fact::Known), 1 => Just(Fact::Unreadable("x".into())), 1 => Just(Fact::NotRead)]
}

fn any_group(min: u32, max: u32) -> impl Strategy<Value = Group> {
    let state =
        prop_oneof![4 => Just("InService"), 1 => Just("Pending"), 1 => Just("Terminating"), 1 => Just("Standby")];
    let instance = (prop_oneof![Just("a"), Just("b")], state, any::<bool>()).prop_map(|(zone, state, protected)| {
        Instance { id: "i".into(), zone: zone.into(), state: state.into(), protected }
    });
    (
        min..=max,
        prop::collection::vec(instance, 0..=max as usize),
        any_fact(prop::collection::vec(any_launch(), 0..6)),
        prop::bool::weighted(0.1),
        prop::sample::subsequence(vec!["a".to_owned(), "b".to_owned()], 0..=2),
    )
        .prop_map(move |(desired, instances, launches, suspended, zones)| Group {
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
        spot in any_group(0, policy.max),
        on_demand in any_group(policy.base, policy.max),
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

/// The situation a moment after the actions: what is asked is what was decided; what is protected stays, the rest obeys.
fn after(situation: &Situation, decision: &Decision) -> Situation {
    let mut after = situation.clone();
    after.spot.desired = decision.spot;
    after.on_demand.desired = decision.on_demand;
    after
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_shrink_iters: 4_000, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn deciding_twice_changes_nothing_more((policy, situation) in any_case()) {
        let first = decide(&policy, &situation);
        // Where launches cannot be read, what was just asked for counts as refused the next time; see `LaunchesUnreadable`.
        prop_assume!(situation.spot.launches.known().is_some());
        let second = decide(&policy, &after(&situation, &first));
        prop_assert!(second.actions.is_empty(), "{first:#?}\nthen {second:#?}");
    }

    #[test]
    fn no_more_than_max_is_asked_for((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        let live = situation.spot.live() + situation.on_demand.live();
        let asked = decision.spot.max(situation.spot.live()) + decision.on_demand.max(situation.on_demand.live());
        let before = situation.spot.desired.max(situation.spot.live()) + situation.on_demand.desired.max(situation.on_demand.live());
        // What was too much already may stay, but nothing is added to it.
        prop_assert!(asked <= policy.max.max(live) || asked <= before, "{asked} of {}: {decision:#?}", policy.max);
        prop_assert!(decision.spot <= situation.spot.max && decision.on_demand <= situation.on_demand.max.max(policy.base));
    }

    #[test]
    fn what_is_added_is_needed((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        let probing = u32::from(decision.reasons.contains(&Reason::Probe));
        if decision.actions.iter().any(|action| matches!(action, Action::ScaleUp { .. })) {
            let asked = decision.spot.max(situation.spot.live()) + decision.on_demand.max(situation.on_demand.live());
            let live = situation.spot.live() + situation.on_demand.live();
            // An always-on worker that On-Demand cannot deliver cannot be withdrawn either, and Spot stands in for it.
            let stuck = situation.on_demand.min.saturating_sub(situation.on_demand.live());
            prop_assert!(asked <= (decision.need + probing + stuck).max(live + probing), "{decision:#?}");
        }
    }

    #[test]
    fn no_running_worker_is_lowered_away_unless_reverting((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        let reverting = policy.protect && matches!(policy.revert, Revert::After(_));
        for (market, to) in [(SPOT, decision.spot), (OD, decision.on_demand)] {
            let group = situation.group(market);
            if to < group.desired && !(market == OD && reverting) {
                prop_assert!(to >= group.live().min(group.desired), "{market}: {decision:#?}");
            }
        }
        prop_assert!(decision.on_demand >= policy.base.min(situation.on_demand.desired));
    }

    #[test]
    fn on_demand_only_where_spot_is_not_to_be_had((policy, situation) in any_case()) {
        let decision = decide(&policy, &situation);
        if decision.actions.iter().any(|action| matches!(action, Action::ScaleUp { market: OD, .. })) {
            let spot_full = decision.spot.max(situation.spot.live()) >= situation.spot.max;
            let said = decision.reasons.iter().any(|reason| matches!(
                reason,
                Reason::NoZoneOpen | Reason::SpotRefused { .. } | Reason::SpotQuota { .. } | Reason::LaunchSuspended { market: SPOT, .. }
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
            (decision.spot + decision.on_demand).saturating_sub(probing)
        };
        prop_assert!(workers(&busier) >= workers(&situation).min(policy.max), "{:#?}\n{:#?}", decide(&policy, &situation), decide(&policy, &busier));
    }

    #[test]
    fn absurd_numbers_do_not_panic((policy, mut situation) in any_case(), huge in prop::sample::select(vec![0, 1, u32::MAX]), now in any::<i64>()) {
        situation.now = Timestamp(now);
        situation.queue = Fact::Known(Queue { visible: huge, in_flight: huge });
        situation.spot.desired = huge;
        situation.on_demand.max = huge;
        let policy = Policy { max: huge, base: huge, jobs_per_worker: huge, max_price: Some(f64::NAN), window: Seconds(u64::MAX), hold: Seconds(u64::MAX), ..policy };
        let decision = decide(&policy, &situation);
        prop_assert!(decision.reasons.iter().all(|reason| !reason.to_string().is_empty()));
    }

    #[test]
    fn a_record_is_read_back_as_written((policy, situation) in any_case()) {
        prop_assume!(situation.prices.known().is_none_or(|changes| changes.iter().all(|change| change.usd.is_finite())));
        let decision = decide(&policy, &situation);
        let record = crate::Record {
            record: 1, trigger: crate::Trigger::Tick, policy, situation, decision, because: vec![], deeds: vec![], dry_run: false,
        };
        let line = serde_json::to_string(&record).expect("a record is JSON");
        prop_assert_eq!(serde_json::from_str::<crate::Record>(&line).expect("and read back"), record);
    }
}
