//! The units of a policy: durations, percentages and points in time, written the way the spec writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A duration in whole seconds, written `90s`, `5m`, `1h` or `30d`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u64);

/// Each unit and how many seconds it has, largest first.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

impl Seconds {
    /// So many minutes.
    pub const fn minutes(n: u64) -> Self {
        Self(n * 60)
    }
}

impl fmt::Display for Seconds {
    /// The largest unit that says it exactly: `5m`, `90s`, and `0s` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) =
            UNITS.into_iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size)).unwrap_or(("s", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a duration; write it as `90s`, `5m`, `1h` or `30d`");
        let (unit, size) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit)).ok_or_else(wrong)?;
        let digits = &text[..text.len() - unit.len()];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        count.checked_mul(size).map(Self).ok_or_else(wrong)
    }
}

/// A percentage from 0 to 100, written `15%` or `7.5%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Percent(f64);

impl Percent {
    /// `value` per cent; `None` outside 0 to 100.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=100.0).contains(&value).then_some(Self(value))
    }

    /// As a fraction of one: `15%` is 0.15.
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_suffix('%')
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
            .and_then(|digits| digits.parse().ok())
            .and_then(Self::new)
            .ok_or_else(|| format!("`{text}` is not a percentage; write it as `15%`, between `0%` and `100%`"))
    }
}

/// Both are strings wherever they are stored: in the spec, in a record, in the function's environment.
macro_rules! as_string {
    ($type:ty, $expected:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
pub(crate) use as_string;
as_string!(Seconds, "a duration such as `90s`, `5m` or `1h`");
as_string!(Percent, "a percentage such as `15%`");

/// A point in time: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// How long before `now` this was; nothing for what lies in the future (clocks differ).
    pub fn age(self, now: Timestamp) -> Seconds {
        Seconds(u64::try_from(now.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// This moment and `later` more.
    pub fn plus(self, later: Seconds) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(later.0).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_alike() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("5m", 300), ("1h", 3_600), ("36h", 129_600), ("30d", 2_592_000)]
        {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
            assert_eq!(Seconds(seconds).to_string(), text);
        }
        assert_eq!("60s".parse::<Seconds>().expect("valid").to_string(), "1m");
        for text in
            ["", "5", "m", "-5m", "+5m", "5 m", "1.5h", "5M", "99999999999999999999d", "999999999999999999d", "５m"]
        {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
    }

    #[test]
    fn percentages_are_read_and_written_alike() {
        for text in ["0%", "15%", "7.5%", "100%"] {
            assert_eq!(text.parse::<Percent>().expect("valid").to_string(), text);
        }
        for text in ["", "%", "15", "101%", "-1%", "NaN%", "inf%", "1e1%", "1.2.3%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
