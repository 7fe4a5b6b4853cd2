//! Random histories through a simulated world with the real `decide`: whatever happens to a pair, its jobs are worked, it is
//! never paid for twice, and it does not flap.
//!
//! The same histories on every run; a failing one is shrunk to what matters. `MODEL_CASES=100000` tries more.

mod world;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use spot_policy::{Action, Market, Policy, Revert, Seconds};
use world::{Delivery, Happening, Refusal, STEP, Setup, Supply, World};

fn any_setup() -> impl Strategy<Value = Setup> {
    let revert =
        prop_oneof![Just(Revert::Idle), Just(Revert::After(Seconds(300))), Just(Revert::After(Seconds(1_800)))];
    let policy = (
        prop::option::weighted(0.8, Just(1.0)),
        prop::sample::select(vec![0_u64, 0, 120, 600]),
        prop::sample::select(vec![60_u64, 600, 1_800]),
        revert,
        prop_oneof![4 => 1_u32..6, 1 => 6_u32..16]
            .prop_flat_map(|max| (Just(max), prop::sample::select(vec![0, 0, 0, 1.min(max), 3.min(max), max]))),
        1_u32..3,
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
        });
    (
        policy,
        1_usize..4,
        prop::sample::select(vec![30_i64, 120, 300]),
        prop::sample::select(vec![30_i64, 200, 1_200]),
        prop::sample::select(vec![20_i64, 60, 180]),
        prop::sample::select(vec![0_i64, 60, 900]),
        prop::sample::select(vec![0_i64, 20, 60]),
        prop::sample::select(vec![60_i64, 60, 300]),
    )
        .prop_map(|(policy, zones, boot, job, retry, metric_delay, health, tick)| Setup {
            policy,
            zones,
            boot,
            job,
            retry,
            metric_delay,
            idle_after: 300,
            health,
            tick,
        })
}

fn any_market() -> impl Strategy<Value = Market> {
    prop_oneof![3 => Just(Market::Spot), 1 => Just(Market::OnDemand)]
}

fn any_supply() -> impl Strategy<Value = Supply> {
    let refusal = prop_oneof![
        6 => Just(Refusal::Capacity),
        2 => Just(Refusal::Quota),
        2 => Just(Refusal::Unknown),
        1 => Just(Refusal::Configuration),
    ];
    prop_oneof![
        2 => Just(Supply::Unlimited),
        4 => (0_usize..3, refusal).prop_map(|(most, refusal)| Supply::Limited(most, refusal)),
        1 => Just(Supply::Silent),
    ]
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let delivery = prop_oneof![
        2 => Just(Delivery::Once),
        1 => Just(Delivery::Twice),
        1 => (10_i64..300).prop_map(Delivery::Late),
        1 => Just(Delivery::Lost),
    ];
    prop_oneof![
        8 => prop_oneof![4 => 1_u32..6, 1 => 6_u32..30].prop_map(Happening::Jobs),
        8 => (any_market(), 0_usize..3, any_supply()).prop_map(|(market, zone, supply)| Happening::Supply(market, zone, supply)),
        3 => (0_usize..3, prop::sample::select(vec![0.2, 0.5, 0.9, 1.5])).prop_map(|(zone, usd)| Happening::Price(zone, usd)),
        4 => (0_usize..4).prop_map(Happening::Interrupt),
        2 => delivery.prop_map(Happening::Delivery),
        1 => (any_market(), any::<bool>()).prop_map(|(market, yes)| Happening::Suspended(market, yes)),
        1 => (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(a, b, c)| Happening::Unreadable(a, b, c)),
    ]
}

/// A history, and the market and zone in which there is capacity at its end.
fn any_history() -> impl Strategy<Value = (Setup, Vec<(i64, Happening)>, (Market, usize))> {
    let gap = prop_oneof![3 => 0_i64..60, 3 => 60_i64..300, 1 => 300_i64..1_500];
    let history = (any_setup(), prop::collection::vec((gap, any_happening()), 1..40), (any_market(), 0_usize..3));
    history.prop_map(|(setup, history, (market, zone))| {
        // Where all workers are always-on ones, Spot has no place beside them.
        let market = if setup.policy.base == setup.policy.max { Market::OnDemand } else { market };
        (setup, history, (market, zone))
    })
}

/// Runs one history. What is wrong is an error that says when, and what the last decision was.
fn live(setup: &Setup, history: &[(i64, Happening)], capacity: (Market, usize)) -> Result<World, TestCaseError> {
    let mut world = World::new(setup.clone());
    for &(gap, happening) in history {
        for _ in 0..gap / STEP {
            step(setup, &mut world)?;
        }
        world.happens(happening);
    }
    let at_work = 2 * setup.job;
    for _ in 0..at_work / STEP {
        step(setup, &mut world)?;
    }

    // All that is wrong passes, but for the markets: of those one gives what is wanted in one zone.
    world.calm(capacity.0, capacity.1);
    let policy = &setup.policy;
    let jobs = i64::from(world.jobs());
    let patience = i64::try_from(policy.patience.0).unwrap_or(0);
    let hold = i64::try_from(policy.held_for().max(policy.window).0).unwrap_or(0);
    let within =
        2 * (hold + patience) + 900 + 4 * (setup.retry + setup.boot + setup.tick) + (jobs + 1) * (setup.job + 60);
    let served = run_until(setup, &mut world, within, |world| world.jobs() == 0)?;
    check(served, &world, || format!("{} jobs still wait after {within} s of calm", world.jobs()))?;

    let within = setup.idle_after + setup.metric_delay + setup.boot + 2 * setup.tick + 300;
    let empty = run_until(setup, &mut world, within, |world| world.counts() == [(0, 0), (policy.base, policy.base)])?;
    // A base that On-Demand cannot deliver goes on being asked for.
    let base_refused = policy.base > 0 && world.counts()[0] == (0, 0) && world.counts()[1].0 == policy.base;
    check(empty || base_refused, &world, || "an idle pair keeps workers beyond its base".into())?;
    Ok(world)
}

