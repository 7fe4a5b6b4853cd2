//! A table of situations, one for each rule, and the properties that hold in every situation.

use proptest::prelude::*;

use super::*;
use crate::situation::{Instance, Interruption, PriceChange, Suspension};

const NOW: Timestamp = Timestamp(1_000_000);
const REFUSED: &str = "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available that matches your request. Launching EC2 instance failed.";
const QUOTA: &str = "Max spot instance count exceeded. Launching EC2 instance failed.";
const WRONG: &str = "The requested configuration is currently not supported. Launching EC2 instance failed.";
const NO_ROLE: &str = "AuthFailure.ServiceLinkedRoleCreationNotPermitted: The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.";
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
        ..Instance::default()
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
    Launch { id: String::new(), started, ended, zone: Some(zone.to_owned()), outcome }
}

fn failed(ago: i64, zone: &str, text: &str) -> Launch {
    launch(ago, zone, LaunchOutcome::Failed(text.to_owned()))
}

fn with(mut group: Group, launches: Vec<Launch>) -> Group {
    group.launches = Fact::Known(launches);
    group
}

/// The first `count` instances have been warned.
fn warned(mut group: Group, count: usize) -> Group {
    group.instances.iter_mut().take(count).for_each(|instance| instance.warned = true);
    group
}

