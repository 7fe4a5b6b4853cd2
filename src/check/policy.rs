//! IAM policies in a template: their statements, and what their words mean.

use serde_json::Value;

use super::subject::{Node, Subject};

/// What a policy is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A role, a user or a group: it says what they may do.
    Identity,
    /// A role: it says who may become it.
    Trust,
    /// A queue, a topic or another resource: it says who may use it.
    Resource,
}

/// A statement that allows something.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) kind: Kind,
    pub(super) node: Node<'a>,
}

/// Every statement of the template that allows something.
pub(super) fn allowed<'s>(subject: &'s Subject<'_>) -> Vec<Statement<'s>> {
    let mut documents = vec![];
    for resource in subject.resources() {
        let own = resource.property("PolicyDocument");
        match resource.kind() {
            "AWS::IAM::Role" | "AWS::IAM::User" | "AWS::IAM::Group" => {
                documents.extend(resource.property("AssumeRolePolicyDocument").map(|node| (Kind::Trust, node)));
                let inline = resource.property("Policies").map(|policies| policies.items()).unwrap_or_default();
                documents.extend(inline.iter().filter_map(|one| Some((Kind::Identity, one.get("PolicyDocument")?))));
            }
            kind if kind.starts_with("AWS::IAM::") => documents.extend(own.map(|node| (Kind::Identity, node))),
            "AWS::KMS::Key" => documents.extend(resource.property("KeyPolicy").map(|node| (Kind::Resource, node))),
            _ => documents.extend(own.map(|node| (Kind::Resource, node))),
        }
    }
    let statements = documents.into_iter().flat_map(|(kind, document)| {
        let statements = document.get("Statement").map(|statements| statements.items()).unwrap_or_default();
        statements.into_iter().map(move |node| Statement { kind, node })
    });
    statements.filter(|statement| statement.node.get("Effect").is_some_and(|effect| effect.value == "Allow")).collect()
}

impl<'a> Statement<'a> {
    /// The statement's actions.
    pub(super) fn actions(&self) -> Vec<Node<'a>> {
        self.node.get("Action").map(|actions| actions.items()).unwrap_or_default()
    }

    /// What it is about that is everything: `*`, or every queue of every account.
    pub(super) fn everything(&self) -> Option<Node<'a>> {
        let resources = self.node.get("Resource")?.items();
        resources.into_iter().find(|resource| covers_everything(text_of(resource.value)))
    }

    /// Whether it names a resource of this kind: `launch-template`.
    pub(super) fn names(&self, kind: &str) -> bool {
        let resources = self.node.get("Resource").map(|resources| resources.items()).unwrap_or_default();
        let named = |text: &str| text.contains(&format!(":{kind}/")) && !text.ends_with('*');
        resources.iter().map(|resource| text_of(resource.value)).any(named)
    }

    /// The keys of its conditions, in lower case, because IAM's have no case.
    pub(super) fn conditions(&self) -> Vec<String> {
        let conditions = self.node.get("Condition");
        let operators = conditions.iter().flat_map(Node::entries);
        operators.flat_map(|(_, keys)| keys.entries().map(|(key, _)| key.to_lowercase()).collect::<Vec<_>>()).collect()
    }

    /// Whether the condition depends on one of these keys; one that ends in `/` is a beginning.
    pub(super) fn depends_on(&self, keys: &[&str]) -> bool {
        self.conditions()
            .iter()
            .any(|has| keys.iter().any(|key| if key.ends_with('/') { has.starts_with(key) } else { has == key }))
    }

    /// The principals of a kind, such as `AWS` or `Service`; `*` alone stands for AWS.
    pub(super) fn principals(&self, kind: &str) -> Vec<Node<'a>> {
        let Some(principal) = self.node.get("Principal") else { return vec![] };
        if kind == "AWS" && principal.value == "*" {
            return vec![principal];
        }
        principal.get(kind).map(|principals| principals.items()).unwrap_or_default()
    }
}

/// A string, or the text of `Fn::Sub`, whose variables stand for one thing each.
fn text_of(value: &Value) -> &str {
    let substituted = value.get("Fn::Sub");
    let text = substituted.and_then(|sub| sub.get(0).or(Some(sub))).unwrap_or(value);
    text.as_str().unwrap_or_default()
}

/// The words of ARNs that name no resource but a type of them.
const TYPES: [&str; 20] = [
    "*",
    "alarm",
    "autoScalingGroup",
    "autoScalingGroupName",
    "event-bus",
    "fleet",
    "function",
    "group",
    "instance",
    "instance-profile",
    "key",
    "launch-template",
    "launchConfiguration",
    "log-group",
    "parameter",
    "policy",
    "role",
    "rule",
    "secret",
    "user",
];

fn covers_everything(resource: &str) -> bool {
    if resource == "*" {
        return true;
    }
    // A variable stands for one word, whatever is in its name.
    let mut resource = resource.to_owned();
    while let Some((before, (_, after))) =
        resource.split_once("${").and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        resource = format!("{before}_{after}");
    }
    let mut arn = resource.splitn(6, ':');
    let all_of_a_type = |rest: &str| rest.ends_with('*') && rest.split([':', '/']).all(|word| TYPES.contains(&word));
    arn.next() == Some("arn") && arn.nth(4).is_some_and(all_of_a_type)
}

/// Whether an action, which may have wildcards, only reads: by the verb it begins with, as AWS names its actions.
pub(super) fn only_reads(action: &str) -> bool {
    /// The verbs of AWS's access levels *List* and *Read*.
    const READS: [&str; 13] = [
        "BatchGet", "Check", "Describe", "Discover", "Estimate", "Filter", "Get", "Head", "List", "Lookup", "Query",
        "Scan", "Search",
    ];
    /// Reads in name only: they give out credentials.
    const CREDENTIALS: [&str; 3] = ["GetFederationToken", "GetSessionToken", "GetAuthorizationToken"];
    let name = action.split_once(':').map_or("", |(_, name)| name);
    let gives_credentials = CREDENTIALS.iter().any(|reading| reading.eq_ignore_ascii_case(name));
    READS.iter().any(|verb| starts_with(name, verb)) && !gives_credentials
}

/// As IAM compares: without case. What a wildcard would have to complete does not count.
fn starts_with(name: &str, verb: &str) -> bool {
    name.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads() {
        for (action, reads) in [
            ("ec2:DescribeSpotPriceHistory", true),
            ("ec2:Describe*", true),
            ("sqs:getqueueattributes", true),
            ("ec2:De*", false),
            ("sqs:ReceiveMessage", false),
            ("autoscaling:ExecutePolicy", false),
            ("autoscaling:*", false),
            ("*", false),
            ("sts:GetFederationToken", false),
            ("sts:getsessiontoken", false),
        ] {
            assert_eq!(only_reads(action), reads, "{action}");
        }
    }

    #[test]
    fn what_is_everything() {
        for (resource, everything) in [
            ("*", true),
            ("arn:aws:sqs:*:*:*", true),
            (
                "arn:${AWS::Partition}:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/*",
                true,
            ),
            ("arn:aws:iam::111122223333:role/*", true),
            ("arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/x", false),
            ("arn:aws:iam::111122223333:role/studio-*", false),
            ("arn:aws:s3:::bucket/*", false),
            ("", false),
        ] {
            assert_eq!(covers_everything(resource), everything, "{resource}");
        }
    }
}
