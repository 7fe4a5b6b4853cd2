//! What a history is to a policy: each zone's price in numbers, and when Spot would have been worth it.

use spot_policy::{Policy, PriceChange, Seconds, Timestamp, prices_by_zone};

use super::History;
use crate::chart::Span;

/// How often the SpotManager looks by default.
const LOOK: i64 = 60;

/// All zones.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// In the order of their names.
    pub zones: Vec<Zone>,
    /// The part of the time, 0 to 1, in which at least one zone was worth it; `None` where no price is a reason against Spot.
    pub anywhere: Option<f64>,
}

/// One zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its name.
    pub zone: String,
    /// The price at the end.
    pub now: f64,
    /// Of the prices that there were, each counted once.
    pub mean: f64,
    /// Each price weighted by how long it held.
    pub weighted_mean: f64,
    /// In 95 % of the time it cost no more.
    pub p95: f64,
    /// The part of the time, 0 to 1, in which the policy would have had Spot tried; `None` where no price is a reason against.
    pub worth_it: Option<f64>,
    /// Since when a price is known: the beginning, or the first change after it.
    pub since: Timestamp,
    /// Changes after the beginning.
    pub changes: usize,
}

impl Summary {
    /// The numbers of a history from the beginning to the end of a span, by the rules of a policy. A zone without a price
    /// before the end is absent.
    pub fn new(history: &History, span: Span, policy: &Policy) -> Self {
        let mut zones = Vec::new();
        let mut anywhere = Vec::new();
        let mut first = span.end;
        for (name, changes) in &history.zones {
            let changes = &changes[changes.partition_point(|change| change.at > span.end)..];
            let Some(oldest) = changes.last() else { continue };
            let since = oldest.at.max(span.start);
            first = first.min(since);
            let known = Span { start: since, end: span.end };
            let whole = prices_by_zone(changes, span.end, Seconds(known_seconds(known).unsigned_abs()));
            let Some(price) = whole.get(name.as_str()) else { continue };
            let worth = policy.limit().map(|limit| worth_it(name, changes, known, policy.window, limit));
            let share = worth.as_ref().map(|times| share(times, known));
            anywhere.extend(worth.unwrap_or_default());
            // The one in force at the beginning counts, too.
            let within = (changes.partition_point(|change| change.at > since) + 1).min(changes.len());
            zones.push(Zone {
                zone: name.clone(),
                now: price.now,
                mean: changes[..within].iter().map(|change| change.usd).sum::<f64>() / within as f64,
                weighted_mean: price.average,
                p95: quantile(&changes[..within], known, 0.95),
                worth_it: share,
                since,
                changes: changes.partition_point(|change| change.at > span.start),
            });
        }
        let known = Span { start: first, end: span.end };
        let anywhere = policy.limit().map(|_| share(&united(anywhere), known));
        Self { zones, anywhere }
    }
}

fn known_seconds(span: Span) -> i64 {
    span.end.0.saturating_sub(span.start.0).max(0)
}

/// When the policy would have had Spot tried in a zone, looked at each minute: its own average and guard over its own window.
/// As long as the window holds one price only, nothing changes until the next.
fn worth_it(
    zone: &str,
    changes: &[PriceChange],
    span: Span,
    window: Seconds,
    limit: f64,
) -> Vec<(Timestamp, Timestamp)> {
    let mut times: Vec<(Timestamp, Timestamp)> = Vec::new();
    let mut at = span.start;
    // The newest change that has happened by `at`.
    let mut newest = changes.partition_point(|change| change.at > at);
    loop {
        while newest > 0 && changes[newest - 1].at <= at {
            newest -= 1;
        }
        let begin = Timestamp(at.0.saturating_sub(i64::try_from(window.0).unwrap_or(i64::MAX)));
        let seen = changes.get(newest..).unwrap_or_default();
        // With the last one before the window, whose price it began with.
        let seen = &seen[..(seen.partition_point(|change| change.at > begin) + 1).min(seen.len())];
        let worth = prices_by_zone(seen, at, window).get(zone).is_some_and(|price| price.guarded() <= limit);
        let next = match (seen.len(), newest) {
            (0 | 1, 0) => span.end.0,
            // The first look after the next change.
            (0 | 1, _) => at.0 + looks(changes[newest - 1].at.0 - at.0),
            _ => at.0 + LOOK,
        };
        let next = Timestamp(next.min(span.end.0).max(at.0));
        if worth {
            match times.last_mut().filter(|(_, end)| *end == at) {
                Some((_, end)) => *end = next,
                None => times.push((at, next)),
            }
        }
        if next >= span.end || next == at {
            return times;
        }
        at = next;
    }
}

/// The next multiple of a look.
fn looks(seconds: i64) -> i64 {
    seconds.div_euclid(LOOK) * LOOK + if seconds.rem_euclid(LOOK) == 0 { 0 } else { LOOK }
}

/// The part of a span that these times are; of a span without length, whether there are any.
fn share(times: &[(Timestamp, Timestamp)], span: Span) -> f64 {
    let all = known_seconds(span);
    if all == 0 {
        return if times.is_empty() { 0.0 } else { 1.0 };
    }
    let within: i64 = times.iter().map(|(start, end)| end.0 - start.0).sum();
    (within as f64 / all as f64).clamp(0.0, 1.0)
}

