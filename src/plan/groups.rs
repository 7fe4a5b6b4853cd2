//! Groups that another template made.

use serde::Serialize;

use super::value;
use crate::spec;

/// Groups that another template made: what `deploy` looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Groups {
    /// The stack that has them, itself or in a nested stack; `None`: they are named by their names.
    pub stack: Option<String>,
    /// The one that asks for Spot: its logical id, perhaps with those of nested stacks before it, or its name.
    pub spot: String,
    /// The one that asks for On-Demand.
    pub on_demand: String,
}

impl Groups {
    pub(super) fn new(groups: &spec::Groups) -> Self {
        Self { stack: value(&groups.stack), spot: groups.spot.value.clone(), on_demand: groups.on_demand.value.clone() }
    }

    /// Both, for people: `asgGPUSpot and asgGPU of the stack encoder-prod`.
    pub fn both(&self) -> String {
        match &self.stack {
            Some(stack) => format!("{} and {} of the stack {stack}", self.spot, self.on_demand),
            None => format!("{} and {}, of another template", self.spot, self.on_demand),
        }
    }

    /// One of the two, for people: `asgGPU of the stack encoder-prod`.
    pub fn words(&self, group: &str) -> String {
        match &self.stack {
            Some(stack) => format!("{group} of the stack {stack}"),
            None => format!("the Auto Scaling group {group}"),
        }
    }
}

/// Whether a group of this name can be managed: a `*` or `?` in it would have the SpotManager's role reach other groups too,
/// and a `:` or `$` is none that AWS or a template lets pass.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html>
pub(crate) fn is_group_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b":*?$".contains(&byte))
}
