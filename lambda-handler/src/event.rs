//! What woke us: an alarm through SNS, an event of EventBridge, or a direct invoke.

use serde_json::Value;
use spot_policy::Trigger;

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// To look, decide and, but for [`Trigger::Explain`], act.
    Run(Trigger),
    /// Nothing; why.
    Nothing(&'static str),
}

/// An event that is none of ours, or is broken. It never scales: what is not understood is not acted upon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expected}; came: {came}")]
pub struct EventError {
    /// What was expected.
    pub expected: &'static str,
    /// How the event begins: its first 200 characters, because it may hold what is nobody's business.
    pub came: String,
}

/// How much of a broken event is repeated, in characters.
const SHOWN: usize = 200;

/// Reads an event.
///
/// # Errors
///
/// The event is not one that the template sends here, or lacks what is needed of it.
pub fn hear(event: &Value) -> Result<Wake, EventError> {
    understand(event).map_err(|expected| EventError { expected, came: event.to_string().chars().take(SHOWN).collect() })
}

fn understand(event: &Value) -> Result<Wake, &'static str> {
    if let Some(records) = event.get("Records") {
        return notifications(records);
    }
    if let Some(explain) = event.get("explain") {
        return match explain {
            Value::Bool(true) => Ok(Wake::Run(Trigger::Explain)),
            _ => Err("expected `{\"explain\": true}`"),
        };
    }
    match (text(event, "/source"), text(event, "/detail-type")) {
        (Some("spotstack.tick"), _) => Ok(Wake::Run(Trigger::Tick)),
        (Some("aws.autoscaling"), Some("EC2 Instance Launch Unsuccessful")) => {
            let group = text(event, "/detail/AutoScalingGroupName")
                .ok_or("expected `detail.AutoScalingGroupName` in «EC2 Instance Launch Unsuccessful»")?;
            let activity = text(event, "/detail/ActivityId").filter(|id| !id.is_empty()).map(str::to_owned);
            Ok(Wake::Run(Trigger::LaunchFailed { group: group.to_owned(), activity }))
        }
        (Some("aws.ec2"), Some("EC2 Spot Instance Interruption Warning")) => {
            let instance = text(event, "/detail/instance-id")
                .ok_or("expected `detail.instance-id` in «EC2 Spot Instance Interruption Warning»")?;
            Ok(Wake::Run(Trigger::Interruption { instance: instance.to_owned() }))
        }
        (Some("aws.ec2"), Some("EC2 Instance Rebalance Recommendation")) => {
            Ok(Wake::Nothing("a rebalance recommendation takes no instance away"))
        }
        _ => Err(
            "expected an alarm through SNS, a failed launch, a Spot interruption warning, the tick or `{\"explain\": true}`",
        ),
    }
}

/// What the records of an SNS event say. SNS delivers one at a time today; of several alarms one that says ALARM counts.
fn notifications(records: &Value) -> Result<Wake, &'static str> {
    let records = records.as_array().filter(|records| !records.is_empty()).ok_or("expected a list in `Records`")?;
    let mut alarms = Vec::new();
    for record in records {
        alarms.extend(notification(record)?);
    }
    alarms.sort_by_key(|(_, state)| state != "ALARM");
    Ok(match alarms.into_iter().next() {
        Some((name, state)) => Wake::Run(Trigger::Alarm { name, state }),
        None => Wake::Nothing("a test notification"),
    })
}

/// The alarm in an SNS record, its name and new state; none for the test that Auto Scaling sends to a new topic.
///
/// Only what is needed is looked at: an alarm without a description has `null` there, its `StateChangeTime` is not RFC 3339,
/// and its `Trigger` has one of two shapes.
fn notification(record: &Value) -> Result<Option<(String, String)>, &'static str> {
    let message = text(record, "/Sns/Message").ok_or("expected a text in `Records[].Sns.Message`")?;
    let message: Value = serde_json::from_str(message).map_err(|_| "expected JSON in `Records[].Sns.Message`")?;
    if text(&message, "/Event") == Some("autoscaling:TEST_NOTIFICATION") {
        return Ok(None);
    }
    match (text(&message, "/AlarmName"), text(&message, "/NewStateValue")) {
        (Some(name), Some(state @ ("ALARM" | "OK" | "INSUFFICIENT_DATA"))) => {
            Ok(Some((name.to_owned(), state.to_owned())))
        }
        _ => Err("expected `AlarmName` and `NewStateValue` of a CloudWatch alarm in `Records[].Sns.Message`"),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
