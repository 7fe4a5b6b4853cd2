//! A SpotManager that only thinks is not forgotten.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "dry-run",
    severity: Severity::Note,
    sentence: "The SpotManager decides and records, and changes nothing.",
    fix: "leave `dry_run` out when you have seen what it decides",
    why: "This is how to watch the SpotManager beside groups that are scaled in another way. As long as it is on, no job launches a \
          worker; the idle alarm still scales in.",
    source: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/what-is-amazon-ec2-auto-scaling.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let given = subject.pairs().filter_map(|(pair, _)| pair.value.manager.dry_run.as_ref());
    given
        .filter(|dry_run| dry_run.value)
        .map(|dry_run| Found::new("no job launches a worker").at(dry_run.referenced, "decides only"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, table};

    #[test]
    fn dry_runs_are_told() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[Spec("    workers:", "    manager: {dry_run: true}\n    workers:")], &["no job launches a worker"]),
                (&[Spec("    workers:", "    manager: {dry_run: false}\n    workers:")], &[]),
            ],
        );
    }
}