/// Times that do not overlap, from some that may.
fn united(mut times: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    times.sort_unstable();
    let mut united: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in times {
        match united.last_mut().filter(|(_, last)| *last >= start) {
            Some((_, last)) => *last = (*last).max(end),
            None => united.push((start, end)),
        }
    }
    united
}

/// The price that was not exceeded in this part of the time. Changes come newest first.
fn quantile(changes: &[PriceChange], span: Span, part: f64) -> f64 {
    let mut until = span.end;
    let mut held: Vec<(f64, i64)> = Vec::with_capacity(changes.len());
    for change in changes {
        held.push((change.usd, until.0 - change.at.max(span.start).0));
        until = change.at;
    }
    held.sort_by(|a, b| a.0.total_cmp(&b.0));
    let enough = held.iter().map(|(_, seconds)| *seconds).sum::<i64>() as f64 * part;
    let mut seconds = 0;
    let reached = held.iter().find(|(_, held)| {
        seconds += held;
        seconds as f64 >= enough
    });
    reached.or(held.last()).map_or(0.0, |(usd, _)| *usd)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::Kind;

    fn history(changes: &[(&str, i64, f64)]) -> History {
        let changes = changes.iter().map(|&(zone, at, usd)| PriceChange { zone: zone.into(), at: Timestamp(at), usd });
        History::new(Kind { instance_type: String::new(), product: String::new() }, changes)
    }

    fn policy(max_price: Option<f64>) -> Policy {
        Policy { max_price, headroom: "0%".parse().expect("none"), window: Seconds(3_600), ..Policy::default() }
    }

    fn span(start: i64, end: i64) -> Span {
        Span { start: Timestamp(start), end: Timestamp(end) }
    }

    #[test]
    fn a_zone_in_numbers() {
        // Ten hours: 0.2 for nine, then 1.0.
        let history = history(&[("a", -5, 0.2), ("a", 32_400, 1.0), ("b", 18_000, 0.4), ("c", 99_999, 0.1)]);
        let summary = Summary::new(&history, span(0, 36_000), &policy(Some(0.5)));
        let [a, b] = &summary.zones[..] else { panic!("{summary:?}") };
        assert_eq!((a.zone.as_str(), a.now, a.p95, a.changes, a.since), ("a", 1.0, 1.0, 1, Timestamp(0)));
        assert!((a.mean - 0.6).abs() < 1e-9 && (a.weighted_mean - 0.28).abs() < 1e-9, "{a:?}");
        assert_eq!(a.worth_it, Some(0.9), "the price now counts at once");
        assert_eq!((b.now, b.weighted_mean, b.since, b.worth_it), (0.4, 0.4, Timestamp(18_000), Some(1.0)));
        assert_eq!(summary.anywhere, Some(1.0));
        assert_eq!(Summary::new(&history, span(0, 36_000), &policy(None)).anywhere, None);
    }

    #[test]
    fn a_dear_hour_is_remembered_for_as_long_as_the_window() {
        // Dear from 1 h to 2 h; with the average over an hour back at 0.5 half an hour later.
        let history = history(&[("a", 0, 0.0), ("a", 3_600, 1.0), ("a", 7_200, 0.0)]);
        let summary = Summary::new(&history, span(0, 36_000), &policy(Some(0.5)));
        assert_eq!(summary.zones[0].worth_it, Some((36_000.0 - 3_600.0 - 1_800.0) / 36_000.0));
    }

    #[test]
    fn a_moment_is_a_span() {
        let summary = Summary::new(&history(&[("a", 7, 0.2)]), span(7, 7), &policy(Some(0.5)));
        let zone = &summary.zones[0];
        assert_eq!((zone.now, zone.mean, zone.weighted_mean, zone.p95), (0.2, 0.2, 0.2, 0.2));
        assert_eq!((zone.worth_it, summary.anywhere), (Some(1.0), Some(1.0)));
        assert_eq!(Summary::new(&history(&[]), span(0, 9), &policy(Some(0.5))).zones, []);
    }

    proptest! {
        /// The same as asking the policy at every minute, with all changes.
        #[test]
        fn skipping_what_does_not_change_changes_nothing(
            list in proptest::collection::vec((0_i64..40_000, proptest::sample::select(vec![0.1, 0.4, 0.6, 2.0])), 1..25),
            start in 0_i64..20_000, minutes in 1_i64..400, window in 60_u64..9_000,
        ) {
            let list: Vec<_> = list.into_iter().map(|(at, usd)| ("a", at, usd)).collect();
            let (history, policy) = (history(&list), Policy { window: Seconds(window), ..policy(Some(0.5)) });
            let span = span(start, start + minutes * 60);
            let summary = Summary::new(&history, span, &policy);
            let changes = &history.zones["a"];
            let Some(zone) = summary.zones.first() else {
                prop_assert!(changes.iter().all(|change| change.at > span.end));
                return Ok(());
            };
            let mut worth = 0;
            let mut at = zone.since;
            while at < span.end {
                let next = Timestamp((at.0 + LOOK).min(span.end.0));
                if prices_by_zone(changes, at, policy.window)["a"].guarded() <= 0.5 {
                    worth += next.0 - at.0;
                }
                at = next;
            }
            let all = (span.end.0 - zone.since.0) as f64;
            if all > 0.0 {
                prop_assert!((zone.worth_it.expect("a limit") - worth as f64 / all).abs() < 1e-9, "{zone:?} {worth} of {all}");
            }
            prop_assert!(zone.p95 >= changes.iter().map(|change| change.usd).fold(f64::INFINITY, f64::min));
        }
    }
}
