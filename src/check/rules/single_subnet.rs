//! One zone is one chance of Spot.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "single-subnet",
    severity: Severity::Warning,
    sentence: "Workers run in one subnet, and so in one capacity pool.",
    fix: "add a subnet in each zone that has the instance type",
    why: "Spot capacity is kept per instance type and zone. With one zone, one interruption takes all workers at once, and one \
          refusal means On-Demand, at three to four times the price. Every further zone is another pool and another price.",
    source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-best-practices.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let subnets = subject.spec.network.as_ref().map(|network| &network.value.subnets.value[..]);
    match subnets.unwrap_or_default() {
        [only] => vec![Found::new("one subnet is one capacity pool").at(only.referenced, "the only one")],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, table};

    #[test]
    fn zones_are_chances() {
        table(&RULE, &[(&[], &[]), (&[Spec(", subnet-0a1b2c3d4e5f60002", "")], &["one capacity pool"])]);
    }
}
