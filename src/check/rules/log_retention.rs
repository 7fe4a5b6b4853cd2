//! Logs end some day.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "log-retention",
    severity: Severity::Warning,
    sentence: "A log is kept, and paid for, for ever.",
    fix: "give the log group `RetentionInDays`, and the function a `LoggingConfig: {LogGroup: …}` that names it",
    why: "CloudWatch Logs keeps what has no retention until somebody deletes it. A function that names no log group gets one from \
          Lambda at its first line, without retention, and it stays when the stack is gone.",
    source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let missing = |kind: &str, property: &str, message: &str| -> Vec<Found> {
        let without = subject.of(kind).filter(|resource| resource.property(property).is_none());
        without.map(|resource| Found::new(message).within(&resource.properties())).collect()
    };
    let mut found = missing("AWS::Logs::LogGroup", "RetentionInDays", "this log is kept for ever");
    found.extend(missing(
        "AWS::Lambda::Function",
        "LoggingConfig.LogGroup",
        "Lambda makes this function's log itself, and keeps it for ever",
    ));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn logs_end() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[Template("      RetentionInDays: 30", "      LogGroupClass: STANDARD")], &["kept for ever"]),
                (&[Template("        LogGroup: !Ref GpuSpotManagerLogs\n", "")], &["Lambda makes this"]),
            ],
        );
    }
}