fn run_until(
    setup: &Setup,
    world: &mut World,
    within: i64,
    done: impl Fn(&World) -> bool,
) -> Result<bool, TestCaseError> {
    for _ in 0..within / STEP {
        if done(world) {
            return Ok(true);
        }
        step(setup, world)?;
    }
    Ok(done(world))
}

fn step(setup: &Setup, world: &mut World) -> Result<(), TestCaseError> {
    let calls = world.calls.len();
    world.step();
    let policy = &setup.policy;
    check(world.asked() <= policy.max, world, || format!("{} of at most {}", world.asked(), policy.max))?;
    let probe = u32::from(policy.protect && policy.revert != Revert::Idle);
    // Spot stands in for a base that On-Demand does not deliver, and which cannot be withdrawn.
    let most = world.peak + world.warned + probe + policy.base;
    check(world.asked() <= most, world, || format!("{} asked for where {most} would do", world.asked()))?;
    check(world.counts()[1].0 >= policy.base, world, || "fewer than base are asked for".into())?;
    for call in calls..world.calls.len() {
        no_flap(setup, world, call)?;
    }
    Ok(())
}

/// Spot that was asked in vain is asked again no more often within a hold than it has zones that might have it. (On-Demand
/// has no hold: it is what serves when all else is refused.)
fn no_flap(setup: &Setup, world: &World, index: usize) -> Result<(), TestCaseError> {
    let now = world.calls[index].at;
    let hold = i64::try_from(setup.policy.held_for().0).unwrap_or(i64::MAX);
    let (mut asked, mut withdrawn, mut again) = (0, false, 0);
    for it in &world.calls[..=index] {
        match it.action {
            _ if it.action.market() != Market::Spot || it.blind || now - it.at >= hold => {}
            // What is withdrawn because fewer are needed may be asked again when more are.
            Action::SetDesired { to, .. } => withdrawn |= to < it.desired && it.desired > it.has && it.need >= asked,
            Action::ScaleUp { .. } => {
                again += usize::from(withdrawn && !it.replaces);
                (withdrawn, asked) = (false, it.need);
            }
        }
    }
    check(again <= setup.zones, world, || format!("Spot was withdrawn and asked again {again} times within {hold} s"))
}

fn check(holds: bool, world: &World, what: impl Fn() -> String) -> Result<(), TestCaseError> {
    if holds {
        return Ok(());
    }
    let calls: Vec<_> = world
        .calls
        .iter()
        .rev()
        .take(12)
        .map(|call| format!("\n  {} {:?} (asked {}, had {})", call.at - 1_000_000, call.action, call.desired, call.has))
        .collect();
    Err(TestCaseError::fail(format!(
        "at {}: {}\n{:?}\nlast calls:{}\nlast: {:#?}",
        world.now - 1_000_000,
        what(),
        world.counts(),
        calls.concat(),
        world.last,
    )))
}

#[test]
fn every_history_ends_well() {
    let cases = std::env::var("MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_000);
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&any_history(), |(setup, history, capacity)| live(&setup, &history, capacity).map(|_| ()));
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// A warning wakes one run; to all others the instance works until it is gone. What stands in for it stays that long.
#[test]
fn what_stands_in_for_a_warned_worker_is_not_retired() {
    let policy = Policy {
        max_price: Some(1.0),
        revert: Revert::After(Seconds(300)),
        max: 2,
        protect: true,
        ..Policy::default()
    };
    let (boot, job, retry, health) = (30, 3_600, 30, 60);
    let setup = Setup { policy, zones: 1, boot, job, retry, metric_delay: 0, idle_after: 300, health, tick: 60 };
    let mut world = World::new(setup);
    world.happens(Happening::Jobs(1));
    for _ in 0..900 / STEP {
        world.step();
    }
    assert_eq!(world.counts(), [(1, 1), (0, 0)], "Spot works on it");
    world.happens(Happening::Interrupt(0));
    world.step(); // On-Demand is asked
    for second in (2 * STEP..120 + health).step_by(STEP as usize) {
        world.step();
        assert_eq!(world.counts(), [(1, 1), (1, 1)], "{second} s after the warning");
    }
    for _ in 0..2 * job / STEP {
        world.step();
    }
    assert_eq!((world.counts(), world.jobs()), ([(0, 0), (0, 0)], 0), "and both leave in the end");
}
