//! The world's own laws, on random histories.

use proptest::prelude::*;
use spot_policy::{Policy, Revert, Seconds};

use super::world::{Mode, World};
use super::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

fn any_policy() -> impl Strategy<Value = Policy> {
    let revert = prop_oneof![
        Just((Revert::Idle, false)),
        Just((Revert::Idle, true)),
        Just((Revert::After(Seconds(60)), true)),
        Just((Revert::After(Seconds(1_800)), true)),
    ];
    (
        prop::option::weighted(0.8, prop::sample::select(vec![1.0, 0.5])),
        prop::sample::select(vec![0_u64, 0, 120, 600, 1_500]),
        prop::sample::select(vec![30_u64, 600, 1_800]),
        prop::sample::select(vec![60_u64, 3_600, 7_200]),
        revert,
        (1_u32..6).prop_flat_map(|max| (Just(max), prop::sample::select(vec![0, 0, 1.min(max), max]))),
        1_u32..3,
    )
        .prop_map(|(max_price, patience, hold, window, (revert, protect), (max, base), jobs_per_worker)| Policy {
            max_price,
            patience: Seconds(patience),
            hold: Seconds(hold),
            window: Seconds(window),
            revert,
            protect,
            max,
            base,
            jobs_per_worker,
            ..Policy::default()
        })
}

fn any_jobs() -> impl Strategy<Value = Source> {
    let trace = prop::collection::vec((0..10 * HOUR, 1_u32..6, prop::option::of(20_u32..4_000)), 0..12);
    let trace = trace.prop_map(|mut list| {
        list.sort_unstable();
        let start = Scenario::for_tests(1).start;
        Source::Trace(list.into_iter().map(|(at, jobs, service)| Arrival { at: start + at, jobs, service }).collect())
    });
    let pattern = (prop::sample::select(Pattern::ALL.to_vec()), prop::sample::select(vec![0.5, 6.0, 30.0]));
    prop_oneof![trace, pattern.prop_map(|((_, pattern), per_hour)| Source::Pattern { pattern, per_hour })]
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let changes = |count| prop::collection::vec((0_usize..3, 0..12 * HOUR, 0_usize..4), 0..count);
    (
        1_u8..4,
        changes(30),
        changes(20),
        any_jobs(),
        prop::sample::select(vec![20_u32, 300, 1_800]),
        prop::sample::select(vec![0_i64, 30, 240]),
        prop::sample::select(vec![None, Some(60_i64), Some(60), Some(300)]),
        prop::sample::select(vec![0.0, 0.0, 0.2]),
        any::<u64>(),
    )
        .prop_map(|(zones, prices, capacity, jobs, service, boot, tick, faults, seed)| {
            let mut scenario = Scenario::for_tests(zones);
            for (zone, at, value) in prices {
                // 0.425 is the limit of a max price of 0.5, to the last bit.
                let usd = [0.3, 0.425, 0.45, 0.9][value];
                scenario.prices.push(zone, scenario.start + at, Price::from_usd(usd).expect("a price"));
            }
            for (zone, at, value) in capacity {
                scenario.capacity.push(zone, scenario.start + at, value > 1);
            }
            scenario.prices.sort(Ord::max);
            scenario.capacity.sort(|a, b| a && b);
            Scenario {
                duration: 12 * HOUR,
                jobs,
                service,
                boot,
                tick,
                lost: faults,
                duplicated: faults,
                seed,
                ..scenario
            }
        })
}

use super::strategy::Strategy as Who;
use proptest::strategy::Strategy;

