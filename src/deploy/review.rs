//! A change set for people: in the order in which they think of a pair, with the consequences in words.

use std::fmt;

use serde::Serialize;

use super::change_set::{Action, Change, Replacement};
use super::text::neutral;

/// What a change set would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// The parts of a pair in which something changes.
    pub sections: Vec<Section>,
    /// Resources that AWS lists because they refer to something that changes, and that stay as they are.
    pub unaffected: Vec<String>,
}

/// One part of the pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Which.
    pub part: Part,
    /// Its changes, in the order of AWS.
    pub items: Vec<Item>,
}

/// A part of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The Spot group, its launch definition and scaling policies.
    Spot,
    /// The same for On-Demand.
    OnDemand,
    /// The queue and what wakes the SpotManager: alarms, topic, rules, the tick.
    Signals,
    /// The function and its log.
    SpotManager,
    /// Roles, and who may call whom.
    Permissions,
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What.
    pub mark: Mark,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// What it is for: the template's own words, if it has some.
    pub about: Option<String>,
    /// The properties that change.
    pub properties: Vec<String>,
    /// What that means for what runs.
    pub consequence: Option<&'static str>,
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
    /// `*`: something else, in AWS's word.
    Other,
}

impl Mark {
    /// Whether something that exists may be lost.
    pub fn destroys(self) -> bool {
        matches!(self, Mark::MayReplace | Mark::Replace | Mark::Remove)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mark::Add => "+",
            Mark::Change | Mark::MayReplace => "~",
            Mark::Replace => "-/+",
            Mark::Remove => "-",
            Mark::Other => "*",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Spot => "Spot",
            Part::OnDemand => "On-Demand",
            Part::Signals => "Queue and signals",
            Part::SpotManager => "SpotManager",
            Part::Permissions => "Permissions",
        })
    }
}

impl Review {
    /// Puts the changes in order. `pair_ids` are the prefixes of the pairs' logical ids, `describe` knows what a resource is
    /// for.
    pub fn new<'a>(
        changes: &[Change],
        unaffected: Vec<String>,
        pair_ids: &[&str],
        describe: impl Fn(&str) -> Option<&'a str>,
    ) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for change in changes {
            let part = part(change, pair_ids);
            let item = item(change, describe(&change.logical_id));
            match sections.iter_mut().find(|section| section.part == part) {
                Some(section) => section.items.push(item),
                None => sections.push(Section { part, items: vec![item] }),
            }
        }
        sections.sort_by_key(|section| section.part);
        Self { sections, unaffected }
    }

    /// `3 to add, 1 to change, 0 to replace, 0 to remove`.
    pub fn summary(&self) -> String {
        let of = |marks: &[Mark]| {
            self.sections.iter().flat_map(|section| &section.items).filter(|item| marks.contains(&item.mark)).count()
        };
        format!(
            "{} to add, {} to change, {} to replace, {} to remove",
            of(&[Mark::Add]),
            of(&[Mark::Change, Mark::MayReplace, Mark::Other]),
            of(&[Mark::Replace]),
            of(&[Mark::Remove]),
        )
    }
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            writeln!(f, "{}", section.part)?;
            for item in &section.items {
                writeln!(f, "{item}")?;
            }
        }
        if !self.unaffected.is_empty() {
            writeln!(f, "Only looked at again: {}", self.unaffected.join(", "))?;
        }
        f.write_str(&self.summary())
    }
}

impl fmt::Display for Item {
    /// The resource and what it is for; below it what changes, and what that means.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.about.as_deref().unwrap_or(&self.resource_type);
        write!(f, "{:>4} {:<28} {}", self.mark, self.logical_id, about.trim_end_matches('.'))?;
        if !self.properties.is_empty() {
            write!(f, "\n       {}", self.properties.join(", "))?;
        }
        if let Some(consequence) = self.consequence {
            write!(f, "\n       => {consequence}")?;
        }
        Ok(())
    }
}

fn item(change: &Change, about: Option<&str>) -> Item {
    Item {
        mark: match (&change.action, change.replacement) {
            (Action::Add, _) => Mark::Add,
            (Action::Remove, _) => Mark::Remove,
            (Action::Modify, Replacement::Never) => Mark::Change,
            (Action::Modify, Replacement::Maybe) => Mark::MayReplace,
            (Action::Modify, Replacement::Always) => Mark::Replace,
            (Action::Other(_), _) => Mark::Other,
        },
        logical_id: change.logical_id.clone(),
        resource_type: change.resource_type.clone(),
        about: about.map(|about| neutral(about).into_owned()),
        properties: change.properties().into_iter().map(Into::into).collect(),
        consequence: consequence(change),
    }
}

