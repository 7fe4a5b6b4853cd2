//! The user's one YAML file: its types, and [`load`]ing it.
//!
//! Every value knows its place in the file, so that whatever is wrong with it is shown under a caret in the user's own text.
//! What may be left out is an `Option` here: [`crate::plan`] decides what is meant then.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use spot_policy::{Percent, Revert, Seconds};

mod arn;
mod at;
mod excerpt;
mod file;
mod instance_type;
mod load;
mod logical_ids;
mod problem;
mod rules;
mod schema;
mod script;
mod structure;
mod suggest;
mod tree;

pub(crate) use arn::partition_of;
pub use at::At;
pub(crate) use instance_type::architecture;
pub(crate) use load::check;
#[cfg(test)]
pub(crate) use load::parse;
pub use load::{from_text, load};
pub(crate) use logical_ids::MOST_RESOURCES;
pub use logical_ids::logical_ids;
pub use problem::{Problem, SpecError};
pub use schema::schema;
pub(crate) use suggest::nearest;

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The CloudFormation stack's name.
    pub stack: At<String>,
    /// The Region to deploy to; else `--region`, the environment's, the profile's.
    pub region: Option<At<String>>,
    /// On every resource and instance that takes tags.
    #[serde(default)]
    pub tags: BTreeMap<String, At<String>>,
    /// Where the workers run whose groups this stack makes.
    pub network: Option<At<Network>>,
    /// One or more pairs by name; the name prefixes the pair's logical ids.
    pub pairs: BTreeMap<String, At<Pair>>,
    /// The file's text, kept by [`load`] for those who show a place in it.
    #[serde(skip)]
    pub text: String,
}

/// Where workers run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Their zones are the Spot capacity pools.
    pub subnets: At<Vec<At<String>>>,
    /// What the workers may reach, and who may reach them.
    pub security_groups: At<Vec<At<String>>>,
}

/// One Spot group and one On-Demand group, their queue, alarms, topic and function.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Where the jobs come from.
    pub queue: At<Queue>,
    /// What a worker is, where this stack makes the groups.
    pub launch: Option<At<Launch>>,
    /// Groups that another template made.
    pub groups: Option<At<Groups>>,
    /// When Spot is worth it.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Spot>")]
    pub spot: Spot,
    /// How many workers.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Workers>")]
    pub workers: Workers,
    /// When to look.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Alarms>")]
    pub alarms: Alarms,
    /// The SpotManager function.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Manager>")]
    pub manager: Manager,
}

/// Two groups that another template made, by their logical ids in the template of `stack` or of a stack nested in it; without
/// `stack`, by the groups' names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// The CloudFormation stack that has both groups, itself or in a nested stack.
    pub stack: Option<At<String>>,
    /// The group that asks for Spot. Where several nested stacks have this logical id: theirs before it, `Nested/asgSpot`.
    pub spot: At<String>,
    /// The group that asks for On-Demand.
    pub on_demand: At<String>,
    /// Whose Spot price is read.
    pub product: Option<At<Product>>,
}

/// The queue of jobs: one that the stack creates, or one that exists.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The name of the queue to create.
    pub name: Option<At<String>>,
    /// The ARN of the queue that exists.
    pub arn: Option<At<String>>,
    /// How long a received job stays invisible to other workers: longer than the longest job, or than the worker's heartbeat.
    #[schemars(with = "Option<schema::Duration>")]
    pub visibility_timeout: Option<At<Seconds>>,
    /// After how many receives a job goes to the dead-letter queue.
    pub dead_letter_after: Option<At<u32>>,
}

/// What a worker is: the twin launch definitions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// Launch templates, or the launch configurations of the years before them.
    pub kind: Option<At<LaunchKind>>,
    /// The EC2 instance type.
    pub instance_type: At<String>,
    /// An AMI id, or `ssm:` and the name of a public or own parameter that holds one.
    pub image: At<String>,
    /// The script that an instance runs when it boots: a path relative to the spec.
    pub user_data: Option<At<String>>,
    /// An EC2 key pair.
    pub key_name: Option<At<String>>,
    /// An existing instance profile by name or ARN; else one is made that may consume the queue.
    pub instance_profile: Option<At<String>>,
    /// The block devices.
    #[serde(default)]
    pub volumes: Vec<At<Volume>>,
    /// Whose Spot price is read.
    pub product: Option<At<Product>>,
    /// The text of `user_data`, read by [`load`].
    #[serde(skip)]
    pub script: Option<String>,
}

/// Which resource type the twins are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LaunchKind {
    /// `AWS::EC2::LaunchTemplate`.
    #[default]
    Template,
    /// `AWS::AutoScaling::LaunchConfiguration`, which accounts made since 2024-10-01 cannot create.
    Configuration,
}

