//! A job is its worker's for as long as it takes.

use super::queue_without_dead_letter::dead_letters;
use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "visibility-timeout-short",
    severity: Severity::Warning,
    sentence: "A job may be given to a second worker while the first is still at it.",
    fix: "set `visibility_timeout` above the longest job; or have the worker extend it (ChangeMessageVisibility) and set 1m or more",
    why: "A job that is not deleted within the visibility timeout is given out again: it is worked on twice, both receives count \
          towards `dead_letter_after`, and the second copy may launch an instance of its own. How long jobs take nobody knows \
          here, so this is about what is surely short: below 5 minutes where the script does not seem to extend the timeout, \
          below 1 minute where it does, because a heartbeat needs room to fail once. CloudFormation's own default is 30 s.",
    source: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html",
    check,
};

/// What a queue has that says nothing.
const DEFAULT: u64 = 30;
/// For a worker that extends it.
const WITH_HEARTBEAT: u64 = 60;
/// For one that does not: a job that is worth an instance takes minutes.
const WITHOUT: u64 = 300;

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let targets = dead_letters(subject);
    let queues = subject.of("AWS::SQS::Queue").filter(|queue| !targets.contains(&queue.resource));
    let short = queues.filter_map(|queue| {
        let timeout = queue.property("VisibilityTimeout");
        let seconds = timeout.as_ref().map_or(Some(DEFAULT), |timeout| timeout.number())?;
        let (pair, plan) = subject.pair_of(queue.resource)?;
        // What the workers of existing groups do is not said here: they get the benefit of the doubt.
        let extended = plan.launch.as_ref().is_none_or(|launch| extends(launch.script.as_deref().unwrap_or_default()));
        let (least, but) = if extended {
            (WITH_HEARTBEAT, "too short for a heartbeat to fail once")
        } else {
            (WITHOUT, "and the worker does not seem to extend it")
        };
        let found = Found::new(format!("a job is its worker's for {seconds} s only, {but}"))
            .within(&timeout.unwrap_or_else(|| queue.properties()));
        let given = pair.value.queue.value.visibility_timeout.as_ref();
        let found = match given {
            Some(given) => found.at(given.referenced, "short"),
            None => found.at(pair.value.queue.referenced, "this queue"),
        };
        (seconds < least).then_some(found)
    });
    short.collect()
}

/// Whether a script mentions the call that extends the timeout, in the CLI's spelling, an SDK's or the API's.
fn extends(script: &str) -> bool {
    script.to_lowercase().replace(['-', '_'], "").contains("changemessagevisibility")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Script, Edit::Spec, Edit::Template, table};

    #[test]
    fn jobs_stay_with_their_worker() {
        let timeout = |given: &'static str| Spec("name: render-jobs", given);
        let plain = Script("#!/bin/sh\nwork\n");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[plain], &[]),
                (&[timeout("name: x\n      visibility_timeout: 59s")], &["for 59 s only, too short for a heartbeat"]),
                (&[timeout("name: x\n      visibility_timeout: 1m")], &[]),
                (&[timeout("name: x\n      visibility_timeout: 4m"), plain], &["does not seem to extend it"]),
                (
                    &[
                        timeout("name: x\n      visibility_timeout: 4m"),
                        Script("#!/bin/python\nsqs.change_message_visibility()\n"),
                    ],
                    &[],
                ),
                (&[timeout("name: x\n      visibility_timeout: 5m"), plain], &[]),
                (&[Template("      VisibilityTimeout: 900\n", "")], &["for 30 s only"]),
            ],
        );
    }
}
