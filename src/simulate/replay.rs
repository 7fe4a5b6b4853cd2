//! Yesterday's log through today's rules: which decisions would have been others.

use serde::Serialize;
use serde_json::Value;
use spot_policy::{Action, Decision, Fact, Policy, Record, Timestamp, Wanted, decide};

/// A line of a SpotManager's log.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// One run.
    Record(Box<Record>),
    /// Something else that a function logs: a report of Lambda's, metrics, an event that asked for nothing.
    Other,
}

/// Reads a line: a record as the function writes it, or as `aws logs` wraps it in `message`.
///
/// # Errors
///
/// It looks like a record, and is none; what is wrong.
pub fn line(text: &str) -> Result<Line, String> {
    let text = text.trim();
    if text.is_empty() || !text.starts_with('{') {
        return if LAMBDA.iter().any(|word| text.starts_with(word)) || text.is_empty() {
            Ok(Line::Other)
        } else {
            Err("this is no JSON object".to_owned())
        };
    }
    let mut value: Value = serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
    if let Some(Value::String(message)) = value.get("message")
        && value.get("record").is_none()
    {
        return line(&message.clone());
    }
    match value.get("record").and_then(Value::as_u64) {
        None => Ok(Line::Other),
        Some(version) if version == u64::from(Record::VERSION) => {
            // What is decided anew need not be read; what was written by another version may be more or less.
            if let Some(object) = value.as_object_mut() {
                object.remove("measures");
                object.remove("notices");
            }
            let record = serde_json::from_value(value).map_err(|error| format!("this is no record: {error}"))?;
            Ok(Line::Record(Box::new(record)))
        }
        Some(version) => {
            Err(format!("this is a record of version {version}; this spotstack reads version {}", Record::VERSION))
        }
    }
}

/// How lines begin that Lambda writes by itself.
const LAMBDA: [&str; 7] = ["START ", "END ", "REPORT ", "INIT_START ", "INIT_REPORT ", "EXTENSION", "XRAY "];

/// A run that would have decided otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The line, from 1.
    pub line: u64,
    /// When it ran.
    pub at: Timestamp,
    /// What it did.
    pub was: Vec<Action>,
    /// What it would have done.
    pub would: Vec<Action>,
    /// Why, in sentences.
    pub because: Vec<String>,
    /// What the changed policy would have asked AWS and the run did not, so that nobody knows the answer.
    pub unknown: Vec<&'static str>,
}

/// Decides a record's situation by a policy; `None` where it does the same.
pub fn replay(number: u64, record: &Record, policy: &Policy) -> Option<Difference> {
    let decision = decide(policy, &record.situation);
    if decision.actions == record.decision.actions {
        return None;
    }
    let wanted = Wanted::of(policy, &record.situation);
    let launches = &record.situation.spot.launches;
    let missing = [
        ("the launches", wanted.launches && matches!(launches, Fact::NotRead)),
        ("the Spot prices", wanted.prices && matches!(record.situation.prices, Fact::NotRead)),
    ];
    Some(Difference {
        line: number,
        at: record.situation.now,
        was: record.decision.actions.clone(),
        because: decision.reasons.iter().map(ToString::to_string).collect(),
        would: decision.actions,
        unknown: missing.into_iter().filter_map(|(what, missing)| missing.then_some(what)).collect(),
    })
}

/// What actions are, in a few words.
pub fn words(actions: &[Action]) -> String {
    let decision = Decision {
        need: 0,
        spot: 0,
        on_demand: 0,
        actions: actions.to_vec(),
        reasons: Vec::new(),
        zones: Vec::new(),
        fallback_after: None,
    };
    decision.to_string()
}

#[cfg(test)]
mod tests {
    use spot_policy::{Group, Queue, Situation, Trigger};

    use super::*;

    fn record() -> Record {
        let group = || Group { max: 4, zones: vec!["a".into()], launches: Fact::Known(vec![]), ..Group::default() };
        let situation = Situation {
            now: Timestamp(1_000_000),
            queue: Fact::Known(Queue { visible: 3, in_flight: 0 }),
            spot: group(),
            on_demand: group(),
            ..Situation::default()
        };
        let policy = Policy { max: 2, ..Policy::default() };
        let decision = decide(&policy, &situation);
        Record::new(Trigger::Tick, policy, situation, decision, vec![], false)
    }

    #[test]
    fn a_line_is_a_record_or_something_else() {
        let text = serde_json::to_string(&record()).expect("JSON");
        let wrapped = serde_json::json!({"timestamp": 1, "message": text}).to_string();
        for text in [&text, &wrapped] {
            let Ok(Line::Record(read)) = line(text) else { panic!("{text}") };
            assert_eq!(read.situation, record().situation);
        }
        for text in
            ["", "START RequestId: 1", "REPORT RequestId: 1 Duration: 3 ms", "{\"ignored\":\"an OK\"}", "{\"_aws\":{}}"]
        {
            assert_eq!(line(text), Ok(Line::Other), "{text}");
        }
        for (text, expected) in [
            ("what is this", "this is no JSON object"),
            ("{\"record\":1", "this is no JSON: EOF"),
            ("{\"record\":1}", "this is no record: missing field"),
            ("{\"record\":2}", "this is a record of version 2; this spotstack reads version 1"),
        ] {
            let error = line(text).expect_err(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_changed_policy_decides_otherwise() {
        let record = record();
        assert_eq!(replay(1, &record, &record.policy), None);
        let difference = replay(7, &record, &Policy { max: 3, max_price: Some(1.0), ..record.policy.clone() });
        let difference = difference.expect("three workers are wanted");
        assert_eq!((difference.line, words(&difference.was)), (7, "scale up Spot to 2".to_owned()));
        assert_eq!(words(&difference.would), "scale up On-Demand to 3");
        assert_eq!(difference.unknown, ["the Spot prices"]);
    }
}
