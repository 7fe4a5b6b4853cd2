//! What a change does to a resource, and what that means for the instances that run and the jobs that wait.
//!
//! One vocabulary for what is known from two templates alone and for what CloudFormation says of a change set.

use std::fmt;

use serde::Serialize;

/// What would happen to a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    #[default]
    Add,
    /// It is changed.
    Modify,
    /// It leaves the stack.
    Remove,
    /// In AWS's word: `Import`, `Dynamic` (known only while it runs) or `SyncWithActual`.
    Other(String),
}

/// Whether another resource takes the place of this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// It is changed in place.
    #[default]
    Never,
    /// It depends on values that are known only while it runs.
    Maybe,
    /// A new one is made and the old one deleted.
    Always,
}

/// What happens to a resource, in a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// `+`
    Add,
    /// `~`
    Change,
    /// `~`, and perhaps `-/+`: that depends on what happens on the way.
    MayReplace,
    /// `-/+`
    Replace,
    /// `-`
    Remove,
    /// `!`: CloudFormation refuses it.
    Impossible,
    /// `*`: something else, in AWS's word.
    Other,
}

impl Mark {
    /// Of an action, and of what becomes of the resource.
    pub fn new(action: &Action, replacement: Replacement) -> Self {
        match (action, replacement) {
            (Action::Add, _) => Mark::Add,
            (Action::Remove, _) => Mark::Remove,
            (Action::Modify, Replacement::Never) => Mark::Change,
            (Action::Modify, Replacement::Maybe) => Mark::MayReplace,
            (Action::Modify, Replacement::Always) => Mark::Replace,
            (Action::Other(_), _) => Mark::Other,
        }
    }

    /// Whether something that exists may be lost.
    pub fn destroys(self) -> bool {
        matches!(self, Mark::MayReplace | Mark::Replace | Mark::Remove | Mark::Impossible)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mark::Add => "+",
            Mark::Change | Mark::MayReplace => "~",
            Mark::Replace => "-/+",
            Mark::Remove => "-",
            Mark::Impossible => "!",
            Mark::Other => "*",
        })
    }
}

/// What the consequences of a change depend on.
#[derive(Debug, Clone, Copy)]
pub struct Fate<'a> {
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: &'a str,
    /// What happens.
    pub action: &'a Action,
    /// Whether another one takes its place.
    pub replacement: Replacement,
    /// Whether the old one stays in AWS although it leaves the stack (`DeletionPolicy`, `UpdateReplacePolicy`).
    pub retained: bool,
    /// The names of the properties that change.
    pub properties: &'a [&'a str],
}

impl Fate<'_> {
    /// What it means for what runs; `None` where there is nothing more to say than that it happens.
    pub fn consequence(&self) -> Option<&'static str> {
        use Replacement::{Always, Maybe, Never};
        if self.action == &Action::Remove && self.retained {
            return Some("stays in AWS, outside the stack");
        }
        Some(match (self.resource_type, self.action, self.replacement) {
            ("AWS::AutoScaling::AutoScalingGroup", Action::Modify, Never) => "its instances keep running",
            ("AWS::AutoScaling::AutoScalingGroup", Action::Modify, Maybe) => {
                "may be replaced: then its instances are terminated"
            }
            ("AWS::AutoScaling::AutoScalingGroup", Action::Modify, Always) => "replaced: its instances are terminated",
            ("AWS::AutoScaling::AutoScalingGroup", Action::Remove, _) => "its instances are terminated",
            ("AWS::EC2::LaunchTemplate" | CONFIGURATION, Action::Modify, _) => {
                "instances keep running; new ones are launched the new way"
            }
            ("AWS::SQS::Queue", Action::Modify, Always) if self.retained => {
                "replaced by an empty one; the old one stays in AWS with its jobs"
            }
            ("AWS::SQS::Queue", Action::Modify, Maybe) => "may be replaced: then the jobs in it are lost",
            ("AWS::SQS::Queue", Action::Modify, Always) => "replaced: the jobs in the old one are lost",
            ("AWS::SQS::Queue", Action::Remove, _) => "the jobs in it are lost",
            ("AWS::Logs::LogGroup", Action::Modify, Always) if !self.retained => "replaced: the old log is lost",
            ("AWS::Logs::LogGroup", Action::Remove, _) => "the log is lost",
            ("AWS::Lambda::Function", Action::Modify, Never) if self.properties.contains(&"Code") => {
                "the SpotManager runs another handler from then on"
            }
            ("AWS::CloudWatch::Alarm", Action::Modify, Always) => "replaced: for a minute or two it sees nothing",
            (_, Action::Modify, Maybe) => "may be replaced",
            (_, Action::Modify, Always) if self.retained => "replaced by a new one; the old one stays in AWS",
            (_, Action::Modify, Always) => "replaced by a new one",
            (_, Action::Other(word), _) if word == "Import" => "joins the stack as it is",
            (_, Action::Other(_), _) => "known only while it runs",
            _ => return None,
        })
    }
}

