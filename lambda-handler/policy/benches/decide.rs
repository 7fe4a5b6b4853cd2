//! How long deciding takes, and how that grows. The anchor is 50 µs for six zones of a thousand price changes each.
//!
//!     cargo bench -p spot-policy

use std::fmt;
use std::hint::black_box;

use divan::Bencher;
use spot_policy::{
    Fact, Group, Launch, LaunchOutcome, Policy, PriceChange, Queue, Record, Seconds, Situation, Timestamp, Trigger,
    decide, prices_by_zone,
};

const NOW: Timestamp = Timestamp(1_795_464_000);
const ONE_HOUR: Seconds = Seconds(3_600);
const HOUR: i64 = ONE_HOUR.0 as i64;
/// As the history is in our days: a thousand changes in three months.
const NINETY_DAYS: i64 = 90 * 24 * HOUR;

fn main() {
    divan::main();
}

/// How many zones, and how many price changes each has had.
#[derive(Clone, Copy)]
struct Size {
    zones: u8,
    changes: i64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:2} zones, {:6} changes each", self.zones, self.changes)
    }
}

const USUAL: Size = Size { zones: 6, changes: 1_000 };

fn sizes() -> impl Iterator<Item = Size> {
    [1, 3, 6, 12].into_iter().flat_map(|zones| [10, 100, 1_000, 10_000].map(|changes| Size { zones, changes }))
}

fn zones(count: u8) -> Vec<String> {
    (b'a'..b'a' + count).map(|letter| format!("us-east-1{}", char::from(letter))).collect()
}

/// Changes spread evenly over so many seconds, newest first as AWS lists them.
fn changes(size: Size, seconds: i64) -> Vec<PriceChange> {
    let zones = zones(size.zones);
    let change = |number: i64, zone: &String| PriceChange {
        zone: zone.clone(),
        at: Timestamp(NOW.0 - number * seconds / size.changes),
        usd: 0.3 + (number % 7) as f64 / 100.0,
    };
    (0..size.changes).flat_map(|number| zones.iter().map(move |zone| change(number, zone))).collect()
}

fn situation(size: Size) -> Situation {
    let zones = zones(size.zones);
    let refused = zones.iter().map(|zone| Launch {
        id: "fa11ed".into(),
        started: Timestamp(NOW.0 - 60),
        ended: Some(Timestamp(NOW.0 - 58)),
        zone: Some(zone.clone()),
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
        prices: Fact::Known(changes(size, HOUR)),
        jobs_waiting_alarm: false,
    }
}

fn policy() -> Policy {
    Policy { max_price: Some(0.55), max: 20, ..Policy::default() }
}

/// All changes within the hour: the most there is to add up.
#[divan::bench(args = sizes())]
fn deciding(bencher: Bencher<'_, '_>, size: Size) {
    let (policy, situation) = (policy(), situation(size));
    bencher.bench_local(|| decide(black_box(&policy), black_box(&situation)));
}

#[divan::bench(args = [HOUR, NINETY_DAYS])]
fn average_of_changes_in_seconds(bencher: Bencher<'_, '_>, seconds: i64) {
    let changes = changes(USUAL, seconds);
    bencher.bench_local(|| prices_by_zone(black_box(&changes), NOW, ONE_HOUR).len());
}

#[divan::bench]
fn average_of_unsorted_changes(bencher: Bencher<'_, '_>) {
    let mut changes = changes(USUAL, HOUR);
    changes.sort_by_key(|change| change.at); // oldest first
    bencher.bench_local(|| prices_by_zone(black_box(&changes), NOW, ONE_HOUR).len());
}

#[divan::bench]
fn a_record_of_a_run(bencher: Bencher<'_, '_>) {
    let (policy, situation) = (policy(), situation(Size { changes: 10, ..USUAL }));
    let decision = decide(&policy, &situation);
    bencher.bench_local(|| {
        Record::new(Trigger::Tick, policy.clone(), situation.clone(), decision.clone(), vec![], false).because.len()
    });
}
