//! Nobody here looks at an instance's metrics every minute.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "detailed-monitoring",
    severity: Severity::Warning,
    sentence: "Workers have detailed monitoring, which is billed.",
    fix: "set `Monitoring: {Enabled: false}` in a launch template, `InstanceMonitoring: false` in a launch configuration",
    why: "Seven metrics at 0.30 USD are about 2.10 USD a month for every instance, and nothing here reads them: a queue decides. \
          A launch configuration has detailed monitoring *on* unless it says otherwise.",
    source: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/enable-as-instance-metrics.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let billed = subject.resources().filter_map(|resource| match resource.kind() {
        "AWS::EC2::LaunchTemplate" => {
            resource.property("LaunchTemplateData.Monitoring.Enabled").filter(|enabled| enabled.is_true())
        }
        "AWS::AutoScaling::LaunchConfiguration" => {
            let monitoring = resource.property("InstanceMonitoring");
            let off = monitoring.as_ref().is_some_and(|given| given.value == false || given.value == "false");
            (!off).then(|| monitoring.unwrap_or_else(|| resource.properties()))
        }
        _ => None,
    });
    billed.map(|place| Found::new("about 2.10 USD a month for each of these workers").within(&place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{CONFIGURATION, Edit::Template, table};

    #[test]
    fn monitoring_is_basic() {
        let both = &["2.10 USD", "2.10 USD"][..];
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[CONFIGURATION], &[]),
                (&[Template("Enabled: false", "Enabled: true")], both),
                (&[Template("        Monitoring:\n          Enabled: false\n", "")], &[]),
                (&[CONFIGURATION, Template("InstanceMonitoring: false", "InstanceMonitoring: true")], both),
                (&[CONFIGURATION, Template("      InstanceMonitoring: false\n", "")], both),
            ],
        );
    }
}
