//! Launch configurations are on their way out.

use super::{Found, Rule, Severity, Subject};
use crate::spec::LaunchKind;

pub(in crate::check) static RULE: Rule = Rule {
    id: "launch-configuration",
    severity: Severity::Note,
    sentence: "Accounts made since 2024-10-01 cannot create launch configurations.",
    fix: "use `kind: template`, unless this account is older and you want launch configurations",
    why: "In such an account the deployment fails: «The Launch Configuration creation operation is not available in your account». \
          No call says beforehand whether an account may. In older accounts they work as ever, with instance types launched \
          until the end of 2022. A stack goes from one kind to the other without a new group.",
    source: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-configurations.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let kinds = subject.pairs().filter_map(|(pair, _)| pair.value.launch.as_ref()?.value.kind.as_ref());
    kinds
        .filter(|kind| kind.value == LaunchKind::Configuration)
        .map(|kind| Found::new("accounts made since 2024-10-01 refuse this").at(kind.referenced, "older accounts only"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{CONFIGURATION, Edit::Spec, table};

    #[test]
    fn launch_configurations_are_told() {
        let template = Spec("g5.2xlarge", "g5.2xlarge\n      kind: template");
        table(&RULE, &[(&[], &[]), (&[CONFIGURATION], &["refuse this"]), (&[template], &[])]);
    }
}
