//! An interruption is not a job's fault.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "dead-letter-too-soon",
    severity: Severity::Warning,
    sentence: "Jobs go to the dead-letter queue after one or two receives.",
    fix: "set `dead_letter_after` to 5 or more",
    why: "Every receive counts, also one that ends with the Spot Instance, and interruptions come in bursts. With 1 or 2 a sound \
          job is set aside because AWS wanted its instance back, and nobody works on it any more.",
    source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    check,
};

/// Two interruptions and a success.
const LEAST: u64 = 3;

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let counts = subject.of("AWS::SQS::Queue").filter_map(|queue| queue.property("RedrivePolicy.maxReceiveCount"));
    counts
        .filter(|count| count.number().is_some_and(|count| count < LEAST))
        .map(|count| {
            let found = Found::new("an interrupted job is soon taken for one that fails always").within(&count);
            let pair = subject.pair_of(count.resource);
            match pair.and_then(|(pair, _)| pair.value.queue.value.dead_letter_after.as_ref()) {
                Some(after) => found.at(after.referenced, "too few"),
                None => found,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, Edit::Template, table};

    #[test]
    fn interruptions_are_forgiven() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[Spec("name: render-jobs", "name: x\n      dead_letter_after: 2")], &["an interrupted job"]),
                (&[Spec("name: render-jobs", "name: x\n      dead_letter_after: 3")], &[]),
                (&[Template("maxReceiveCount: 5", "maxReceiveCount: 1")], &["an interrupted job"]),
            ],
        );
    }
}
