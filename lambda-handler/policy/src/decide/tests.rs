//! A table of situations, one for each rule.

mod properties;

use super::*;
use crate::situation::{Instance, Interruption, Launch, LaunchOutcome, PriceChange, Suspension};
use crate::units::{Seconds, Timestamp};

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
        (
            "it stands in for one that was warned of, and is listed until it is gone",
            reverting(),
            situation(1, with(group(1, 1), vec![success(600)]), with(group(1, 1), vec![success(60)])),
            vec![],
        ),
        (
            "Spot came since",
            reverting(),
            situation(1, with(group(1, 1), vec![success(60)]), with(group(1, 1), vec![success(60)])),
            vec![set(OD, 0)],
        ),
        (
            "it came long enough ago: none was taken back",
            reverting(),
            situation(1, with(group(1, 1), vec![success(600)]), with(group(1, 1), vec![success(300)])),
            vec![set(OD, 0)],
        ),
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
