//! A queue that sleeps says nothing, and that means nothing.

use super::{Found, Rule, Severity, Subject, queue_metrics};

pub(in crate::check) static RULE: Rule = Rule {
    id: "missing-data-breaching",
    severity: Severity::Error,
    sentence: "An alarm on a queue takes missing data for a reason to act.",
    fix: "set `TreatMissingData: notBreaching`",
    why: "SQS sends no metrics for a queue that nobody has used for six hours, and takes up to 15 minutes to begin again. An idle \
          alarm that takes silence for idleness stays in ALARM all that time and, once a minute, ends the workers that have \
          just been launched for the first job. A jobs-waiting alarm that takes silence for jobs launches workers for nothing.",
    source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let alarms = subject.of("AWS::CloudWatch::Alarm").filter(|alarm| !queue_metrics(alarm).is_empty());
    alarms
        .filter_map(|alarm| alarm.property("TreatMissingData").filter(|treat| treat.value == "breaching"))
        .map(|treat| Found::new("this alarm acts when the queue is asleep").within(&treat))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn silence_means_nothing() {
        let breaching = Template("TreatMissingData: notBreaching", "TreatMissingData: breaching");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[breaching], &["asleep", "asleep"]),
                (&[breaching, Template("AWS/SQS", "AWS/Lambda")], &[]),
                (&[Template("TreatMissingData: notBreaching", "TreatMissingData: missing")], &[]),
            ],
        );
    }
}
