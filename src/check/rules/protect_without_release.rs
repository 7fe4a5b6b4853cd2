//! Who is protected from scale-in has to drop it.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "protect-without-release",
    severity: Severity::Warning,
    sentence: "Workers start protected from scale-in, and nothing is seen that ever releases them.",
    fix: "call SetInstanceProtection in the script, as the worker.sh of `init` does; or set `protect: false`",
    why: "With `protect: true` an idle group does not end a single instance until the worker itself drops the protection: a worker \
          that never does runs, and costs, for ever. `check` looks for the call in the script. If the worker is in the image, or \
          the script fetches it, say so in a comment that allows this.",
    source: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let protected = subject.pairs().filter(|(_, plan)| plan.protect);
    protected
        .filter_map(|(pair, plan)| {
            let script = plan.launch.as_ref()?.script.as_deref();
            if script
                .is_some_and(|script| script.to_lowercase().replace(['-', '_'], "").contains("setinstanceprotection"))
            {
                return None;
            }
            let protect = pair.value.workers.protect.as_ref()?;
            let what = match script {
                Some(_) => "and the script never drops it",
                None => "and there is no script to drop it",
            };
            Some(Found::new(format!("workers start protected, {what}")).at(protect.referenced, "protected for ever"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Script, Edit::Spec, table};

    #[test]
    fn protection_is_dropped() {
        let protect = Spec("max: 4", "max: 4\n      protect: true");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[protect], &[]),
                (&[protect, Script("#!/bin/sh\nwork\n")], &["the script never drops it"]),
                (&[Script("#!/bin/sh\nwork\n")], &[]),
                (&[protect, Script("#!/bin/python\nautoscaling.set_instance_protection()\n")], &[]),
                (&[protect, Spec("      user_data: worker.sh\n", "")], &["there is no script"]),
            ],
        );
    }
}