/// What a change means for the instances that run and the jobs that wait.
fn consequence(change: &Change) -> Option<&'static str> {
    use Replacement::{Always, Maybe, Never};
    if change.action == Action::Remove && change.retained {
        return Some("stays in AWS, outside the stack");
    }
    Some(match (change.resource_type.as_str(), &change.action, change.replacement) {
        ("AWS::AutoScaling::AutoScalingGroup", Action::Modify, Never) => "its instances keep running",
        ("AWS::AutoScaling::AutoScalingGroup", Action::Modify, Maybe) => {
            "may be replaced: then its instances are terminated"
        }
        ("AWS::AutoScaling::AutoScalingGroup", Action::Modify, Always) => "replaced: its instances are terminated",
        ("AWS::AutoScaling::AutoScalingGroup", Action::Remove, _) => "its instances are terminated",
        ("AWS::EC2::LaunchTemplate" | "AWS::AutoScaling::LaunchConfiguration", Action::Modify, _) => {
            "instances keep running; new ones are launched the new way"
        }
        ("AWS::SQS::Queue", Action::Modify, Maybe) => "may be replaced: then the jobs in it are lost",
        ("AWS::SQS::Queue", Action::Modify, Always) => "replaced: the jobs in the old one are lost",
        ("AWS::SQS::Queue", Action::Remove, _) => "the jobs in it are lost",
        ("AWS::Logs::LogGroup", Action::Remove, _) => "the log is lost",
        (_, Action::Modify, Maybe) => "may be replaced",
        (_, Action::Modify, Always) => "replaced by a new one",
        (_, Action::Other(word), _) if word == "Import" => "joins the stack as it is",
        (_, Action::Other(_), _) => "known only while it runs",
        _ => return None,
    })
}

fn part(change: &Change, pair_ids: &[&str]) -> Part {
    let prefix = pair_ids.iter().filter(|id| change.logical_id.starts_with(**id)).max_by_key(|id| id.len());
    let rest = &change.logical_id[prefix.map_or(0, |id| id.len())..];
    match change.resource_type.as_str() {
        "AWS::Lambda::Permission" | "AWS::SQS::QueuePolicy" | "AWS::SNS::TopicPolicy" => Part::Permissions,
        kind if kind.starts_with("AWS::IAM::") => Part::Permissions,
        "AWS::Lambda::Function" | "AWS::Lambda::EventInvokeConfig" | "AWS::Logs::LogGroup" => Part::SpotManager,
        kind if !kind.starts_with("AWS::AutoScaling::") && kind != "AWS::EC2::LaunchTemplate" => Part::Signals,
        _ if rest.starts_with("OnDemand") => Part::OnDemand,
        _ => Part::Spot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::change_set::{Detail, tests::change};

    fn modify(logical_id: &str, resource_type: &str, replacement: Replacement, properties: &[&str]) -> Change {
        let details = properties.iter().map(|name| Detail { name: (*name).into(), ..Detail::default() }).collect();
        Change { replacement, details, ..change(Action::Modify, logical_id, resource_type) }
    }

    #[test]
    fn changes_are_grouped_and_their_consequences_are_said() {
        let changes = [
            change(Action::Add, "GpuSpotManagerRole", "AWS::IAM::Role"),
            modify("GpuSpotManager", "AWS::Lambda::Function", Replacement::Never, &["Code", "Environment"]),
            modify("GpuQueue", "AWS::SQS::Queue", Replacement::Always, &["QueueName"]),
            modify("GpuSpotGroup", "AWS::AutoScaling::AutoScalingGroup", Replacement::Never, &["MaxSize"]),
            modify("GpuOnDemandGroup", "AWS::AutoScaling::AutoScalingGroup", Replacement::Maybe, &["LaunchTemplate"]),
            Change { retained: true, ..change(Action::Remove, "GpuDeadLetterQueue", "AWS::SQS::Queue") },
            change(Action::Other("Dynamic".into()), "GpuIdleAlarm", "AWS::CloudWatch::Alarm"),
        ];
        let describe = |id: &str| (id == "GpuSpotGroup").then_some("Workers on Spot Instances.");
        assert_eq!(
            Review::new(&changes, vec!["GpuTickRule".into()], &["Gpu"], describe).to_string(),
            "\
Spot
   ~ GpuSpotGroup                 Workers on Spot Instances
       MaxSize
       => its instances keep running
On-Demand
   ~ GpuOnDemandGroup             AWS::AutoScaling::AutoScalingGroup
       LaunchTemplate
       => may be replaced: then its instances are terminated
Queue and signals
 -/+ GpuQueue                     AWS::SQS::Queue
       QueueName
       => replaced: the jobs in the old one are lost
   - GpuDeadLetterQueue           AWS::SQS::Queue
       => stays in AWS, outside the stack
   * GpuIdleAlarm                 AWS::CloudWatch::Alarm
       => known only while it runs
SpotManager
   ~ GpuSpotManager               AWS::Lambda::Function
       Code, Environment
Permissions
   + GpuSpotManagerRole           AWS::IAM::Role
Only looked at again: GpuTickRule
1 to add, 4 to change, 1 to replace, 1 to remove"
        );
    }

    #[test]
    fn a_pair_may_have_any_name() {
        let changes = [
            change(Action::Add, "SpotOnDemandGroup", "AWS::AutoScaling::AutoScalingGroup"),
            change(Action::Add, "OnDemandSpotGroup", "AWS::AutoScaling::AutoScalingGroup"),
        ];
        let review = Review::new(&changes, vec![], &["Spot", "OnDemand"], |_| None);
        let parts: Vec<_> =
            review.sections.iter().map(|section| (section.part, section.items[0].logical_id.as_str())).collect();
        assert_eq!(parts, [(Part::Spot, "OnDemandSpotGroup"), (Part::OnDemand, "SpotOnDemandGroup")]);
    }
}
