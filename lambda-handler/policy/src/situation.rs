//! The facts at one moment, *now* among them.

use serde::{Deserialize, Serialize};

use crate::units::Timestamp;

/// The two ways of buying an instance that a pair keeps one group for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Market {
    /// Spare capacity, cheap, refused and interrupted at times.
    Spot,
    /// At the list price.
    OnDemand,
}

impl std::fmt::Display for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Market::Spot => "Spot",
            Market::OnDemand => "On-Demand",
        })
    }
}

/// Something asked of AWS: known, not asked for, or not to be had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact<T> {
    /// Nobody asked, because nothing depended on it.
    #[default]
    NotRead,
    /// AWS would not say; why.
    Unreadable(String),
    /// What AWS said.
    Known(T),
}

impl<T> Fact<T> {
    /// The fact, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Fact::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// Everything that a decision depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    /// The moment that these facts describe.
    pub now: Timestamp,
    /// The jobs.
    pub queue: Fact<Queue>,
    /// The group that asks for Spot.
    pub spot: Group,
    /// The group that asks for On-Demand.
    pub on_demand: Group,
    /// The Spot price's changes, in any order, each zone's price in force at the start of the window among them.
    pub prices: Fact<Vec<PriceChange>>,
    /// Whether it was the jobs-waiting alarm that woke us. It counts only where the queue itself cannot be read.
    pub jobs_waiting_alarm: bool,
}

impl Situation {
    /// The group of a market.
    pub fn group(&self, market: Market) -> &Group {
        match market {
            Market::Spot => &self.spot,
            Market::OnDemand => &self.on_demand,
        }
    }
}

/// The queue's depth, from `GetQueueAttributes` and not from CloudWatch, whose metrics may be 15 minutes late on a queue that
/// was idle. Delayed messages are not counted: no worker could receive them yet, and the tick sees them when one can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// `ApproximateNumberOfMessages`: jobs that wait.
    pub visible: u32,
    /// `ApproximateNumberOfMessagesNotVisible`: jobs that a worker has received and not finished.
    pub in_flight: u32,
}

/// An Auto Scaling group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// `AutoScalingGroupName`.
    pub name: String,
    /// `MinSize`.
    pub min: u32,
    /// `MaxSize`.
    pub max: u32,
    /// `DesiredCapacity`: what it is asked for, which is not what it has.
    pub desired: u32,
    /// Where it may launch.
    pub zones: Vec<String>,
    /// What it has.
    pub instances: Vec<Instance>,
    /// Processes that somebody, or AWS after a day of failures, has suspended.
    pub suspended: Vec<Suspension>,
    /// Its recent launches, from `DescribeScalingActivities`.
    pub launches: Fact<Vec<Launch>>,
    /// Instances that AWS took back a short while ago, from the same answer; empty where it was not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<Interruption>,
}

impl Group {
    /// Instances that work or will in a moment.
    pub fn live(&self) -> u32 {
        count(self.instances.iter().filter(|instance| instance.is_live()).count())
    }

    /// Instances that work still, and that AWS takes back within two minutes. They no longer count as workers, but the group
    /// counts them, and they are paid for: so they count towards what it asks for, and towards every maximum.
    pub fn leaving(&self) -> u32 {
        count(self.instances.iter().filter(|instance| instance.is_leaving()).count())
    }

    /// Instances asked for that are not there.
    pub fn shortfall(&self) -> u32 {
        self.desired.saturating_sub(self.live().saturating_add(self.leaving()))
    }

    /// Why the group launches nothing at all, where that is so.
    pub fn launch_suspended(&self) -> Option<&str> {
        self.suspended
            .iter()
            .find(|suspension| suspension.process == "Launch")
            .map(|suspension| suspension.reason.as_str())
    }
}

/// A length as the number it is; no group has four billion instances.
pub(crate) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// An instance of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// `InstanceId`.
    pub id: String,
    /// `AvailabilityZone`.
    pub zone: String,
    /// `LifecycleState`, as AWS writes it.
    pub state: String,
    /// `ProtectedFromScaleIn`.
    pub protected: bool,
    /// Whether it is the instance that a Spot interruption warning names, when that is what woke us. AWS keeps this fact
    /// nowhere that a group shows it, so it is known in that one run only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warned: bool,
}

impl Instance {
    /// Whether it works or will in a moment: on its way in, or in service. One on its way out, or on standby, does not.
    pub fn is_live(&self) -> bool {
        self.is_there() && !self.warned
    }

    /// Whether it works still, but AWS takes it back in a moment.
    pub fn is_leaving(&self) -> bool {
        self.is_there() && self.warned
    }

    fn is_there(&self) -> bool {
        self.state == "InService" || self.state.starts_with("Pending")
    }
}

/// An instance that AWS took back: an activity that ended it although nobody asked for fewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// When it was taken out of service.
    pub at: Timestamp,
    /// Its zone, where AWS says it.
    pub zone: Option<String>,
}

/// A process of a group that is suspended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// `ProcessName`, `Launch` for one.
    pub process: String,
    /// `SuspensionReason`.
    pub reason: String,
}

/// An attempt of a group to launch an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// `ActivityId`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// `StartTime`.
    pub started: Timestamp,
    /// `EndTime`, once it has ended.
    pub ended: Option<Timestamp>,
    /// The zone that was tried, where AWS says it.
    pub zone: Option<String>,
    /// How it went.
    pub outcome: LaunchOutcome,
}

/// How a launch went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchOutcome {
    /// Not decided yet; the old Spot-request path may stay so without ever failing.
    InProgress,
    /// There is an instance.
    Successful,
    /// There is none; AWS's text.
    Failed(String),
    /// Given up, because the group was lowered.
    Cancelled,
}

/// A change of the Spot price in one zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceChange {
    /// The availability zone.
    pub zone: String,
    /// Since when it is in force.
    pub at: Timestamp,
    /// USD per instance-hour.
    pub usd: f64,
}
