//! Words and numbers as people read them.

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use spot_policy::Timestamp;

/// A moment as `2026-11-23 20:49:31 UTC`.
pub fn moment(at: Timestamp) -> String {
    match DateTime::from_secs(at.0).fmt(Format::DateTime) {
        Ok(text) => text.replace('T', " ").replace('Z', " UTC"),
        Err(_) => format!("{} s after 1970", at.0),
    }
}

/// A duration as `3.1s` below ten seconds, else `42s`, `3m 05s`, `1h 02m`.
pub fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        s @ 10..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        s => format!("{}h {:02}m", s / 3600, s / 60 % 60),
    }
}

/// `1 resource`, `3 resources`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_whole() {
        for (ms, text) in [
            (0, "0.0s"),
            (3_140, "3.1s"),
            (9_999, "10.0s"),
            (42_900, "42s"),
            (185_000, "3m 05s"),
            (3_720_000, "1h 02m"),
        ] {
            assert_eq!(seconds(Duration::from_millis(ms)), text);
        }
        assert_eq!(moment(Timestamp(1_795_466_971)), "2026-11-23 20:49:31 UTC");
        assert_eq!(moment(Timestamp(i64::MAX)), "9223372036854775807 s after 1970");
        assert_eq!((count(1, "resource"), count(0, "resource")), ("1 resource".into(), "0 resources".into()));
    }
}
