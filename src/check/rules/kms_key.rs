//! A key costs more than all the rest of a pair.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "kms-key",
    severity: Severity::Warning,
    sentence: "A KMS key costs more than the rest of the pair, and may stop the alarms.",
    fix: "leave the key out: SQS, logs and a function's environment are encrypted without it, at no cost",
    why: "A customer's key costs 1 USD a month, which is more than a pair without it, and its policy has to let every service in \
          that reads or writes. For the topic it is worse: CloudWatch cannot publish to a topic under AWS's own key \
          (alias/aws/sns), nor under a key whose policy does not name it, and says nothing: no alarm wakes the SpotManager. If \
          you have to have a key, allow this in a comment that says why.",
    source: "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
    check,
};

const KEYS: [(&str, &str); 4] = [
    ("AWS::SQS::Queue", "KmsMasterKeyId"),
    ("AWS::SNS::Topic", "KmsMasterKeyId"),
    ("AWS::Logs::LogGroup", "KmsKeyId"),
    ("AWS::Lambda::Function", "KmsKeyArn"),
];

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let used =
        KEYS.into_iter().flat_map(|(kind, key)| subject.of(kind).filter_map(move |resource| resource.property(key)));
    let used = used.map(|key| {
        let topic = subject.of("AWS::SNS::Topic").any(|topic| topic.resource == key.resource);
        let message = if topic {
            "alarms are silent unless this key's policy lets CloudWatch use it"
        } else {
            "this key costs money, and every service that uses the resource needs to be let in"
        };
        Found::new(message).within(&key)
    });
    let made = subject.of("AWS::KMS::Key").map(|key| Found::new("a key of one's own costs 1 USD a month").within(&key));
    used.chain(made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn keys_are_told() {
        let topic = Template(
            "      Description: \"gpu: where the alarm speaks\"",
            "      Description: x\n    Properties: {KmsMasterKeyId: alias/aws/sns}",
        );
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[topic], &["alarms are silent"]),
                (
                    &[Template("      RetentionInDays: 30", "      RetentionInDays: 30\n      KmsKeyId: x")],
                    &["costs money"],
                ),
                (&[Template("  GpuQueue:\n", "  Key:\n    Type: AWS::KMS::Key\n  GpuQueue:\n")], &["1 USD a month"]),
            ],
        );
    }
}
