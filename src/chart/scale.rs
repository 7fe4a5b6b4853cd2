//! How values and moments are laid out along an axis.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use spot_policy::{Seconds, Timestamp};

use super::{Mark, Span, Steps};

/// Where the axis of values ends: room for all values and marks; but where there are marks, no more than half again above the
/// highest of them, because one spike would lay everything else flat. What is higher is cut off, and shown to be.
pub fn top(series: &[Steps], marks: &[Mark], span: Span) -> f64 {
    let highest = series.iter().filter_map(|steps| steps.highest(span)).fold(0.0, f64::max);
    let mark = marks.iter().map(|mark| mark.value).fold(0.0, f64::max);
    let most = if mark > 0.0 { highest.min(mark * 1.5) } else { highest };
    let top = most.max(mark) * 1.05;
    if top > 0.0 && top.is_finite() { top } else { 1.0 }
}

/// Round values from 0 to `top`, some `about` of them.
pub fn values(top: f64, about: usize) -> Vec<f64> {
    let rough = top / about.max(1) as f64;
    let unit = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|nice| nice * unit).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(unit * 10.0);
    let count = (top / step + 1e-9).floor();
    (0..=(if count.is_finite() { count as usize } else { 0 })).map(|n| n as f64 * step).collect()
}

/// As many decimals as it takes to tell values on an axis that ends at `top` apart.
pub fn decimals(top: f64) -> usize {
    match top {
        top if top >= 20.0 => 0,
        top if top >= 4.0 => 1,
        top if top >= 0.4 => 2,
        top if top >= 0.04 => 3,
        _ => 4,
    }
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// How far apart ticks of time may be.
const STEPS: [u64; 19] = [
    60,
    5 * 60,
    10 * 60,
    30 * 60,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    56 * DAY,
    91 * DAY,
    182 * DAY,
    365 * DAY,
];

/// Round moments within a span and what they are called, in UTC; at most `most` of them.
pub fn times(span: Span, most: usize) -> Vec<(Timestamp, String)> {
    let enough = |step: &u64| span.seconds() / *step as f64 <= most.max(1) as f64;
    let step = STEPS.into_iter().find(enough).unwrap_or(span.seconds() as u64 + 1);
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    let first = span.start.0.div_euclid(step).saturating_add(i64::from(span.start.0.rem_euclid(step) != 0));
    (0..most as i64 + 1)
        .map_while(|n| first.checked_add(n)?.checked_mul(step).filter(|at| *at <= span.end.0))
        .map(|at| (Timestamp(at), moment(Timestamp(at), Seconds(step.unsigned_abs()))))
        .collect()
}

/// A moment, as exactly as the distance to the next asks for.
fn moment(at: Timestamp, step: Seconds) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // 2026-11-23T20:49:31Z
    let text = DateTime::from_secs(at.0).fmt(Format::DateTime).unwrap_or_default();
    let number = |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse::<usize>().ok());
    let month = number(5).and_then(|month| MONTHS.get(month.wrapping_sub(1)).copied());
    let (Some(month), Some(day)) = (month, number(8)) else { return at.0.to_string() };
    match step.0 {
        step if step >= 182 * DAY => format!("{month} {}", text.get(..4).unwrap_or_default()),
        step if step >= DAY || text.get(11..16) == Some("00:00") => format!("{day} {month}"),
        _ => text.get(11..16).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_round() {
        assert_eq!(values(0.58, 4), [0.0, 0.2, 0.4]);
        assert_eq!(values(7.0, 5), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(values(1.0, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn times_are_round_and_named_as_exactly_as_needed() {
        let names = |start, end, most| {
            let span = Span { start: Timestamp(start), end: Timestamp(end) };
            times(span, most).into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        let eight = 1_795_464_000;
        assert_eq!(names(eight, eight + 3_600, 4), ["20:00", "20:30", "21:00"]);
        assert_eq!(names(eight - 600, eight + 6 * 3_600, 4), ["20:00", "22:00", "24 Nov", "02:00"]);
        assert_eq!(names(eight, eight + 7 * 86_400, 5), ["25 Nov", "27 Nov", "29 Nov"]);
        assert_eq!(names(eight, eight, 5).len(), 1);
        assert_eq!(names(eight, eight + 730 * 86_400, 5), ["Apr 2027", "Oct 2027", "Apr 2028", "Oct 2028"]);
    }

    #[test]
    fn a_spike_does_not_lay_the_rest_flat() {
        let steps = Steps { label: String::new(), points: vec![(Timestamp(0), 0.3), (Timestamp(5), 6.5)] };
        let span = Span { start: Timestamp(0), end: Timestamp(10) };
        let mark = Mark { label: "max price".into(), value: 0.6 };
        assert!((top(std::slice::from_ref(&steps), &[mark], span) - 0.945).abs() < 1e-9);
        assert!((top(&[steps], &[], span) - 6.825).abs() < 1e-9);
        assert!((top(&[], &[], span) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_axis_has_a_few_ticks_on_it(start in any::<i64>(), length in any::<u32>(), most in 1_usize..20, top in 1e-6..1e9_f64) {
            let span = Span { start: Timestamp(start), end: Timestamp(start.saturating_add(length.into())) };
            let times = times(span, most);
            prop_assert!(times.len() <= most + 1);
            prop_assert!(times.iter().all(|(at, _)| (span.start..=span.end).contains(at)));
            let values = values(top, most);
            prop_assert!(values.len() <= most + 1 && values.iter().all(|value| *value <= top * (1.0 + 1e-6)));
        }
    }
}