/// A block device of a worker.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// `/dev/xvda`, for one.
    pub device: At<String>,
    /// GiB.
    pub size: At<u32>,
    /// The EBS volume type.
    #[serde(rename = "type")]
    pub kind: Option<At<VolumeKind>>,
}

/// An EBS volume type that needs no further number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VolumeKind {
    /// General purpose.
    #[default]
    Gp3,
    /// General purpose, the generation before.
    Gp2,
    /// Throughput-optimised disk.
    St1,
    /// Cold disk.
    Sc1,
    /// Magnetic.
    Standard,
}

/// A product of the Spot price history, in AWS's own words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Product {
    /// Any Linux without a licence.
    #[default]
    #[serde(rename = "Linux/UNIX")]
    Linux,
    /// Red Hat.
    #[serde(rename = "Red Hat Enterprise Linux")]
    RedHat,
    /// SUSE.
    #[serde(rename = "SUSE Linux")]
    Suse,
    /// Windows.
    #[serde(rename = "Windows")]
    Windows,
}

impl Product {
    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux/UNIX",
            Self::RedHat => "Red Hat Enterprise Linux",
            Self::Suse => "SUSE Linux",
            Self::Windows => "Windows",
        }
    }
}

/// When Spot is worth it, and what happens when it is refused. See [`spot_policy::Policy`].
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// USD per instance-hour: the one difference between the twins.
    pub max_price: Option<At<f64>>,
    /// USD per instance-hour On-Demand, for `prices`, `simulate` and `cost` where they cannot ask AWS; the stack does not know it.
    pub on_demand_price: Option<At<f64>>,
    /// How far below the max price Spot must be.
    #[schemars(with = "Option<schema::Percentage>")]
    pub headroom: Option<At<Percent>>,
    /// Over how long the price is averaged.
    #[schemars(with = "Option<schema::Duration>")]
    pub window: Option<At<Seconds>>,
    /// How long demand may wait for Spot.
    #[schemars(with = "Option<schema::Duration>")]
    pub patience: Option<At<Seconds>>,
    /// How long a refusal is remembered.
    #[schemars(with = "Option<schema::Duration>")]
    pub hold: Option<At<Seconds>>,
    /// When On-Demand workers make room again.
    #[schemars(with = "Option<schema::IdleOrDuration>")]
    pub revert: Option<At<Revert>>,
}

/// How many workers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workers {
    /// Of both groups together.
    pub max: Option<At<u32>>,
    /// Always-on On-Demand workers.
    pub base: Option<At<u32>>,
    /// Jobs that one worker is worth.
    pub jobs_per_worker: Option<At<u32>>,
    /// Whether workers start protected from scale-in and drop it when they are free.
    pub protect: Option<At<bool>>,
}

/// When CloudWatch looks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// Wakes the SpotManager.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<JobsWaiting>")]
    pub jobs_waiting: JobsWaiting,
    /// Scales both groups in.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Idle>")]
    pub idle: Idle,
}

/// The alarm that wakes the SpotManager.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobsWaiting {
    /// Visible jobs.
    pub threshold: Option<At<u32>>,
    /// Length of a period.
    #[schemars(with = "Option<schema::Duration>")]
    pub period: Option<At<Seconds>>,
    /// Periods in a row.
    pub periods: Option<At<u32>>,
}

/// The alarm that scales both groups in.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// How long no job may have been visible or in flight.
    #[schemars(with = "Option<schema::Duration>")]
    pub after: Option<At<Seconds>>,
}

/// The SpotManager function.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manager {
    /// The tick; `0s` turns it off.
    #[schemars(with = "Option<schema::Duration>")]
    pub reconcile: Option<At<Seconds>>,
    /// The processor it runs on, like those of the stack's other pairs.
    pub architecture: Option<At<Architecture>>,
    /// MiB.
    pub memory: Option<At<u32>>,
    /// How long its log is kept.
    #[schemars(with = "Option<schema::Duration>")]
    pub log_retention: Option<At<Seconds>>,
    /// Whether it decides and records only.
    pub dry_run: Option<At<bool>>,
    /// How groups are scaled up.
    pub scale_up: Option<At<ScaleUp>>,
    /// A CloudWatch dashboard: 3 USD a month beyond an account's free three.
    pub dashboard: Option<At<bool>>,
    /// Who hears of it when a pair turns to On-Demand and back, or gets neither: an e-mail address, or an SNS topic's ARN.
    pub notify: Option<At<String>>,
}

/// How groups are scaled up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleUp {
    /// By executing the group's scale-up policy.
    #[default]
    Policy,
    /// By launching instances zone by zone, with the answer at once. Experimental; for launch templates only.
    LaunchInstances,
}

/// A section whose keys are all commented out is one that says nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The processor that the SpotManager's handler runs on, in AWS Lambda's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Intel and AMD.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// AWS Graviton.
    Arm64,
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Architecture::X86_64 => "x86_64",
            Architecture::Arm64 => "arm64",
        })
    }
}