fn live(scenario: &Scenario, policy: &Policy, who: Who, skip: bool) -> (Outcome, Option<Timeline>) {
    World::live(scenario, policy, who, Mode { skip, pieces: 720 })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// Looks that are left out would have changed nothing: with them, everything happens at the very same moments.
    #[test]
    fn skipping_equals_not_skipping(scenario in any_scenario(), policy in any_policy()) {
        for who in Who::ALL {
            prop_assert_eq!(live(&scenario, &policy, who, true), live(&scenario, &policy, who, false));
        }
    }

    /// Nothing is lost, and nothing paid twice. (That every instance-second that passed was billed, to one market and once,
    /// is asserted where a world ends.)
    #[test]
    fn jobs_and_money_are_conserved(scenario in any_scenario(), policy in any_policy()) {
        for who in Who::ALL {
            let (outcome, timeline) = live(&scenario, &policy, who, true);
            let jobs = outcome.jobs;
            prop_assert_eq!(jobs.arrived, jobs.done + jobs.running + jobs.waiting, "{:?}", who);
            if let Source::Trace(trace) = &scenario.jobs {
                let came: u64 = trace.iter().filter(|it| it.at < scenario.end()).map(|it| u64::from(it.jobs)).sum();
                prop_assert_eq!(jobs.arrived, came);
            }
            let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * (1.0 + a.abs());
            prop_assert!(near(outcome.cost_usd, outcome.spot_usd + outcome.on_demand_usd));
            prop_assert!(near(outcome.on_demand_usd, outcome.on_demand_hours * scenario.on_demand.usd()));
            prop_assert!(outcome.spot_usd <= outcome.spot_hours * 0.9 + 1e-6 && outcome.spot_usd >= outcome.spot_hours * 0.3 - 1e-6);
            // The article's rule knows neither base nor what it has asked for.
            let most = f64::from(policy.max * if who == Who::Article { 2 } else { 1 }) * scenario.duration as f64 / 3_600.0;
            prop_assert!(outcome.spot_hours + outcome.on_demand_hours <= most + 1e-9, "{:?}", outcome);
            let pieces = timeline.expect("asked for").pieces;
            let hours = |of: fn(&Piece) -> f64| pieces.iter().map(of).sum::<f64>() / 60.0;
            prop_assert!(near(hours(|piece| piece.spot), outcome.spot_hours));
            prop_assert!(near(hours(|piece| piece.on_demand), outcome.on_demand_hours));
            if who == Who::OnDemand {
                prop_assert_eq!(outcome.spot_hours, 0.0);
            }
        }
    }
}

