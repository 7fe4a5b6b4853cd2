//! A reservation is refused in small accounts.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "reserved-concurrency",
    severity: Severity::Warning,
    sentence: "A function reserves concurrency, which new accounts do not have.",
    fix: "leave `ReservedConcurrentExecutions` out: two SpotManagers at once end where one would",
    why: "A reservation must leave the account a minimum of unreserved executions. New accounts have 10 in all, so that any \
          reservation fails the deployment: «decreases account's UnreservedConcurrentExecution below its minimum value».",
    source: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let reserved = subject.of("AWS::Lambda::Function").filter_map(|it| it.property("ReservedConcurrentExecutions"));
    reserved.map(|place| Found::new("new accounts refuse this").within(&place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn nothing_is_reserved() {
        let reserved =
            Template("      MemorySize: 128", "      MemorySize: 128\n      ReservedConcurrentExecutions: 1");
        table(&RULE, &[(&[], &[]), (&[reserved], &["new accounts refuse this"])]);
    }
}
