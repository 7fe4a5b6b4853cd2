//! A service acts for this stack, not for whoever asks it.

use super::{Found, Rule, Severity, Subject};
use crate::check::policy::{Kind, allowed};

pub(in crate::check) static RULE: Rule = Rule {
    id: "confused-deputy",
    severity: Severity::Warning,
    sentence: "An AWS service may use a resource of this stack for anybody who asks that service.",
    fix: "say for whom: `SourceArn` in a permission; `Condition: {ArnLike: {aws:SourceArn: …}}` or `aws:SourceAccount` in a policy",
    why: "`sns.amazonaws.com` is the service in every account. A permission that names it and nothing else lets a topic of a \
          stranger run the function. The ARN of the topic, rule or alarm closes that, and costs nothing.",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = vec![];
    for permission in subject.of("AWS::Lambda::Permission") {
        let service = permission
            .property("Principal")
            .filter(|principal| principal.text().is_some_and(|principal| principal.ends_with(".amazonaws.com")));
        let narrowed = ["SourceArn", "SourceAccount"].iter().any(|key| permission.property(key).is_some());
        if let Some(service) = service.filter(|_| !narrowed) {
            let name = service.text().unwrap_or_default();
            found.push(Found::new(format!("{name} may run this function for anybody")).within(&service));
        }
    }
    for statement in allowed(subject).iter().filter(|statement| statement.kind == Kind::Resource) {
        let narrowed = statement.depends_on(&["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"]);
        if let Some(service) = statement.principals("Service").first().filter(|_| !narrowed) {
            let name = service.text().unwrap_or("a service");
            found.push(Found::new(format!("{name} may use this resource for anybody")).within(service));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn services_act_for_this_stack() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (
                    &[Template("\n      SourceArn: !Ref GpuAlarmTopic", "")],
                    &["sns.amazonaws.com may run this function"],
                ),
                (&[Template("SourceArn: !Ref GpuAlarmTopic", "SourceAccount: !Ref AWS::AccountId")], &[]),
                (
                    &[
                        Template("aws:SourceAccount: !Ref AWS::AccountId", "x: y"),
                        Template("aws:SourceArn: !GetAtt", "z: !GetAtt"),
                    ],
                    &["cloudwatch.amazonaws.com may use this resource"],
                ),
                (&[Template("aws:SourceAccount: !Ref AWS::AccountId", "x: y")], &[]),
            ],
        );
    }
}
