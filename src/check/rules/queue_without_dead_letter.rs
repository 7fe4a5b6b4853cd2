//! A job that fails always is set aside.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "queue-without-dead-letter",
    severity: Severity::Warning,
    sentence: "A queue keeps giving out jobs that fail always.",
    fix: "give it a `RedrivePolicy` with a dead-letter queue, as the built-in `queue.yaml` does",
    why: "A job that ends its worker every time is never idle: it keeps one instance running, at the On-Demand price if need be, \
          until the queue forgets it after up to 14 days. A dead-letter queue sets it aside and lets you look at it.",
    source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let targets = dead_letters(subject);
    let queues = subject.of("AWS::SQS::Queue").filter(|queue| !targets.contains(&queue.resource));
    queues
        .filter(|queue| queue.property("RedrivePolicy").is_none())
        .map(|queue| {
            let found = Found::new("this queue has no dead-letter queue").within(&queue);
            match subject.pair_of(queue.resource) {
                Some((pair, _)) => found.at(pair.value.queue.referenced, "this queue"),
                None => found,
            }
        })
        .collect()
}

/// The queues where others put what they cannot deliver.
pub(super) fn dead_letters<'s>(subject: &'s Subject<'_>) -> Vec<&'s str> {
    let senders = ["RedrivePolicy", "DeadLetterConfig", "DestinationConfig"];
    let sends = subject.resources().flat_map(|resource| senders.map(|key| resource.property(key)));
    let targets = subject.of("AWS::Events::Rule").filter_map(|rule| rule.property("Targets"));
    let targets = targets.flat_map(|targets| targets.items()).filter_map(|target| target.get("DeadLetterConfig"));
    sends.flatten().chain(targets).flat_map(|to| to.references()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    const REDRIVE: &str = "      RedrivePolicy:\n        deadLetterTargetArn: !GetAtt GpuDeadLetterQueue.Arn\n        maxReceiveCount: 5\n";

    #[test]
    fn jobs_that_fail_are_set_aside() {
        // Both queues are then queues like others.
        table(&RULE, &[(&[], &[]), (&[Template(REDRIVE, "")], &["no dead-letter queue", "no dead-letter queue"])]);
    }
}
