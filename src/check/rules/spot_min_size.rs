//! No stack waits for Spot.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "spot-min-size",
    severity: Severity::Warning,
    sentence: "A group that asks for Spot has to have instances.",
    fix: "keep `MinSize: \"0\"`; workers that are always on are On-Demand ones, by `workers: base`",
    why: "When Spot is not to be had the group goes on trying. The SpotManager cannot withdraw what stands below `MinSize`, so the \
          capacity doubles when Spot comes back; and a new stack may wait for the first instance for hours, because \
          CloudFormation takes a group for done when it has what it wants.",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-autoscaling-autoscalinggroup.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let spot: Vec<&str> = subject
        .launches()
        .filter(|launch| launch.get("SpotPrice").or_else(|| launch.get("InstanceMarketOptions")).is_some())
        .map(|launch| launch.resource)
        .collect();
    let groups = subject.of("AWS::AutoScaling::AutoScalingGroup").filter(|group| {
        let launch = ["LaunchTemplate", "LaunchConfigurationName"].iter().find_map(|key| group.property(key));
        launch.is_some_and(|launch| launch.references().iter().any(|id| spot.contains(id)))
    });
    groups
        .filter_map(|group| group.property("MinSize").filter(|min| min.number().is_some_and(|min| min > 0)))
        .map(|min| Found::new("this group asks for Spot, and has to have instances").within(&min))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{CONFIGURATION, Edit::Spec, Edit::Template, table};

    #[test]
    fn spot_may_be_absent() {
        let min = Template("      MinSize: \"0\"", "      MinSize: \"1\"");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[min], &["asks for Spot"]),
                (&[CONFIGURATION, min], &["asks for Spot"]),
                (&[Spec("max: 4", "max: 4\n      base: 2")], &[]),
            ],
        );
    }
}