/// Where a change is shown: what a reviewer must not overlook comes first, then the parts of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Roles, who may call whom, and what instances may reach.
    Permissions,
    /// What is replaced, removed or refused, whatever it belongs to.
    Replaced,
    /// The Spot group, its launch definition and scaling policies.
    Spot,
    /// The same for On-Demand.
    OnDemand,
    /// The queue and what wakes the SpotManager: alarms, topic, rules, the tick.
    Signals,
    /// The function and its log.
    SpotManager,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Permissions => "Permissions and network",
            Part::Replaced => "Replaced or removed",
            Part::Spot => "Spot",
            Part::OnDemand => "On-Demand",
            Part::Signals => "Queue and signals",
            Part::SpotManager => "SpotManager",
        })
    }
}

pub(super) const CONFIGURATION: &str = "AWS::AutoScaling::LaunchConfiguration";

/// Words in the path of a change that decide what instances and function may reach, and as whom.
const SENSITIVE: [&str; 14] = [
    "VPCZoneIdentifier",
    "AvailabilityZones",
    "SecurityGroupIds",
    "SecurityGroups",
    "SecurityGroupIngress",
    "SecurityGroupEgress",
    "NetworkInterfaces",
    "AssociatePublicIpAddress",
    "VpcConfig",
    "IamInstanceProfile",
    "Role",
    "MetadataOptions",
    "PolicyDocument",
    "KmsMasterKeyId",
];

impl Part {
    /// Where a change is shown. `pair_ids` are the prefixes of the pairs' logical ids, `paths` the changed places.
    pub fn new(
        mark: Mark,
        logical_id: &str,
        resource_type: &str,
        pair_ids: &[&str],
        paths: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let part = Self::of_pair(logical_id, resource_type, pair_ids);
        let sensitive = |path: &str| path.split(['.', '[']).any(|word| SENSITIVE.contains(&word));
        match part {
            Part::Permissions => part,
            _ if mark != Mark::Add && paths.into_iter().any(|path| sensitive(path.as_ref())) => Part::Permissions,
            // A launch configuration cannot change but by a new one; nothing is lost with the old one.
            _ if mark.destroys() && (mark != Mark::Replace || resource_type != CONFIGURATION) => Part::Replaced,
            _ => part,
        }
    }

    /// The part of a pair that a resource belongs to.
    pub(crate) fn of_pair(logical_id: &str, resource_type: &str, pair_ids: &[&str]) -> Self {
        let prefix = pair_ids.iter().filter(|id| logical_id.starts_with(**id)).max_by_key(|id| id.len());
        let rest = &logical_id[prefix.map_or(0, |id| id.len())..];
        match resource_type {
            "AWS::Lambda::Permission" | "AWS::SQS::QueuePolicy" | "AWS::SNS::TopicPolicy" => Part::Permissions,
            kind if kind.starts_with("AWS::IAM::") || kind.starts_with("AWS::EC2::SecurityGroup") => Part::Permissions,
            "AWS::Lambda::Function" | "AWS::Lambda::EventInvokeConfig" | "AWS::Logs::LogGroup" => Part::SpotManager,
            kind if !kind.starts_with("AWS::AutoScaling::") && kind != "AWS::EC2::LaunchTemplate" => Part::Signals,
            _ if rest.starts_with("OnDemand") => Part::OnDemand,
            _ => Part::Spot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_may_have_any_name() {
        const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";
        let part = |id: &str| Part::new(Mark::Change, id, GROUP, &["Spot", "OnDemand"], ["MaxSize"]);
        assert_eq!((part("OnDemandSpotGroup"), part("SpotOnDemandGroup")), (Part::Spot, Part::OnDemand));
    }

    #[test]
    fn what_must_not_be_overlooked_comes_first() {
        let part = |mark, kind: &str, path: &str| Part::new(mark, "GpuX", kind, &["Gpu"], [path]);
        assert_eq!(part(Mark::Add, "AWS::IAM::Role", ""), Part::Permissions);
        assert_eq!(part(Mark::Replace, "AWS::Lambda::Permission", "SourceArn"), Part::Permissions);
        assert_eq!(part(Mark::Replace, "AWS::SQS::Queue", "QueueName"), Part::Replaced);
        let group = "AWS::AutoScaling::AutoScalingGroup";
        assert_eq!(part(Mark::Change, group, "VPCZoneIdentifier[]"), Part::Permissions);
        assert_eq!(part(Mark::Change, group, "MaxSize"), Part::Spot);
        let launch = "AWS::EC2::LaunchTemplate";
        assert_eq!(part(Mark::Change, launch, "LaunchTemplateData.IamInstanceProfile.Name"), Part::Permissions);
    }
}
