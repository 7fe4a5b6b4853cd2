//! Reading everything is at least reading in one Region.

use super::{Found, Rule, Severity, Subject};
use crate::check::policy::{Kind, allowed, only_reads};

pub(in crate::check) static RULE: Rule = Rule {
    id: "read-without-region",
    severity: Severity::Warning,
    sentence: "A policy allows reading on every resource, in every Region.",
    fix: "add `Condition: {StringEquals: {aws:RequestedRegion: !Ref AWS::Region}}`, or name the resources",
    why: "IAM cannot scope most Describe actions to a resource, so `Resource: \"*\"` is right for them. The Region is what can be \
          scoped, and a worker of eu-west-1 has no reason to look at what runs elsewhere.",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion",
    check,
};

/// Services whose calls go to one Region wherever one is.
const GLOBAL: [&str; 5] = ["iam", "organizations", "route53", "sts", "cloudfront"];

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let statements = allowed(subject).into_iter().filter(|statement| statement.kind == Kind::Identity);
    statements
        .filter(|statement| !statement.depends_on(&["aws:requestedregion", "ec2:region"]))
        .filter_map(|statement| {
            let everything = statement.everything()?;
            let actions = statement.actions();
            let action = actions
                .iter()
                .filter_map(|action| action.text())
                .find(|action| only_reads(action) && !GLOBAL.contains(&action.split(':').next().unwrap_or_default()))?;
            Some(Found::new(format!("`{action}` is allowed in every Region")).within(&everything))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn reading_everything_is_reading_in_one_region() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (
                    &[Template("ec2:Region: !Ref AWS::Region", "aws:PrincipalTag/x: y")],
                    &["`ec2:DescribeSpotPriceHistory`"],
                ),
                (&[Template("ec2:Region", "AWS:RequestedRegion")], &[]),
                (
                    &[Template("ec2:Region", "x:y"), Template("ec2:DescribeSpotPriceHistory", "sts:GetCallerIdentity")],
                    &[],
                ),
            ],
        );
    }
}
