//! A queue's metrics come once a minute.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "high-resolution-alarm",
    severity: Severity::Warning,
    sentence: "An alarm looks more often than once a minute, which costs three times as much.",
    fix: "set `Period: 60` or more",
    why: "A high-resolution alarm costs 0.30 USD a month per metric instead of 0.10. SQS sends its metrics once a minute, so on a \
          queue it sees nothing earlier; it only finds most of its periods without data.",
    source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let periods = subject.of("AWS::CloudWatch::Alarm").flat_map(|alarm| {
        let metrics = alarm.property("Metrics").map(|metrics| metrics.items()).unwrap_or_default();
        let theirs = metrics
            .into_iter()
            .flat_map(|metric| [metric.get("Period"), metric.get("MetricStat").and_then(|stat| stat.get("Period"))]);
        theirs.chain([alarm.property("Period")]).flatten().collect::<Vec<_>>()
    });
    periods
        .filter(|period| period.number().is_some_and(|period| period < 60))
        .map(|period| Found::new("this alarm costs three times as much, and sees nothing earlier").within(&period))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn once_a_minute_is_enough() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (
                    &[Template(
                        "      Period: 60\n      EvaluationPeriods",
                        "      Period: 10\n      EvaluationPeriods",
                    )],
                    &["three times"],
                ),
                (&[Template("            Period: 60", "            Period: 30")], &["three times", "three times"]),
                (
                    &[Template(
                        "      Period: 60\n      EvaluationPeriods",
                        "      Period: 300\n      EvaluationPeriods",
                    )],
                    &[],
                ),
            ],
        );
    }
}
