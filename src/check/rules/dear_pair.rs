//! What a pair costs besides its instances is to be small change.

use super::{Found, Rule, Severity, Subject};
use crate::cost::{AT_MOST, bills};

pub(in crate::check) static RULE: Rule = Rule {
    id: "dear-pair",
    severity: Severity::Note,
    sentence: "A pair costs more than 1 USD a month besides its instances.",
    fix: "`spotstack cost` shows what it is, line by line",
    why: "A pair as it comes costs about half a dollar a month: three alarm metrics, a short run each minute, its log, and metrics \
          in the hours in which it changes something. More is a choice: a dashboard, alarms that look more often than each \
          minute, metrics of every run, a KMS key. Prices are those of us-east-1, without the account's free tier.",
    source: "https://aws.amazon.com/cloudwatch/pricing/",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let bills = bills(subject.plan, &subject.document);
    let dear = subject.pairs().zip(&bills).filter(|(_, bill)| bill.usd > AT_MOST);
    dear.map(|((pair, _), bill)| {
        let most: Vec<_> = bill.lines.iter().take(2).map(|line| format!("{} {:.2}", line.what, line.usd)).collect();
        Found::new(format!(
            "`{}` costs {:.2} USD a month besides its instances: {}, and less for the rest",
            bill.pair,
            bill.usd,
            most.join(", ")
        ))
        .at(pair.referenced, "this pair")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn more_than_a_dollar_is_told() {
        let resource = |kind| format!("  GpuMore:\n    Type: AWS::{kind}\n  GpuQueue:\n");
        let (key, topic) = (resource("KMS::Key"), resource("SNS::Topic"));
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[Template("  GpuQueue:\n", &topic)], &[]),
                (&[Template("  GpuQueue:\n", &key)], &["`gpu` costs 1.4"]),
            ],
        );
    }
}
