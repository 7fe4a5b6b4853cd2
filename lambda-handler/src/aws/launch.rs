//! A scaling activity, read as a launch.

use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode as Status};
use serde_json::Value;
use spot_policy::{Launch, LaunchOutcome, Timestamp};

/// The launch that an activity is; none for a termination, or for one without a start. AWS has no field for the kind of an
/// activity: its description says «Launching a new EC2 instance» (Amazon EC2 Auto Scaling user guide, «Verify a scaling
/// activity»).
pub(super) fn of(activity: &Activity) -> Option<Launch> {
    activity.description()?.starts_with("Launching a new EC2 instance").then_some(())?;
    // Where AWS leaves out the start, the SDK puts 1970: a launch that has been silent for half a century.
    let start = activity.start_time().filter(|start| start.secs() > 0)?;
    Some(Launch {
        started: Timestamp(start.secs()),
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

/// Whether a launch is under way or ended at `since` or later.
pub(super) fn matters(launch: &Launch, since: Timestamp) -> bool {
    launch.outcome == LaunchOutcome::InProgress || launch.ended.unwrap_or(launch.started) >= since
}

/// `Details` is JSON in a text: `{"Subnet ID":"subnet-1","Availability Zone":"eu-west-1a"}`.
fn zone(details: Option<&str>) -> Option<String> {
    let details: Value = serde_json::from_str(details?).ok()?;
    details.get("Availability Zone").and_then(Value::as_str).filter(|zone| !zone.is_empty()).map(str::to_owned)
}
