//! Charts of what goes on in time, for a terminal and for a page.
//!
//! What is drawn is a [`Steps`]: a value that holds until the next one, as prices, fleets and queues do. [`terminal`] draws in the
//! letters of a terminal, readable without colours and at any width; [`svg`] draws what a page shows, and [`page`] is the page.
//!
//! Why none of the chart libraries: those for terminals draw sloping lines in dots, which without colours cannot be told apart, and
//! know no axis of time; those for SVG write fixed colours without a text alternative, and a page should follow its reader's
//! light or dark and speak to a screen reader. What is left of them are scales, which are few lines.

use spot_policy::Timestamp;

pub mod page;
pub mod scale;
pub mod svg;
pub mod terminal;

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The beginning.
    pub start: Timestamp,
    /// The end.
    pub end: Timestamp,
}

impl Span {
    /// Seconds; at least one, so that there is something to divide by.
    pub fn seconds(self) -> f64 {
        (self.end.0.saturating_sub(self.start.0).max(1)) as f64
    }

    /// Where a moment lies: 0 is the beginning, 1 the end.
    pub fn share(self, at: Timestamp) -> f64 {
        (at.0.saturating_sub(self.start.0) as f64 / self.seconds()).clamp(0.0, 1.0)
    }
}

/// A value that holds until the next one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Steps {
    /// What it is the value of.
    pub label: String,
    /// Since when it is what, oldest first.
    pub points: Vec<(Timestamp, f64)>,
}

/// A level that values are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// What it is.
    pub label: String,
    /// Where it is.
    pub value: f64,
}

/// What can be compared: one value of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Whose value it is.
    pub label: String,
    /// The value, which is not below 0.
    pub value: f64,
    /// The value in words.
    pub text: String,
}

/// A part of a span, and the values in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The lowest.
    pub low: f64,
    /// Each weighted by how long it held.
    pub mean: f64,
    /// The highest.
    pub high: f64,
}

impl Steps {
    /// Cuts a span into parts of the same length; a part in which nothing is known yet is `None`.
    pub fn buckets(&self, span: Span, parts: usize) -> Vec<Option<Bucket>> {
        let width = span.seconds() / parts.max(1) as f64;
        let from_start = |at: Timestamp| at.0.saturating_sub(span.start.0) as f64;
        let mut next = self.points.partition_point(|(at, _)| *at <= span.start);
        let mut current = next.checked_sub(1).map(|index| self.points[index].1);
        let mut buckets = Vec::with_capacity(parts);
        for part in 0..parts {
            let (mut at, end) = (part as f64 * width, (part + 1) as f64 * width);
            let mut bucket = Sum::default();
            while let Some(&(change, value)) = self.points.get(next).filter(|(change, _)| from_start(*change) < end) {
                bucket.add(current, from_start(change) - at);
                (at, current, next) = (from_start(change), Some(value), next + 1);
            }
            bucket.add(current, end - at);
            buckets.push(bucket.bucket());
        }
        buckets
    }

    /// The value at a moment; `None` before the first.
    pub fn at(&self, at: Timestamp) -> Option<f64> {
        let index = self.points.partition_point(|(change, _)| *change <= at).checked_sub(1)?;
        Some(self.points[index].1)
    }

    /// The highest value within a span.
    pub fn highest(&self, span: Span) -> Option<f64> {
        let within = self.points.iter().filter(|(at, _)| *at > span.start && *at <= span.end).map(|(_, value)| *value);
        within.chain(self.at(span.start)).reduce(f64::max)
    }
}

#[derive(Debug, Default)]
struct Sum {
    seconds: f64,
    total: f64,
    range: Option<(f64, f64)>,
}

impl Sum {
    fn add(&mut self, value: Option<f64>, seconds: f64) {
        if let Some(value) = value.filter(|_| seconds > 0.0) {
            self.seconds += seconds;
            self.total += value * seconds;
            let (low, high) = self.range.unwrap_or((value, value));
            self.range = Some((low.min(value), high.max(value)));
        }
    }

    fn bucket(self) -> Option<Bucket> {
        // Rounding may carry a mean a hair beyond what it is the mean of.
        self.range.map(|(low, high)| Bucket { low, mean: (self.total / self.seconds).clamp(low, high), high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(points: &[(i64, f64)]) -> Steps {
        Steps { label: "a".into(), points: points.iter().map(|(at, value)| (Timestamp(*at), *value)).collect() }
    }

    fn span(start: i64, end: i64) -> Span {
        Span { start: Timestamp(start), end: Timestamp(end) }
    }

    #[test]
    fn a_value_holds_until_the_next() {
        let steps = steps(&[(10, 1.0), (15, 3.0), (40, 9.0)]);
        let buckets = steps.buckets(span(0, 40), 4);
        let flat: Vec<_> =
            buckets.iter().map(|bucket| bucket.map(|bucket| (bucket.low, bucket.mean, bucket.high))).collect();
        assert_eq!(flat, [None, Some((1.0, 2.0, 3.0)), Some((3.0, 3.0, 3.0)), Some((3.0, 3.0, 3.0))]);
        assert_eq!(
            (steps.at(Timestamp(9)), steps.at(Timestamp(10)), steps.at(Timestamp(99))),
            (None, Some(1.0), Some(9.0))
        );
        assert_eq!((steps.highest(span(20, 39)), steps.highest(span(0, 5))), (Some(3.0), None));
        assert_eq!(steps.buckets(span(50, 50), 2).len(), 2, "no time at all");
        assert_eq!(Steps::default().buckets(span(0, 9), 3), [None; 3]);
    }

    proptest! {
        /// However a span is cut, the parts have the same mean as the whole.
        #[test]
        fn nothing_is_lost_between_buckets(
            list in proptest::collection::vec((0_i64..1_000, 0.0..9.0_f64), 1..20), start in 1_000_i64..1_010, parts in 1_usize..50,
        ) {
            let mut list: Vec<_> = list.into_iter().map(|(at, value)| (at * 2, value)).collect();
            list.sort_by_key(|(at, _)| *at);
            let steps = steps(&list);
            let span = span(start.min(list[0].0.max(1_000)), 2_000);
            prop_assume!(list[0].0 <= span.start.0);
            let mean = |parts| {
                let means: Vec<f64> = steps.buckets(span, parts).iter().flatten().map(|bucket| bucket.mean).collect();
                means.iter().sum::<f64>() / means.len() as f64
            };
            prop_assert!((mean(parts) - mean(1)).abs() < 1e-6);
            for bucket in steps.buckets(span, parts).into_iter().flatten() {
                prop_assert!(bucket.low <= bucket.mean && bucket.mean <= bucket.high);
            }
        }
    }
}
