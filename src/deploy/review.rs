//! A change set for people.

use super::change_set::Change;
use crate::template::diff::{Item, Known, values};
pub use crate::template::diff::{Mark, Part, Review, Section};

/// A change set in the order in which people think of a pair. `pair_ids` are the prefixes of the pairs' logical ids, `describe`
/// knows what a resource is for; `unaffected` are those that AWS lists and nothing happens to.
pub fn review<'a>(
    changes: &'a [Change],
    unaffected: Vec<String>,
    pair_ids: &[&str],
    describe: impl Fn(&str) -> Option<&'a str>,
) -> Review {
    let items = changes.iter().map(|change| item(change, describe(&change.logical_id))).collect();
    Review { unaffected, ..Review::new(items, pair_ids) }
}

fn item(change: &Change, about: Option<&str>) -> Item {
    let changes = change.states.as_ref().map(|(before, after)| values(before, after, &change.resource_type));
    Item::new(Known {
        logical_id: &change.logical_id,
        resource_type: &change.resource_type,
        action: &change.action,
        replacement: change.replacement,
        retained: change.retained,
        about,
        properties: change.properties(),
        changes: changes.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::change_set::{Action, Detail, Replacement, tests::change};

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
            review(&changes, vec!["GpuTickRule".into()], &["Gpu"], describe).to_string(),
            "\
Permissions and network
   + GpuSpotManagerRole           AWS::IAM::Role
Replaced or removed
 -/+ GpuQueue                     AWS::SQS::Queue
       QueueName
       => replaced: the jobs in the old one are lost
   ~ GpuOnDemandGroup             AWS::AutoScaling::AutoScalingGroup
       LaunchTemplate
       => may be replaced: then its instances are terminated
   - GpuDeadLetterQueue           AWS::SQS::Queue
       => stays in AWS, outside the stack
Spot
   ~ GpuSpotGroup                 Workers on Spot Instances
       MaxSize
       => its instances keep running
Queue and signals
   * GpuIdleAlarm                 AWS::CloudWatch::Alarm
       => known only while it runs
SpotManager
   ~ GpuSpotManager               AWS::Lambda::Function
       Code, Environment
       => the SpotManager runs another handler from then on
Only looked at again: GpuTickRule
1 to add, 4 to change, 1 to replace, 1 to remove"
        );
    }
}
