//! How many instances a group wants is not the template's business.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "desired-capacity",
    severity: Severity::Error,
    sentence: "A group's `DesiredCapacity` is in the template.",
    fix: "leave `DesiredCapacity` out; workers that are always on are `workers: base`",
    why: "It belongs to the SpotManager. CloudFormation sets it again at every update of the group: a change of a tag in the middle \
          of the day ends every worker, or starts some that nobody needs. Without it a group begins at `MinSize`.",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-autoscaling-autoscalinggroup.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let given = subject.of("AWS::AutoScaling::AutoScalingGroup").filter_map(|group| group.property("DesiredCapacity"));
    given.map(|desired| Found::new("an update of the stack would reset this group").within(&desired)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn capacity_is_the_spot_managers() {
        let desired = Template("      MinSize: \"0\"", "      MinSize: \"0\"\n      DesiredCapacity: \"1\"");
        table(&RULE, &[(&[], &[]), (&[desired], &["reset this group", "reset this group"])]);
    }
}
