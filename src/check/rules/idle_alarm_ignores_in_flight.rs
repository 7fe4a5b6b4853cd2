//! A queue is idle when nobody works on its jobs either.

use super::{Found, Rule, Severity, Subject, queue_metrics};

pub(in crate::check) static RULE: Rule = Rule {
    id: "idle-alarm-ignores-in-flight",
    severity: Severity::Error,
    sentence: "The alarm that scales in looks at waiting jobs only, not at those that are worked on.",
    fix: "add `ApproximateNumberOfMessagesNotVisible` by metric math, as the built-in `alarms.yaml` does: visible + in_flight",
    why: "A job that is being worked on is not visible. While the last, long jobs run, nothing waits, and such an alarm ends the \
          workers in the middle of them; the jobs come back after the visibility timeout and are begun again, on the next \
          workers, for ever. Metric math takes a metric without data for 0, so the sum needs no FILL.",
    source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let alarms = subject.of("AWS::CloudWatch::Alarm").filter(|alarm| {
        let comparison = alarm.property("ComparisonOperator");
        comparison.is_some_and(|comparison| comparison.text().is_some_and(|text| text.starts_with("LessThan")))
    });
    let blind = alarms.filter_map(|alarm| {
        let metrics = queue_metrics(&alarm);
        let of = |name: &str| metrics.iter().find(|metric| metric.value == name);
        let visible = of("ApproximateNumberOfMessagesVisible")?;
        if of("ApproximateNumberOfMessagesNotVisible").is_some() {
            return None;
        }
        Some(Found::new("this alarm takes a queue for idle while its last jobs are worked on").within(visible))
    });
    blind.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn jobs_in_flight_count() {
        let blind =
            Template("MetricName: ApproximateNumberOfMessagesNotVisible", "MetricName: ApproximateAgeOfOldestMessage");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[blind], &["for idle while its last jobs are worked on"]),
                (
                    &[
                        blind,
                        Template(
                            "ComparisonOperator: LessThanOrEqualToThreshold",
                            "ComparisonOperator: GreaterThanThreshold",
                        ),
                    ],
                    &[],
                ),
            ],
        );
    }
}
