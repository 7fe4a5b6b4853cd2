//! A stack and the stacks nested in it, as one list of resources: where a logical id leads.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use serde_yaml::Value;

use super::problem::Problem;
use crate::deploy::cloud::{Cloud, Resource};
use crate::deploy::trouble::CloudError;
use crate::spec::nearest;

const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";
const STACK: &str = "AWS::CloudFormation::Stack";

/// Stacks that are asked at once: the rest waits, because CloudFormation throttles.
const AT_ONCE: usize = 8;

/// A stack with all that is nested in it.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Every resource with its path: its logical id, those of the nested stacks that it is in before it.
    resources: Vec<(String, Resource)>,
    /// How many stacks are nested.
    pub nested: usize,
}

/// Why a logical id leads to no group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// There is none.
    Missing,
    /// It is something else: its resource type.
    Other(String),
    /// There are several: their paths.
    Several(Vec<String>),
    /// There is none yet, or no more: its state.
    NotThere(String),
}

impl Tree {
    /// Asks for a stack's resources, then for those of the stacks nested in it, and so on, each stack once.
    ///
    /// # Errors
    /// AWS does not answer for one of them.
    pub async fn grow(stack_arn: &str, cloud: &impl Cloud) -> Result<Self, CloudError> {
        let mut tree = Self::default();
        let mut seen = BTreeSet::from([stack_arn.to_owned()]);
        let mut level = vec![(String::new(), stack_arn.to_owned())];
        while !level.is_empty() {
            let mut next = Vec::new();
            for stacks in level.chunks(AT_ONCE) {
                let answers = try_join_all(stacks.iter().map(|(_, arn)| cloud.resources(arn))).await?;
                for ((path, _), resources) in stacks.iter().zip(answers) {
                    for resource in resources.into_iter().filter(|resource| resource.status != "DELETE_COMPLETE") {
                        let path = format!("{path}{}", resource.logical_id);
                        let nested = resource.physical_id.clone().filter(|_| resource.resource_type == STACK);
                        next.extend(nested.filter(|arn| seen.insert(arn.clone())).map(|arn| (format!("{path}/"), arn)));
                        tree.resources.push((path, resource));
                    }
                }
            }
            tree.nested += next.len();
            level = next;
        }
        Ok(tree)
    }

    /// The name of the group that a logical id means, or the end of a path: `asgGPU`, `Encoders/asgGPU`.
    ///
    /// # Errors
    /// It means none, or several.
    pub fn group(&self, id: &str) -> Result<String, Lost> {
        let end = format!("/{id}");
        let meant: Vec<_> = self.resources.iter().filter(|(path, _)| path == id || path.ends_with(&end)).collect();
        let groups: Vec<_> = meant.iter().filter(|(_, resource)| resource.resource_type == GROUP).collect();
        match (groups[..].as_ref(), meant.first()) {
            ([(_, group)], _) => match &group.physical_id {
                Some(name) if group.status != "CREATE_FAILED" => Ok(name.clone()),
                _ => Err(Lost::NotThere(group.status.clone())),
            },
            ([], Some((_, other))) => Err(Lost::Other(other.resource_type.clone())),
            ([], None) => Err(Lost::Missing),
            (several, _) => match several.iter().find(|(path, _)| path == id) {
                // The outermost is meant by its bare id: nobody could name it otherwise.
                Some((_, Resource { physical_id: Some(name), .. })) => Ok(name.clone()),
                _ => Err(Lost::Several(several.iter().map(|(path, _)| path.clone()).collect())),
            },
        }
    }

    /// The paths of all groups.
    pub fn groups(&self) -> Vec<&str> {
        let groups = self.resources.iter().filter(|(_, resource)| resource.resource_type == GROUP);
        groups.map(|(path, _)| path.as_str()).collect()
    }
}