fn cases() -> u32 {
    std::env::var("SIMULATE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150)
}

fn patient_pair() -> Policy {
    Policy { max_price: Some(1.0), max: 2, revert: Revert::After(Seconds(1_800)), protect: true, ..Policy::default() }
}

#[test]
fn spot_that_is_always_there_serves_alone() {
    let scenario = Scenario::for_tests(2);
    let (outcome, _) = live(&scenario, &patient_pair(), Who::Spotstack, true);
    assert_eq!((outcome.interruptions, outcome.fallbacks, outcome.on_demand_hours), (0, Some(0), 0.0));
    assert!((outcome.spot_hours - 48.0).abs() < 0.1, "{outcome:?}");
    assert!(outcome.unserved.seconds <= 60 + DELIVERED, "{outcome:?}");
    assert!((outcome.cost_usd - 0.3 * outcome.spot_hours).abs() < 1e-9);
}

/// How long a look, a message and a launch take together.
const DELIVERED: u64 = 10;

#[test]
fn what_is_taken_back_is_replaced_before_it_is_gone() {
    let mut scenario = Scenario::for_tests(1);
    let start = scenario.start;
    scenario.capacity.push(0, start + 10 * HOUR, false);
    scenario.capacity.push(0, start + 12 * HOUR, true);
    let (outcome, _) = live(&scenario, &patient_pair(), Who::Spotstack, true);
    assert_eq!((outcome.interruptions, outcome.fallbacks), (1, Some(1)));
    assert!(outcome.unserved.seconds <= 2 * DELIVERED + 60, "{outcome:?}");
    // Two hours, and as long as the next probe and the job that On-Demand is at take.
    assert!((1.9..3.2).contains(&outcome.on_demand_hours), "{outcome:?}");
    let (spot_only, _) = live(&scenario, &patient_pair(), Who::SpotOnly, true);
    assert_eq!(spot_only.on_demand_hours, 0.0);
    assert!((2 * 3_600 - 300..2 * 3_600 + 120).contains(&spot_only.unserved.longest), "{spot_only:?}");
    let (never_back, _) = live(&scenario, &patient_pair(), Who::NeverRevert, true);
    assert!((never_back.on_demand_hours - 38.0).abs() < 0.2, "{never_back:?}");
    let (later, _) = live(&scenario, &patient_pair(), Who::After15Minutes, true);
    assert!((15 * 60 - 120..15 * 60 + 180).contains(&later.unserved.longest), "{later:?}");
}

#[test]
fn an_idle_pair_is_empty() {
    let scenario = Scenario {
        jobs: Source::Trace(vec![Arrival { at: Scenario::for_tests(1).start + HOUR, jobs: 1, service: Some(600) }]),
        ..Scenario::for_tests(1)
    };
    for who in Who::ALL {
        let (outcome, _) = live(&scenario, &patient_pair(), who, true);
        assert_eq!(outcome.jobs.done, 1, "{outcome:?}");
        let hours = outcome.spot_hours + outcome.on_demand_hours;
        // To boot, to work, until the idle alarm has seen five empty minutes.
        let minutes = 3.0 + 10.0 + 5.0 + 2.0;
        assert!(hours * 60.0 > minutes - 2.0 && hours * 60.0 < minutes + 1.0, "{who:?}: {hours}");
    }
}

#[test]
fn a_sleeping_queue_is_late_where_nobody_looks() {
    let at = Scenario::for_tests(1).start + 10 * HOUR;
    let scenario = |tick| Scenario {
        tick,
        jobs: Source::Trace(vec![Arrival { at, jobs: 1, service: Some(600) }]),
        ..Scenario::for_tests(1)
    };
    let waited = |tick| live(&scenario(tick), &patient_pair(), Who::Spotstack, true).0.waiting.max as i64;
    assert!((3 * MINUTE..5 * MINUTE).contains(&waited(Some(60))), "{}", waited(Some(60)));
    assert!((18 * MINUTE..21 * MINUTE).contains(&waited(None)), "{}", waited(None));
}

#[test]
fn one_seed_one_result() {
    let scenario = Scenario {
        jobs: Source::Pattern { pattern: Pattern::Bursts, per_hour: 5.0 },
        lost: 0.1,
        duplicated: 0.1,
        ..Scenario::for_tests(3)
    };
    let of = |seed| live(&Scenario { seed, ..scenario.clone() }, &patient_pair(), Who::Spotstack, true).0;
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

/// On recordings that are nobody's to ship: `SPOTSTACK_CAPACITY=FOLDER cargo test --workspace recorded_capacity -- --ignored` with
/// `p3.2xlarge-REGION-2023-02.availability.csv` in it. The savings are those of an independent calculation.
#[test]
#[ignore = "needs recordings, in the folder that SPOTSTACK_CAPACITY names"]
fn recorded_capacity_gives_what_was_calculated() {
    let folder = std::env::var_os("SPOTSTACK_CAPACITY").expect("SPOTSTACK_CAPACITY");
    for (region, saved) in [("us-west-2", 0.664), ("us-east-2", 0.546)] {
        let file = std::path::Path::new(&folder).join(format!("p3.2xlarge-{region}-2023-02.availability.csv"));
        let input = std::io::BufReader::new(std::fs::File::open(&file).expect("a recording"));
        let recorded = trace::capacity(region, input).expect("a trace");
        let zones = recorded.zones.len();
        let mut capacity = recorded.series;
        capacity.shift(Scenario::for_tests(1).start);
        let scenario = Scenario {
            duration: recorded.duration,
            zones: recorded.zones,
            prices: Series::constant(zones, Price(300_000_000)),
            capacity,
            service: 195,
            boot: 0,
            ..Scenario::for_tests(1)
        };
        let (outcome, _) = live(&scenario, &patient_pair(), Who::Spotstack, true);
        let saving = 1.0 - outcome.cost_usd / (scenario.duration as f64 / 3_600.0);
        assert!((saving - saved).abs() < 0.01, "{region}: {saving} for {saved}");
        assert!(outcome.unserved.longest <= 195, "{region}: {outcome:?}");
        assert!(outcome.double_capacity_hours < 5.0, "{region}: {outcome:?}");
    }
}
