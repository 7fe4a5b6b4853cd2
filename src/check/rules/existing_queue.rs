//! What this stack cannot see to for a queue that exists.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "existing-queue",
    severity: Severity::Note,
    sentence: "The queue is somebody else's, and so are its visibility timeout and its dead-letter queue.",
    fix: "look at it: `aws sqs get-queue-attributes --attribute-names VisibilityTimeout RedrivePolicy`",
    why: "A queue that the stack creates gets a dead-letter queue, a visibility timeout of 15 minutes and 14 days of retention. For \
          one that exists `check` knows none of that. Its visibility timeout should be longer than a job, or than the worker's \
          heartbeat; without a dead-letter queue a job that fails always keeps a worker busy for ever; and a queue encrypted \
          with a customer's key needs `kms:Decrypt` in the worker's role.",
    source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let arns = subject.pairs().filter_map(|(pair, _)| pair.value.queue.value.arn.as_ref());
    arns.map(|arn| {
        Found::new("whether this queue sets failing jobs aside is not known here").at(arn.referenced, "exists already")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, table};

    #[test]
    fn existing_queues_are_told() {
        let existing = Spec("name: render-jobs", "arn: arn:aws:sqs:eu-west-1:111122223333:render-jobs");
        table(&RULE, &[(&[], &[]), (&[existing], &["not known here"])]);
    }
}
