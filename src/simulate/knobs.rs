//! A policy with something changed, as `--policy key=value` says it.

use std::str::FromStr;

use miette::Diagnostic;
use spot_policy::{Policy, Revert, Seconds};

/// Every knob, named as in the spec.
pub const KNOBS: [&str; 10] =
    ["max_price", "headroom", "window", "patience", "hold", "revert", "max", "base", "jobs_per_worker", "protect"];

/// What is wrong with a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum KnobError {
    /// It is not `key=value`.
    #[error("`{0}` is not a change")]
    #[diagnostic(help("write it as `key=value`, such as `hold=30m`"))]
    NoChange(String),
    /// There is no such knob.
    #[error("the policy has no `{name}`")]
    #[diagnostic(help("{meant}"))]
    Unknown {
        /// What was written.
        name: String,
        /// What may have been meant.
        meant: String,
    },
    /// It cannot have this value.
    #[error("`{key}` cannot be `{value}`: {expected}")]
    Value {
        /// The knob.
        key: String,
        /// What was written.
        value: String,
        /// What is expected.
        expected: String,
    },
    /// The whole makes no sense.
    #[error("{what}")]
    #[diagnostic(help("{help}"))]
    Together {
        /// What does not fit.
        what: String,
        /// What to do.
        help: String,
    },
}

/// One or more values for one knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which knob.
    pub key: String,
    /// What it is to be, one after the other.
    pub values: Vec<String>,
}

impl Change {
    /// `hold=30m`: one value, commas or not.
    ///
    /// # Errors
    ///
    /// It is no change of a knob.
    pub fn one(text: &str) -> Result<Self, KnobError> {
        let (key, value) = split(text)?;
        Ok(Self { key, values: vec![value] })
    }

    /// `hold=5m,10m,30m`.
    ///
    /// # Errors
    ///
    /// It is no change of a knob.
    pub fn several(text: &str) -> Result<Self, KnobError> {
        let (key, values) = split(text)?;
        Ok(Self { key, values: values.split(',').map(|value| value.trim().to_owned()).collect() })
    }
}

fn split(text: &str) -> Result<(String, String), KnobError> {
    let (key, value) = text.split_once('=').ok_or_else(|| KnobError::NoChange(text.to_owned()))?;
    let (key, value) = (key.trim(), value.trim());
    if !KNOBS.contains(&key) {
        let meant = crate::spec::nearest(key, &KNOBS);
        let meant =
            meant.map_or_else(|| format!("it has {}", KNOBS.join(", ")), |meant| format!("did you mean `{meant}`?"));
        return Err(KnobError::Unknown { name: key.to_owned(), meant });
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Sets a knob.
///
/// # Errors
///
/// It cannot have this value.
pub fn set(policy: &mut Policy, key: &str, value: &str) -> Result<(), KnobError> {
    let wrong = |expected: String| KnobError::Value { key: key.to_owned(), value: value.to_owned(), expected };
    match key {
        "max_price" if value == "none" => policy.max_price = None,
        "max_price" => {
            let price = value.parse().ok().filter(|price: &f64| *price > 0.0 && *price < 1e6);
            policy.max_price = Some(price.ok_or_else(|| {
                wrong("expected USD per instance-hour, such as `0.55`, or `none` for the On-Demand price".into())
            })?);
        }
        "headroom" => policy.headroom = value.parse().map_err(wrong)?,
        "window" => policy.window = value.parse().map_err(wrong)?,
        "patience" => policy.patience = value.parse().map_err(wrong)?,
        "hold" => policy.hold = value.parse().map_err(wrong)?,
        "revert" => policy.revert = value.parse().map_err(wrong)?,
        "max" => policy.max = number(value, 1).map_err(wrong)?,
        "base" => policy.base = number(value, 0).map_err(wrong)?,
        "jobs_per_worker" => policy.jobs_per_worker = number(value, 1).map_err(wrong)?,
        "protect" => {
            policy.protect = FromStr::from_str(value).map_err(|_| wrong("expected `true` or `false`".into()))?
        }
        _ => {
            return Err(KnobError::Unknown { name: key.to_owned(), meant: format!("it has {}", KNOBS.join(", ")) });
        }
    }
    Ok(())
}

/// More workers than this are no pair, and no simulation.
const MOST: u32 = 10_000;

fn number(text: &str, least: u32) -> Result<u32, String> {
    let expected = || format!("expected a whole number, from {least} to {MOST}");
    text.parse().ok().filter(|number| (least..=MOST).contains(number)).ok_or_else(expected)
}

/// Whether the knobs fit together, as the spec's own rules have it.
///
/// # Errors
///
/// They do not.
pub fn fits(policy: &Policy) -> Result<(), KnobError> {
    let together = |what: &str, help: &str| Err(KnobError::Together { what: what.to_owned(), help: help.to_owned() });
    if policy.base > policy.max {
        let what = format!("`base` is {}, which is more than `max`, {}", policy.base, policy.max);
        return together(&what, "change both: `--policy max=…`");
    }
    match policy.revert {
        Revert::After(_) if !policy.protect => together(
            "`revert` by a duration retires On-Demand workers while there are jobs, which is only safe with `protect`",
            "add `--policy protect=true`",
        ),
        Revert::After(after) if after < Seconds::minutes(1) => {
            together("`revert` is less than a minute", "give `idle` or at least `1m`")
        }
        _ if policy.window == Seconds(0) => together("`window` is nothing", "give at least `1m`"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_can_be_turned() {
        let mut policy = Policy::default();
        let turned = [
            "max_price=0.4",
            "headroom=5%",
            "window=30m",
            "patience=2m",
            "hold=1m",
            "revert=30m",
            "max=7",
            "base=2",
            "jobs_per_worker=3",
            "protect=true",
        ];
        for (text, name) in turned.iter().zip(KNOBS) {
            let change = Change::one(text).expect(text);
            assert_eq!(change.key, name);
            let before = policy.clone();
            set(&mut policy, &change.key, &change.values[0]).expect(text);
            assert_ne!(policy, before, "{text}");
        }
        assert_eq!(fits(&policy), Ok(()));
        set(&mut policy, "max_price", "none").expect("the On-Demand price");
        assert_eq!(policy.max_price, None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| {
            let mut policy = Policy::default();
            let change = Change::several(text)?;
            for value in &change.values {
                set(&mut policy, &change.key, value)?;
            }
            fits(&policy)
        };
        for (text, expected) in [
            ("hold", "`hold` is not a change"),
            ("hodl=1m", "the policy has no `hodl`"),
            ("hold=1", "`hold` cannot be `1`: `1` is not a duration; write it as `90s`, `5m`, `1h` or `30d`"),
            ("max=2,0", "`max` cannot be `0`: expected a whole number, from 1 to 10000"),
            (
                "max_price=-1",
                "`max_price` cannot be `-1`: expected USD per instance-hour, such as `0.55`, or `none` for the On-Demand price",
            ),
            ("base=2", "`base` is 2, which is more than `max`, 1"),
            (
                "revert=30m",
                "`revert` by a duration retires On-Demand workers while there are jobs, which is only safe with `protect`",
            ),
        ] {
            assert_eq!(error(text).expect_err(text).to_string(), expected);
        }
    }
}
