//! An alarm speaks once.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "no-tick",
    severity: Severity::Warning,
    sentence: "Without the regular look, jobs that arrive while the alarm is on get no workers.",
    fix: "leave `reconcile` at 1m: it costs about 0.06 USD a month",
    why: "CloudWatch wakes the SpotManager when the jobs-waiting alarm changes to ALARM, once. Jobs that arrive while it is in that \
          state change nothing, so a pair with `reconcile: 0s` works them with the workers of the first moment; a wake-up that is \
          lost, or finds neither market, is not repeated either. Only failed launches and interruptions are told besides. With \
          `max: 1` there is nothing to add.",
    source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let unlooked = subject.pairs().filter(|(_, plan)| plan.manager.tick.is_none() && plan.max > 1);
    unlooked
        .filter_map(|(pair, plan)| {
            let reconcile = pair.value.manager.reconcile.as_ref()?;
            let message = format!("jobs that arrive while the alarm is on launch none of the {} workers", plan.max);
            Some(Found::new(message).at(reconcile.referenced, "nobody looks again"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, table};

    #[test]
    fn somebody_looks_again() {
        let off = Spec("    workers:", "    manager: {reconcile: 0s}\n    workers:");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[off], &["none of the 4 workers"]),
                (&[off, Spec("max: 4", "max: 1")], &[]),
                (&[Spec("    workers:", "    manager: {reconcile: 5m}\n    workers:")], &[]),
            ],
        );
    }
}
