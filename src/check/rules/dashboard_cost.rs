//! A dashboard is told about, because the fourth costs money.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "dashboard-cost",
    severity: Severity::Note,
    sentence: "A dashboard costs 3 USD a month beyond an account's free three.",
    fix: "leave it out if the account has three already: `spotstack status` shows the same",
    why: "The first three dashboards of an account, with up to 50 metrics each, are free; each further one is 3 USD a month, which \
          is several times the rest of a pair.",
    source: "https://aws.amazon.com/cloudwatch/pricing/",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let dashboards = subject.of("AWS::CloudWatch::Dashboard");
    dashboards
        .map(|dashboard| {
            let found = Found::new("beyond an account's free three, this costs 3 USD a month").within(&dashboard);
            match subject.pair_of(dashboard.resource).and_then(|(pair, _)| pair.value.manager.dashboard.as_ref()) {
                Some(wanted) => found.at(wanted.referenced, "wanted here"),
                None => found,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn dashboards_are_told() {
        let dashboard =
            Template("  GpuQueue:\n", "  GpuDashboard:\n    Type: AWS::CloudWatch::Dashboard\n  GpuQueue:\n");
        table(&RULE, &[(&[], &[]), (&[dashboard], &["3 USD a month"])]);
    }
}
