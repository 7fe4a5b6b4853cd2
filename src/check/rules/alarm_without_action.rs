//! An alarm is for somebody.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "alarm-without-action",
    severity: Severity::Warning,
    sentence: "An alarm does nothing when it goes off.",
    fix: "name a topic or a scaling policy in `AlarmActions`, or leave the alarm out",
    why: "An alarm costs 0.10 USD a month per metric. One without an action, or with `ActionsEnabled: false`, neither scales nor \
          tells anybody.",
    source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let silent =
        ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"].into_iter().flat_map(|kind| subject.of(kind));
    silent
        .filter_map(|alarm| {
            let off =
                alarm.property("ActionsEnabled").filter(|enabled| enabled.value == false || enabled.value == "false");
            let actions = alarm.property("AlarmActions");
            let none = actions.as_ref().is_none_or(|actions| actions.items().is_empty());
            let place = off.or_else(|| none.then(|| actions.unwrap_or_else(|| alarm.properties())))?;
            Some(Found::new("this alarm does nothing").within(&place))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn alarms_act() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[Template("      AlarmActions:\n        - !Ref GpuAlarmTopic\n", "")], &["does nothing"]),
                (&[Template("AlarmActions:\n        - !Ref GpuAlarmTopic", "AlarmActions: []")], &["does nothing"]),
                (
                    &[Template("      AlarmActions:", "      ActionsEnabled: false\n      AlarmActions:")],
                    &["does nothing", "does nothing"],
                ),
                (&[Template("      AlarmActions:", "      ActionsEnabled: true\n      AlarmActions:")], &[]),
            ],
        );
    }
}
