//! Nothing is open to the world.

use super::{Found, Node, Rule, Severity, Subject};
use crate::check::policy::{Kind, allowed};

pub(in crate::check) static RULE: Rule = Rule {
    id: "public-access",
    severity: Severity::Error,
    sentence: "Anybody in the world may use a queue, a topic, a function, a role or a port.",
    fix: "name who: an account, a role, a service with `aws:SourceArn`; for a port, a security group or your own addresses",
    why: "A principal `*` without a condition is everybody with an AWS account, or without one. Whoever may send to the queue \
          decides how many instances you pay for; whoever may publish to the topic wakes the SpotManager; whoever may assume the \
          role is the worker. A port that is open to 0.0.0.0/0 is found within minutes.",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-anonymous",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = vec![];
    for statement in allowed(subject).iter().filter(|statement| statement.kind != Kind::Identity) {
        let everybody = statement.principals("AWS").into_iter().find(|principal| principal.value == "*");
        if let Some(principal) = everybody.filter(|_| statement.conditions().is_empty()) {
            let what = if statement.kind == Kind::Trust { "become this role" } else { "use this resource" };
            found.push(Found::new(format!("anybody may {what}")).within(&principal));
        }
    }
    for permission in subject.of("AWS::Lambda::Permission") {
        let principal = permission.property("Principal").filter(|principal| principal.value == "*");
        let narrowed = ["SourceArn", "SourceAccount", "PrincipalOrgID"];
        if let Some(principal) = principal.filter(|_| !narrowed.iter().any(|key| permission.property(key).is_some())) {
            found.push(Found::new("anybody may run this function").within(&principal));
        }
    }
    for url in subject.of("AWS::Lambda::Url") {
        if let Some(open) = url.property("AuthType").filter(|kind| kind.value == "NONE") {
            found.push(Found::new("anybody may run this function by its URL").within(&open));
        }
    }
    for group in subject.of("AWS::EC2::SecurityGroup") {
        let rules = group.property("SecurityGroupIngress").map(|rules| rules.items()).unwrap_or_default();
        found.extend(rules.iter().filter_map(open_port));
    }
    found.extend(subject.of("AWS::EC2::SecurityGroupIngress").filter_map(|rule| open_port(&rule.get("Properties")?)));
    found
}

fn open_port(rule: &Node<'_>) -> Option<Found> {
    let world = [("CidrIp", "0.0.0.0/0"), ("CidrIpv6", "::/0")]
        .into_iter()
        .find_map(|(key, world)| rule.get(key).filter(|cidr| cidr.value == world))?;
    Some(Found::new("this security group lets the whole world in").within(&world))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit, Edit::Template, table};

    const QUEUE: &str = "  GpuQueue:\n    Type: AWS::SQS::Queue";

    #[test]
    fn nothing_is_open_to_the_world() {
        let beside = |text: &'static str| Template(QUEUE, text);
        let ingress = |cidr: &str| {
            format!(
                "  Door:\n    Type: AWS::EC2::SecurityGroup\n    Properties:\n      SecurityGroupIngress:\n        - {{IpProtocol: tcp, {cidr}}}\n{QUEUE}"
            )
        };
        let (world, world6, office) =
            (ingress("CidrIp: 0.0.0.0/0"), ingress("CidrIpv6: \"::/0\""), ingress("CidrIp: 203.0.113.0/24"));
        let policy = |condition: &str| {
            format!(
                "  Open:\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n      PolicyDocument:\n        Statement: {{Effect: Allow, Principal: {{AWS: \"*\"}}, Action: sqs:SendMessage, Resource: \"*\"{condition}}}\n{QUEUE}"
            )
        };
        let (open, closed) = (policy(""), policy(", Condition: {StringEquals: {aws:SourceAccount: \"1\"}}"));
        let url = "  Door:\n    Type: AWS::Lambda::Url\n    Properties: {AuthType: NONE}\n  GpuQueue:\n    Type: AWS::SQS::Queue";
        let trust: Edit<'_> = Template("              Service: ec2.amazonaws.com", "              AWS: \"*\"");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[trust], &["anybody may become this role"]),
                (&[Template(QUEUE, &open)], &["anybody may use this resource"]),
                (&[Template(QUEUE, &closed)], &[]),
                (
                    &[Template(
                        "Principal: sns.amazonaws.com\n      SourceArn: !Ref GpuAlarmTopic",
                        "Principal: \"*\"",
                    )],
                    &["run this function"],
                ),
                (&[Template("Principal: sns.amazonaws.com", "Principal: \"*\"")], &[]),
                (&[beside(url)], &["by its URL"]),
                (&[Template(QUEUE, &world)], &["lets the whole world in"]),
                (&[Template(QUEUE, &world6)], &["lets the whole world in"]),
                (&[Template(QUEUE, &office)], &[]),
            ],
        );
    }
}