/// An instance was taken back so many seconds ago.
fn taken_back(mut group: Group, ago: i64, zone: &str) -> Group {
    group.interruptions.push(Interruption { at: Timestamp(NOW.0 - ago), zone: Some(zone.into()) });
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
            "a base that is refused is not Spot's where no job is",
            Policy { base: 1, ..policy() },
            situation(0, group(0, 1), with(Group { min: 1, ..group(0, 1) }, vec![failed(9, "a", REFUSED)])),
            vec![set(SPOT, 0)],
        ),
        (
            "but for a job Spot stands in for it",
            Policy { base: 1, ..policy() },
            situation(1, group(0, 0), with(Group { min: 1, ..group(0, 1) }, vec![failed(9, "a", REFUSED)])),
            vec![up(SPOT, 1)],
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
            "patience longer than a hold is over as well",
            Policy { hold: Seconds(60), ..patient.clone() },
            situation(1, with(group(0, 1), (0..17).map(|n| failed(5 + 20 * n, "a", REFUSED)).collect()), group(0, 0)),
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
        // interruptions
        (
            "a warned worker is replaced at once",
            policy(),
            situation(1, warned(group(1, 1), 1), group(0, 0)),
            vec![up(SPOT, 2)],
        ),
        ("warned twice, replaced once", policy(), situation(1, warned(group(1, 2), 1), group(0, 0)), vec![]),
        ("one of two, and no job for the second", policy(), situation(1, warned(group(2, 2), 1), group(0, 0)), vec![]),
        (
            "at max it is there until it is gone",
            Policy { max: 1, ..policy() },
            situation(1, warned(group(1, 1), 1), group(0, 0)),
            vec![],
        ),
        (
            "the other zone is dear: On-Demand at once",
            policy(),
            dear(situation(1, warned(group(1, 1), 1), group(0, 0)), 0.3, 2.0),
            vec![up(OD, 1)],
        ),
        (
            "gone from the one zone that is worth it: On-Demand",
            policy(),
            dear(situation(1, taken_back(group(0, 1), 30, "a"), group(0, 0)), 0.3, 2.0),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "replaced when it was warned, and again when it was gone: one leaves when free",
            Policy { protect: true, ..policy() },
            situation(1, taken_back(group(2, 2), 60, "a"), group(0, 0)),
            vec![set(SPOT, 1)],
        ),
        ("a busy one might leave", policy(), situation(1, taken_back(group(2, 2), 60, "a"), group(0, 0)), vec![]),
        (
            "too many for another reason: the idle alarm's matter",
            Policy { protect: true, ..policy() },
            situation(1, taken_back(group(3, 3), 60, "a"), group(0, 0)),
            vec![set(SPOT, 2)],
        ),
        (
            "gone, and the group replaces it by itself",
            policy(),
            situation(1, taken_back(group(0, 1), 30, "a"), group(0, 0)),
            vec![],
        ),
        (
            "gone for longer than a hold",
            policy(),
            dear(situation(1, taken_back(group(0, 0), 700, "a"), group(0, 0)), 0.3, 2.0),
            vec![up(SPOT, 1)],
        ),
        (
            "replaced in time, and then it is gone: no second replacement is waited for",
            policy(),
            situation(1, taken_back(with(group(1, 2), vec![success(125)]), 3, "a"), group(0, 0)),
            vec![set(SPOT, 1)],
        ),
        (
            "no probe soon after an interruption",
            reverting(),
            situation(1, taken_back(group(0, 0), 1_000, "a"), group(1, 1)),
            vec![],
        ),
        // an account that may not, and a definition that cannot
        (
            "no role for Spot: On-Demand, and no other zone is tried",
            policy(),
            situation(1, with(group(0, 1), vec![failed(9, "a", NO_ROLE)]), group(0, 0)),
            vec![set(SPOT, 0), up(OD, 1)],
        ),
        (
            "the Free plan has neither",
            policy(),
            situation(
                1,
                with(group(0, 1), vec![failed(9, "a", "The specified instance type is not eligible for Free Tier.")]),
                group(0, 0),
            ),
            vec![set(SPOT, 0)],
        ),
        (
            "On-Demand's quota, Spot open: Spot stands in",
            policy(),
            situation(1, group(0, 0), with(group(0, 1), vec![failed(9, "a", "VcpuLimitExceeded - x")])),
            vec![set(OD, 0), up(SPOT, 1)],
        ),
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

/// What a decision says, reason by reason.
fn said(policy: &Policy, situation: &Situation) -> Vec<String> {
    decide(policy, situation).reasons.iter().map(ToString::to_string).collect()
}

#[test]
fn a_closed_market_says_whether_price_or_refusal_closed_it() {
    let dear = |a, b| Situation { prices: prices(a, b), ..situation(1, group(0, 0), group(0, 0)) };
    assert_eq!(said(&policy(), &dear(0.9, 2.0)), ["no Spot: too dear in a, b"]);
    let mut half = dear(0.9, 0.3);
    half.spot.launches = Fact::Known(vec![failed(20, "b", REFUSED)]);
    assert_eq!(said(&policy(), &half), ["no Spot: too dear in a; on hold in b (no capacity)"]);
    let unknown = Situation { prices: Fact::Known(vec![]), ..dear(1.0, 1.0) };
    assert_eq!(said(&policy(), &unknown), ["no Spot: no price known in a, b"]);
    let nowhere = Group { zones: vec![], ..group(0, 0) };
    assert_eq!(said(&policy(), &situation(1, nowhere, group(0, 0))), ["no Spot: its group has no zone"]);
    let taken = dear(0.3, 0.9);
    let taken = Situation { spot: warned(group(1, 1), 1), ..taken };
    assert_eq!(
        said(&policy(), &taken),
        [
            "AWS takes 1 Spot Instance back within two minutes",
            "no Spot: on hold in a (AWS took one back); too dear in b"
        ]
    );
}

#[test]
fn a_suspended_group_is_said_once_and_first() {
    let suspension = Suspension { process: "Launch".into(), reason: "User suspended".into() };
    let suspended = |group| Group { suspended: vec![suspension.clone()], ..group };
    for visible in [0, 1] {
        for (spot, on_demand) in [(true, false), (false, true), (true, true)] {
            let pick = |yes| if yes { suspended(group(0, 0)) } else { group(0, 0) };
            let reasons = decide(&policy(), &situation(visible, pick(spot), pick(on_demand))).reasons;
            let said: Vec<_> = reasons
                .iter()
                .enumerate()
                .filter_map(|(index, reason)| match reason {
                    Reason::LaunchSuspended { market, .. } => Some((index, *market)),
                    _ => None,
                })
                .collect();
            let expected: Vec<_> =
                [(spot, SPOT), (on_demand, OD)].into_iter().filter(|it| it.0).map(|it| it.1).collect();
            let expected: Vec<_> = expected.into_iter().enumerate().collect();
            assert_eq!(said, expected, "{reasons:?}");
        }
    }
}

#[test]
fn both_refused_says_why_each_was() {
    let both = situation(
        1,
        with(group(0, 0), vec![failed(9, "a", QUOTA)]),
        with(group(0, 1), vec![failed(9, "a", "VcpuLimitExceeded - no")]),
    );
    assert_eq!(
        said(&policy(), &both),
        [
            "the account's Spot quota is used up; ask for more in Service Quotas. Spot is on hold in every zone",
            "On-Demand is refused too: «VcpuLimitExceeded - no». Ask for more in Service Quotas",
        ]
    );
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
            // What came twice leaves while there is work; where there is none, the idle alarm has it leave with all others.
            let twice = decision.reasons.iter().map(|reason| match reason {
                Reason::ReplacedTwice { count } => *count,
                _ => 0,
            });
            (decision.spot + decision.on_demand + twice.sum::<u32>()).saturating_sub(probing)
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
