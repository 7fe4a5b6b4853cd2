//! What deploying asks of Auto Scaling: the groups, what they launch, and what runs in them.

use std::future::Future;

use serde::Serialize;

use super::cloud::Asked;

/// Auto Scaling, as far as deploying needs it: the other half of [`super::Cloud`].
pub trait Fleet {
    /// The Auto Scaling groups of these names that there are; without names, none.
    fn groups(&self, names: &[String]) -> impl Future<Output = Asked<Vec<Group>>>;
    /// All Auto Scaling groups of the account in the Region.
    fn all_groups(&self) -> impl Future<Output = Asked<Vec<Group>>>;
    /// What a group launches. A mixed instances policy is nothing that a group launches: its answer says nothing.
    fn launch_definition(&self, source: &LaunchSource) -> impl Future<Output = Asked<LaunchDefinition>>;
    /// The scaling policies on a group.
    fn scaling_policies(&self, group: &str) -> impl Future<Output = Asked<Vec<ScalingPolicy>>>;

    /// Begins to replace a group's instances by new ones, some at a time; busy ones, which are protected, are waited for. The
    /// refresh's id. `skip_matching`: not those that are as the group launches them now.
    fn start_refresh(&self, group: &str, skip_matching: bool) -> impl Future<Output = Asked<String>>;
    /// How far a group's refresh is; without an id the newest one.
    fn refresh(&self, group: &str, id: Option<&str>) -> impl Future<Output = Asked<Option<Refresh>>>;
    /// Has a group want no instances, now and ever after, and protect none.
    fn empty_group(&self, group: &str) -> impl Future<Output = Asked<()>>;
    /// Takes the protection from scale-in off some instances of a group.
    fn unprotect(&self, group: &str, instances: &[String]) -> impl Future<Output = Asked<()>>;
}

/// What runs in one group of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crew {
    /// The group's name.
    pub group: String,
    /// How many instances there are.
    pub instances: usize,
    /// How many of them are protected from scale-in: busy, where spotstack's own workers run.
    pub protected: usize,
}

/// An instance in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// Where it runs.
    pub zone: String,
    /// Auto Scaling's word for how far it is: `InService`.
    pub state: String,
    /// Whether it is protected from scale-in: spotstack's workers are while they are busy.
    pub protected: bool,
}

/// The replacement of a group's instances, some at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refresh {
    /// Its id.
    pub id: String,
    /// Auto Scaling's word: `Pending`, `InProgress`, `Successful`, `Failed`, `Cancelled` and others.
    pub status: String,
    /// Auto Scaling's words for why, or what it waits for.
    pub reason: Option<String>,
    /// How much of it is done.
    pub percent: u8,
}

impl Refresh {
    /// Whether it is over, for better or worse.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Successful" | "Failed" | "Cancelled" | "RollbackSuccessful" | "RollbackFailed")
    }
}

/// An Auto Scaling group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Instances at least.
    pub min: u32,
    /// Instances at most.
    pub max: u32,
    /// Instances asked for.
    pub desired: u32,
    /// Those that there are.
    pub instances: Vec<Instance>,
    /// Where it launches.
    pub zones: Vec<String>,
    /// From what it launches.
    pub launch: Option<LaunchSource>,
    /// Whether it protects new instances from scale-in.
    pub protects: bool,
    /// Its suspended processes, and why they are.
    pub suspended: Vec<(String, String)>,
    /// Whether it is being deleted.
    pub is_deleting: bool,
    /// The stack that made it, by the tags that CloudFormation puts on it.
    pub owner: Option<Owner>,
}

/// The stack that made a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The stack, which may be a nested one.
    pub stack_arn: String,
    /// The resource's name in that stack's template.
    pub logical_id: String,
}

impl Owner {
    /// The stack's name, from its ARN, `arn:…:stack/NAME/ID`.
    pub fn stack_name(&self) -> &str {
        self.stack_arn.split('/').nth(1).unwrap_or_default()
    }
}

/// From what a group launches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchSource {
    /// A version of a launch template: a number, `$Latest` or `$Default`.
    Template {
        /// Its id.
        id: String,
        /// Its version.
        version: String,
    },
    /// A launch configuration, by its name.
    Configuration(String),
    /// A mixed instances policy.
    Mixed,
}

/// What a group launches, as far as it matters to whoever chooses between two markets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchDefinition {
    /// `spot`, or another market that is not On-Demand; `None`: On-Demand.
    pub market: Option<String>,
    /// The max price in USD, if it has one.
    pub max_price: Option<String>,
    /// The instance type, if it names one.
    pub instance_type: Option<String>,
    /// The image.
    pub image: Option<String>,
}

/// A scaling policy on a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingPolicy {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// AWS's word for how it scales: `StepScaling`.
    pub kind: String,
}
