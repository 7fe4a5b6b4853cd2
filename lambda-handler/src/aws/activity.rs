//! A scaling activity, read as a launch or as an instance that was taken back.
//!
//! AWS has no field for the kind of an activity. What it did is in its description, and why in its cause; both are in words
//! (Amazon EC2 Auto Scaling user guide, «Verify a scaling activity»; AWS knowledge center, «Why did Amazon EC2 Auto Scaling
//! terminate an instance?»).

use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode as Status};
use serde_json::Value;
use spot_policy::{Interruption, Launch, LaunchOutcome, Timestamp};

/// How the description of a launch begins.
const LAUNCHING: &str = "Launching a new EC2 instance";

/// How the description of an end begins.
const TERMINATING: &str = "Terminating EC2 instance";

/// In the cause of an end that nobody asked for: the instance was gone, and the group noticed. A Spot interruption looks so,
/// and so does an instance that somebody ended by hand; both are a reason to look elsewhere for a while.
const GONE: &str = "health check indicating it has been terminated or stopped";

/// The launch that an activity is; none for a termination, or for one without a start.
pub(super) fn launch(activity: &Activity) -> Option<Launch> {
    activity.description()?.starts_with(LAUNCHING).then_some(())?;
    Some(Launch {
        id: activity.activity_id().unwrap_or_default().to_owned(),
        started: started(activity)?,
        ended: activity.end_time().map(|end| Timestamp(end.secs())),
        zone: zone(activity.details()),
        outcome: match activity.status_code() {
            Some(Status::Successful) => LaunchOutcome::Successful,
            Some(Status::Failed) => LaunchOutcome::Failed(activity.status_message().unwrap_or_default().to_owned()),
            Some(Status::Cancelled) => LaunchOutcome::Cancelled,
            // A dozen kinds of waiting, and what AWS adds to them.
            _ => LaunchOutcome::InProgress,
        },
    })
}

/// The interruption that an activity tells of, if it does.
pub(super) fn interruption(activity: &Activity) -> Option<Interruption> {
    activity.description()?.starts_with(TERMINATING).then_some(())?;
    activity.cause()?.contains(GONE).then_some(())?;
    Some(Interruption { at: started(activity)?, zone: zone(activity.details()) })
}

/// Whether a launch is under way or ended at `since` or later.
pub(super) fn matters(launch: &Launch, since: Timestamp) -> bool {
    launch.outcome == LaunchOutcome::InProgress || launch.ended.unwrap_or(launch.started) >= since
}

/// Where AWS leaves out the start, the SDK puts 1970: a launch that has been silent for half a century.
fn started(activity: &Activity) -> Option<Timestamp> {
    activity.start_time().map(|start| Timestamp(start.secs())).filter(|start| start.0 > 0)
}

/// `Details` is JSON in a text: `{"Subnet ID":"subnet-1","Availability Zone":"eu-west-1a"}`.
fn zone(details: Option<&str>) -> Option<String> {
    let details: Value = serde_json::from_str(details?).ok()?;
    details.get("Availability Zone").and_then(Value::as_str).filter(|zone| !zone.is_empty()).map(str::to_owned)
}
