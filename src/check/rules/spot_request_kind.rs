//! An Auto Scaling group takes one kind of Spot request.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "spot-request-kind",
    severity: Severity::Error,
    sentence: "A launch template asks for Spot in a way that no Auto Scaling group takes.",
    fix: "keep `SpotInstanceType: one-time` and `MaxPrice`, and leave all else out",
    why: "The launch template is created happily; the group is then refused: «Auto Scaling only supports the 'one-time' Spot \
          instance type with no duration». Only a persistent request may stop or hibernate, so those are out as well.",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ec2-launchtemplate-spotoptions.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let options = subject.launches().filter_map(|launch| launch.get("InstanceMarketOptions")?.get("SpotOptions"));
    let wrong = options.filter_map(|options| {
        let other = |key: &str, only: &str| options.get(key).filter(|value| value.value != only);
        let wrong = other("SpotInstanceType", "one-time")
            .or_else(|| other("InstanceInterruptionBehavior", "terminate"))
            .or_else(|| options.get("BlockDurationMinutes"))
            .or_else(|| options.get("ValidUntil"))?;
        Some(Found::new("no Auto Scaling group takes such a Spot request").within(&wrong))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn requests_are_of_one_kind() {
        let kind = |other: &'static str| Template("SpotInstanceType: one-time", other);
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[kind("SpotInstanceType: persistent")], &["no Auto Scaling group"]),
                (&[kind("InstanceInterruptionBehavior: stop")], &["no Auto Scaling group"]),
                (&[kind("BlockDurationMinutes: 60")], &["no Auto Scaling group"]),
                (&[kind("InstanceInterruptionBehavior: terminate")], &[]),
            ],
        );
    }
}
