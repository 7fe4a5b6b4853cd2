//! Spec -> Plan: the only place where names and defaults are made.
//!
//! [`Plan::new`] decides all; each part has its own file, with what is decided of it beside what it is.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::spec::{Architecture, At, Spec};

mod groups;
mod launch;
mod manager;
mod market;
mod pair;
mod queue;

pub use groups::Groups;
pub(crate) use groups::is_group_name;
pub(crate) use launch::END_OF_SCRIPT;
pub use launch::{Launch, Volume};
pub use manager::{Manager, Notify};
pub use market::Market;
pub use pair::{Alarms, Pair, PolicyText, Step};
pub(crate) use pair::{DEFAULT_MAX, logical_id};
pub use queue::Queue;
pub(crate) use queue::dead_letter_name;

/// The spec with every name, id, default and number decided: what the blueprints arrange.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The CloudFormation stack's name.
    pub stack: String,
    /// The Region that the spec names, if it does.
    pub region: Option<String>,
    /// On the stack, and so on every resource that takes tags.
    pub tags: BTreeMap<String, String>,
    /// In the order of their names.
    pub pairs: Vec<Pair>,
    /// What the SpotManagers' handler is built for.
    pub architecture: Architecture,
    /// The spec's file name, for the template's header.
    pub spec: String,
    /// The version of spotstack.
    pub version: &'static str,
}

/// A tag.
#[derive(Debug, Clone, Serialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Plan {
    /// Decides all that the spec, read from the file of this name, leaves open.
    pub fn new(spec: &Spec, file_name: &str) -> Self {
        let tags: BTreeMap<_, _> = spec.tags.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect();
        // One handler serves all pairs: what one of them says of its processor holds for those that say nothing.
        let said = spec.pairs.values().find_map(|pair| value(&pair.value.manager.architecture));
        let architecture = said.unwrap_or_default();
        let pairs = spec.pairs.iter().map(|(name, pair)| Pair::new(name, &pair.value, spec, architecture)).collect();
        Self {
            stack: spec.stack.value.clone(),
            region: spec.region.as_ref().map(|region| region.value.clone()),
            architecture,
            tags,
            pairs,
            spec: file_name.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn value<T: Clone>(given: &Option<At<T>>) -> Option<T> {
    given.as_ref().map(|given| given.value.clone())
}

fn or<T: Clone>(given: &Option<At<T>>, default: T) -> T {
    value(given).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn all_pairs_have_the_processor_that_one_of_them_names() {
        let launch = "launch: {instance_type: g5.2xlarge, image: ami-0123456789abcdef0}";
        let text = format!(
            "stack: media
network: {{subnets: [subnet-0a1b2c3d4e5f60001], security_groups: [sg-0a1b2c3d4e5f60001]}}
pairs:
  a: {{queue: {{name: a}}, {launch}}}
  b: {{queue: {{name: b}}, {launch}, manager: {{architecture: arm64}}}}
"
        );
        let of = |text: &str| {
            let plan = Plan::new(&spec::parse(text, None).expect("a spec"), "spotstack.yaml");
            let pairs: Vec<_> = plan.pairs.iter().map(|pair| pair.manager.architecture).collect();
            (plan.architecture, pairs)
        };
        assert_eq!(of(&text), (Architecture::Arm64, vec![Architecture::Arm64; 2]));
        let silent = text.replace(", manager: {architecture: arm64}", "");
        assert_eq!(of(&silent), (Architecture::X86_64, vec![Architecture::X86_64; 2]));
    }
}
