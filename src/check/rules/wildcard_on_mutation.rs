//! What changes something is allowed on named things only.

use super::{Found, Node, Rule, Severity, Subject};
use crate::check::policy::{Kind, Statement, allowed, only_reads};

pub(in crate::check) static RULE: Rule = Rule {
    id: "wildcard-on-mutation",
    severity: Severity::Error,
    sentence: "A policy allows changes on every resource, or every action of a service.",
    fix: "name the actions, and the ARNs of the resources they are for: `!GetAtt X.Arn`, or an ARN with the resource's own name",
    why: "Whoever gets hold of the role, by a mistake in a job or a stolen credential, may then change what belongs to others: \
          scale another team's groups, read another queue's jobs, pass any role. The SpotManager and the workers need a \
          handful of actions on their own groups and queue, and every one of them can be named.\n\n\
          An action reads if its name begins as AWS's reading actions do (Describe, Get, List …). Changes on `*` are taken \
          where a condition on the resource's tags stands beside them, for `cloudwatch:PutMetricData` where it names the \
          namespace, and for `ec2:CreateFleet` where it names the launch templates, because IAM offers nothing narrower.",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    allowed(subject).iter().filter(|statement| statement.kind != Kind::Trust).filter_map(wrong).collect()
}

fn wrong(statement: &Statement<'_>) -> Option<Found> {
    if statement.kind == Kind::Identity {
        for (key, what) in [("NotAction", "every action but a few"), ("NotResource", "every resource but a few")] {
            if let Some(node) = statement.node.get(key) {
                return Some(Found::new(format!("`{key}` allows {what}")).within(&node));
            }
        }
    }
    let changes: Vec<(Node<'_>, &str)> = statement
        .actions()
        .into_iter()
        .filter_map(|node| Some((node.clone(), node.text()?)))
        .filter(|(_, action)| !only_reads(action))
        .collect();
    // A key's own policy has to say `kms:*`, or nobody could administer it.
    let wild = changes.iter().find(|(_, action)| action.contains('*') && !action.starts_with("kms:"));
    if let Some((node, action)) = wild {
        return Some(Found::new(format!("`{action}` allows more than reading, and does not say what")).within(node));
    }
    let (_, action) = changes.first()?;
    let everything = statement.everything().filter(|_| statement.kind == Kind::Identity)?;
    let scoped = statement.depends_on(&["aws:resourcetag/", "autoscaling:resourcetag/", "ec2:resourcetag/"])
        || changes.iter().all(|(_, action)| *action == "cloudwatch:PutMetricData")
            && statement.depends_on(&["cloudwatch:namespace"])
        // A fleet, and the instances in it, have no names before they are there.
        || changes.iter().all(|(_, action)| *action == "ec2:CreateFleet") && statement.names("launch-template");
    (!scoped).then(|| Found::new(format!("`{action}` is allowed on every resource")).within(&everything))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    const SCOPED: &str = "Resource: !GetAtt GpuQueue.Arn\n              - Sid: ReadGroups";
    const MARKED: &str = "Resource: \"*\"\n              - Sid: ReadGroups";

    #[test]
    fn changes_are_scoped() {
        let action = |action: &'static str| Template("Action: sqs:GetQueueAttributes", action);
        table(
            &RULE,
            &[
                (&[], &[]),
                (
                    &[action("Action: sqs:SendMessage"), Template(SCOPED, MARKED)],
                    &["`sqs:SendMessage` is allowed on every"],
                ),
                (&[action("Action: sqs:GetQueueUrl"), Template(SCOPED, MARKED)], &[]),
                (&[action("Action: \"*\"")], &["`*` allows more than reading"]),
                (&[action("Action: sqs:*")], &["`sqs:*` allows more"]),
                (&[action("Action: sqs:Get*")], &[]),
                (&[action("NotAction: iam:*")], &["`NotAction` allows every action but a few"]),
                (&[Template("- autoscaling:SetDesiredCapacity", "- autoscaling:Set*")], &["`autoscaling:Set*`"]),
                (
                    &[Template("autoScalingGroupName/${Group}", "autoScalingGroupName/*")],
                    &["`autoscaling:ExecutePolicy`"],
                ),
                (
                    &[
                        action("Effect: Deny\n                Action: sqs:*"),
                        Template("                Effect: Allow\n                Effect", "                Effect"),
                    ],
                    &[],
                ),
                (
                    &[
                        action("Action: cloudwatch:PutMetricData"),
                        Template(
                            SCOPED,
                            "Resource: \"*\"\n                Condition: {StringEquals: {CloudWatch:Namespace: x}}\n              - Sid: ReadGroups",
                        ),
                    ],
                    &[],
                ),
                (
                    &[
                        action("Action: autoscaling:SetDesiredCapacity"),
                        Template(
                            SCOPED,
                            "Resource: \"*\"\n                Condition: {StringEquals: {\"aws:ResourceTag/team\": x}}\n              - Sid: ReadGroups",
                        ),
                    ],
                    &[],
                ),
            ],
        );
    }
}
