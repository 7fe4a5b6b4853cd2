//! An alarm, as CloudWatch describes it.

use serde::Serialize;
use spot_policy::Timestamp;

/// A CloudWatch alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why, in AWS's words.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether its actions are switched on.
    pub acts: bool,
}
