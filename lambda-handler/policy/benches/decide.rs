//! How long deciding takes. The anchor is 50 µs for six zones of a thousand price changes each.
//!
//!     cargo bench -p spot-policy

use std::hint::black_box;

use divan::Bencher;
use spot_policy::{
    Fact, Group, Launch, LaunchOutcome, Policy, PriceChange, Queue, Record, Seconds, Situation, Timestamp, Trigger,
    decide, prices_by_zone,
};

const NOW: Timestamp = Timestamp(1_795_464_000);
const ZONES: [&str; 6] = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f"];

fn main() {
    divan::main();
}

/// So many changes of every zone, newest first as AWS lists them, the last `seconds` apart.
fn changes(each: i64, seconds: i64) -> Vec<PriceChange> {
    let zone = |at, (offset, zone): (i64, &&str)| PriceChange {
        zone: (*zone).to_owned(),
        at: Timestamp(NOW.0 - at * seconds - offset),
        usd: 0.3 + (at % 7) as f64 / 100.0,
    };
    (0..each).flat_map(|at| (0..).zip(&ZONES).map(move |it| zone(at, it))).collect()
}

fn situation(prices: Vec<PriceChange>) -> Situation {
    let zones: Vec<String> = ZONES.iter().map(|&zone| zone.to_owned()).collect();
    let refused = ZONES.iter().map(|zone| Launch {
        id: "fa11ed".into(),
        started: Timestamp(NOW.0 - 60),
        ended: Some(Timestamp(NOW.0 - 58)),
        zone: Some((*zone).to_owned()),
        outcome: LaunchOutcome::Failed(
            "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available".into(),
        ),
    });
    let group = |launches| Group { max: 20, zones: zones.clone(), launches: Fact::Known(launches), ..Group::default() };
    Situation {
        now: NOW,
        queue: Fact::Known(Queue { visible: 5, in_flight: 2 }),
        spot: Group { desired: 5, ..group(refused.collect()) },
        on_demand: group(vec![]),
        prices: Fact::Known(prices),
        jobs_waiting_alarm: false,
    }
}

fn policy() -> Policy {
    Policy { max_price: Some(0.55), max: 20, ..Policy::default() }
}

/// All changes within the hour: the most there is to add up.
#[divan::bench(args = [10, 1_000])]
fn decide_with_changes_of_each_zone(bencher: Bencher<'_, '_>, each: i64) {
    let (policy, situation) = (policy(), situation(changes(each, 3)));
    bencher.bench_local(|| decide(black_box(&policy), black_box(&situation)));
}

#[divan::bench]
fn average_of_an_hour_of_changes(bencher: Bencher<'_, '_>) {
    let changes = changes(1_000, 3);
    bencher.bench_local(|| prices_by_zone(black_box(&changes), NOW, Seconds(3_600)).len());
}

/// As the history is in our days: a few changes a day for three months.
#[divan::bench]
fn average_of_ninety_days(bencher: Bencher<'_, '_>) {
    let changes = changes(1_000, 7_776);
    bencher.bench_local(|| prices_by_zone(black_box(&changes), NOW, Seconds(3_600)).len());
}

#[divan::bench]
fn average_of_unsorted_changes(bencher: Bencher<'_, '_>) {
    let mut changes = changes(1_000, 3);
    changes.sort_by_key(|change| change.at); // oldest first
    bencher.bench_local(|| prices_by_zone(black_box(&changes), NOW, Seconds(3_600)).len());
}

#[divan::bench]
fn a_record_of_a_run(bencher: Bencher<'_, '_>) {
    let (policy, situation) = (policy(), situation(changes(10, 300)));
    let decision = decide(&policy, &situation);
    bencher.bench_local(|| {
        Record::new(Trigger::Tick, policy.clone(), situation.clone(), decision.clone(), vec![], false).because.len()
    });
}