impl Lost {
    /// The problem that it is for a pair.
    pub(super) fn at(self, pair: &str, id: &str, stack: &str, tree: &Tree) -> Problem {
        let groups = tree.groups();
        let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let lasts: Vec<String> = groups.iter().map(|path| last(path)).collect();
        let lasts: Vec<&str> = lasts.iter().map(String::as_str).collect();
        let meant = nearest(id, &groups).or_else(|| nearest(&last(id), &lasts)).map(str::to_owned);
        let place = match tree.nested {
            0 => format!("the stack `{stack}`"),
            1 => format!("the stack `{stack}` or the one nested in it"),
            nested => format!("the stack `{stack}` or the {nested} nested in it"),
        };
        let (pair, id, groups) = (pair.to_owned(), id.to_owned(), groups.into_iter().map(str::to_owned).collect());
        match self {
            Lost::Missing => Problem::NoId { pair, id, place, nearest: meant, groups },
            Lost::Other(kind) => Problem::NotAGroup { pair, id, stack: stack.into(), kind, nearest: meant, groups },
            Lost::Several(paths) => Problem::Several { pair, id, stack: stack.into(), paths },
            Lost::NotThere(status) => Problem::NotThere { pair, id, stack: stack.into(), status },
        }
    }
}

/// Whether a template gives a group a desired capacity, which every update of its stack then sets again.
pub fn sets_desired_capacity(template: &str, logical_id: &str) -> bool {
    let document: Value = serde_yaml::from_str(template).unwrap_or_default();
    let desired = (|| document.get("Resources")?.get(logical_id)?.get("Properties")?.get("DesiredCapacity"))();
    let is_nothing = |value: &Value| {
        let name = match value {
            Value::Tagged(tagged) if tagged.tag == "Ref" => tagged.value.as_str(),
            value => value.get("Ref").and_then(Value::as_str),
        };
        name == Some("AWS::NoValue")
    };
    desired.is_some_and(|value| !is_nothing(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str, kind: &str, name: Option<&str>) -> (String, Resource) {
        let resource = Resource {
            logical_id: path.rsplit('/').next().unwrap_or_default().into(),
            resource_type: kind.into(),
            physical_id: name.map(Into::into),
            status: "CREATE_COMPLETE".into(),
        };
        (path.into(), resource)
    }

    #[test]
    fn a_logical_id_leads_to_one_group_or_says_why_not() {
        let resources = vec![
            resource("asgGPU", GROUP, Some("prod-asgGPU-1")),
            resource("Queue", "AWS::SQS::Queue", Some("https://…")),
            resource("A/asgCPU", GROUP, Some("prod-A-asgCPU")),
            resource("B/asgCPU", GROUP, Some("prod-B-asgCPU")),
            resource("B/asgGPU", GROUP, Some("prod-B-asgGPU")),
            resource("B/Queue", GROUP, Some("prod-B-Queue")),
            resource("B/Later", GROUP, None),
        ];
        let tree = Tree { resources, nested: 2 };
        let ok = |name: &str| Ok(name.to_owned());
        for (id, expected) in [
            ("asgGPU", ok("prod-asgGPU-1")),
            ("B/asgGPU", ok("prod-B-asgGPU")),
            ("A/asgCPU", ok("prod-A-asgCPU")),
            ("Queue", ok("prod-B-Queue")),
            ("asgCPU", Err(Lost::Several(vec!["A/asgCPU".into(), "B/asgCPU".into()]))),
            ("GPU", Err(Lost::Missing)),
            ("Later", Err(Lost::NotThere("CREATE_COMPLETE".into()))),
        ] {
            assert_eq!(tree.group(id), expected, "{id}");
        }
        let tree = Tree { resources: vec![resource("Queue", "AWS::SQS::Queue", None)], nested: 0 };
        assert_eq!(tree.group("Queue"), Err(Lost::Other("AWS::SQS::Queue".into())));
    }

    #[test]
    fn a_desired_capacity_is_seen_in_yaml_and_json() {
        let group = |desired: &str| format!("Resources:\n  G:\n    Properties: {{MinSize: 0{desired}}}\n");
        for (desired, sets) in [
            ("", false),
            (", DesiredCapacity: 0", true),
            (", DesiredCapacity: !Ref Workers", true),
            (", DesiredCapacity: !Ref AWS::NoValue", false),
            (", DesiredCapacity: {Ref: 'AWS::NoValue'}", false),
            (", DesiredCapacity: !If [Production, 2, !Ref AWS::NoValue]", true),
        ] {
            assert_eq!(sets_desired_capacity(&group(desired), "G"), sets, "{desired}");
        }
        assert!(sets_desired_capacity(r#"{"Resources":{"G":{"Properties":{"DesiredCapacity":"1"}}}}"#, "G"));
        assert!(!sets_desired_capacity("{", "G"));
    }
}
