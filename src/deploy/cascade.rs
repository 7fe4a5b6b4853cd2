//! What a change really reaches.
//!
//! CloudFormation announces a replacement as «conditional» wherever it does not look closely, and then announces every resource
//! that refers to that one too. Two things can be known before: an Auto Scaling group is replaced for a new name only, unless
//! its own update policy says otherwise; and a reference to a resource changes only if that resource is replaced.

use std::collections::BTreeSet;

use super::change_set::{Action, Change, Detail, Replacement};

/// The properties for which an Auto Scaling group is replaced, if no `AutoScalingReplacingUpdate` is asked for.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-autoscaling-autoscalinggroup.html>
const GROUP_REPLACED_FOR: [&str; 2] = ["AutoScalingGroupName", "InstanceId"];

/// The changes with what is known about their replacement, and the names of those resources that only refer to something that
/// stays as it is, and therefore stay as they are. `replaces_itself` knows which groups have a replacing update policy.
pub fn settle(mut changes: Vec<Change>, replaces_itself: impl Fn(&str) -> bool) -> (Vec<Change>, Vec<String>) {
    // Each turn settles at least one resource for good, so this ends.
    loop {
        let staying: BTreeSet<String> = changes
            .iter()
            .filter(|change| change.action == Action::Modify && change.replacement == Replacement::Never)
            .map(|change| change.logical_id.clone())
            .collect();
        let unsettled = changes.iter_mut().find(|change| {
            change.action == Action::Modify
                && change.replacement == Replacement::Maybe
                && !change.details.is_empty()
                && !change.details.iter().any(|detail| {
                    let own_policy = replaces_itself(&change.logical_id);
                    can_replace(&change.resource_type, detail, own_policy) && !is_void(detail, &staying)
                })
        });
        match unsettled {
            Some(change) => change.replacement = Replacement::Never,
            None => {
                let (unaffected, changes): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| {
                    change.action == Action::Modify
                        && !change.details.is_empty()
                        && change.details.iter().all(|detail| is_void(detail, &staying))
                });
                return (changes, unaffected.into_iter().map(|change| change.logical_id).collect());
            }
        }
    }
}

fn can_replace(resource_type: &str, detail: &Detail, own_policy: bool) -> bool {
    match resource_type {
        "AWS::AutoScaling::AutoScalingGroup" if !own_policy => GROUP_REPLACED_FOR.contains(&detail.name.as_str()),
        _ => detail.recreation != Replacement::Never,
    }
}

/// Whether it would change only with the name of a resource that keeps its name.
fn is_void(detail: &Detail, staying: &BTreeSet<String>) -> bool {
    detail.refers_to.as_ref().is_some_and(|id| staying.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::change_set::tests::change;

    const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";
    const POLICY: &str = "AWS::AutoScaling::ScalingPolicy";

    fn detail(name: &str, refers_to: Option<&str>) -> Detail {
        Detail { name: name.into(), recreation: Replacement::Maybe, refers_to: refers_to.map(Into::into) }
    }

    fn maybe(id: &str, resource_type: &str, details: Vec<Detail>) -> Change {
        Change { replacement: Replacement::Maybe, details, ..change(Action::Modify, id, resource_type) }
    }

    fn told(changes: Vec<Change>, own_policy: bool) -> (Vec<(String, Replacement)>, Vec<String>) {
        let (changes, unaffected) = settle(changes, |_| own_policy);
        (changes.into_iter().map(|change| (change.logical_id, change.replacement)).collect(), unaffected)
    }

    fn cascade(property: &str) -> Vec<Change> {
        vec![
            maybe("Alarm", "AWS::CloudWatch::Alarm", vec![detail("AlarmActions", Some("ScaleDown"))]),
            maybe("ScaleDown", POLICY, vec![detail("AutoScalingGroupName", Some("Group"))]),
            maybe(
                "ScaleUp",
                POLICY,
                vec![detail("AutoScalingGroupName", Some("Group")), detail("StepAdjustments", None)],
            ),
            maybe("Group", GROUP, vec![detail(property, None)]),
        ]
    }

    #[test]
    fn a_group_that_keeps_its_name_reaches_nobody() {
        for property in ["MaxSize", "LaunchTemplate", "LaunchConfigurationName"] {
            let (changes, unaffected) = told(cascade(property), false);
            assert_eq!(unaffected, ["Alarm", "ScaleDown"]);
            assert_eq!(changes, [("ScaleUp".into(), Replacement::Maybe), ("Group".into(), Replacement::Never)]);
        }
    }

    #[test]
    fn a_group_that_may_get_another_name_reaches_all() {
        for (property, own_policy) in [("AutoScalingGroupName", false), ("LaunchTemplate", true)] {
            let (changes, unaffected) = told(cascade(property), own_policy);
            assert_eq!(unaffected, [""; 0]);
            assert!(changes.iter().all(|(_, replacement)| *replacement == Replacement::Maybe), "{changes:?}");
        }
    }

    #[test]
    fn nothing_is_explained_away_that_is_not_known() {
        let (changes, unaffected) = told(vec![maybe("Queue", "AWS::SQS::Queue", vec![])], false);
        assert_eq!((changes[0].1, unaffected.len()), (Replacement::Maybe, 0));
        let outside = vec![maybe("ScaleUp", POLICY, vec![detail("AutoScalingGroupName", Some("NotInTheChangeSet"))])];
        assert_eq!(told(outside, false).0[0].1, Replacement::Maybe);
        let replaced = Change { replacement: Replacement::Always, ..cascade("AutoScalingGroupName").remove(3) };
        assert_eq!(told(vec![replaced], false).0[0].1, Replacement::Always);
    }
}
