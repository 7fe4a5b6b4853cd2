//! What AWS's texts mean, for those that everybody meets one day: a table.

use serde::Serialize;

use super::origin::Topic;

/// What a text means, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub next: &'static str,
    /// AWS's page about it.
    pub source: &'static str,
    /// What of the spec it is about, where that is always the same.
    #[serde(skip)]
    pub topic: Option<Topic>,
}

/// A row: all pieces of one of these texts, in lower case, are in AWS's.
type Row = (&'static [&'static [&'static str]], Hint);

const fn hint(meaning: &'static str, next: &'static str, source: &'static str, topic: Option<Topic>) -> Hint {
    Hint { meaning, next, source, topic }
}

const LAUNCH_CONFIGURATIONS: &str = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-configurations.html";
const LAUNCH_ERRORS: &str = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/CHAP_Troubleshooting.html";
const ACCESS_DENIED: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html";
const CLOUDFORMATION: &str = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html";

/// From the particular to the general: the first that fits is told.
const TABLE: &[Row] = &[
    (
        &[&["launch configuration creation operation is not available"]],
        hint(
            "accounts made since 2024-10-01 can create no launch configurations",
            "write `kind: template` under `launch:`",
            LAUNCH_CONFIGURATIONS,
            Some(Topic::Kind),
        ),
    ),
    (
        &[&["specified instance type", "is not valid"]],
        hint(
            "launch configurations know no type that was launched after 2022, and no Region knows every type",
            "write another `instance_type:`, or `kind: template`",
            LAUNCH_CONFIGURATIONS,
            Some(Topic::InstanceType),
        ),
    ),
    (
        &[&["instance type", "not supported in your requested availability zone"]],
        hint(
            "this zone does not have this instance type",
            "`aws ec2 describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values=…` lists the zones that have; take subnets in those",
            LAUNCH_ERRORS,
            Some(Topic::Subnets),
        ),
    ),
    (
        &[&["architecture", "does not match"]],
        hint(
            "the image was built for another processor than the instance type has",
            "write an `image:` of the type's architecture",
            LAUNCH_ERRORS,
            Some(Topic::Image),
        ),
    ),
    (
        &[&["service-linked role", "permission"]],
        hint(
            "the account has never launched a Spot Instance, and whoever deploys may not make the role for it",
            "once, as an administrator: `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`",
            "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html",
            None,
        ),
    ),
    (
        &[&["encoded authorization failure message"]],
        hint(
            "whoever deploys may not do this; what is missing is in the encoded message",
            "`aws sts decode-authorization-message --encoded-message …` shows it; `spotstack render --deployer-policy` writes down all that a deploy needs",
            ACCESS_DENIED,
            None,
        ),
    ),
    (
        &[&["explicit deny"]],
        hint(
            "a policy forbids it: a service control policy, a permissions boundary, or a Deny in a policy of one's own. No Allow helps against that",
            "ask whoever wrote that policy",
            ACCESS_DENIED,
            None,
        ),
    ),
    (
        &[&["not authorized to use launch template"]],
        hint(
            "Auto Scaling tries whether whoever deploys may launch what the template says",
            "allow `ec2:RunInstances` as `spotstack render --deployer-policy` writes it",
            "https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html",
            None,
        ),
    ),
    (
        &[&["is not authorized to perform"]],
        hint(
            "whoever deploys may not do this",
            "have this statement added to their policy; `spotstack render --deployer-policy` writes down all that a deploy needs",
            ACCESS_DENIED,
            None,
        ),
    ),
    (
        &[&["access denied"]],
        hint(
            "whoever deploys may not do this",
            "`spotstack render --deployer-policy` writes down all that a deploy needs",
            ACCESS_DENIED,
            None,
        ),
    ),
    (
        &[&["nosuchkey"]],
        hint(
            "the handler's zip is not in the artifact bucket any more: somebody deleted it, or a lifecycle rule did",
            "deploy again, which uploads it; keep the bucket's `spotstack/` from expiring, because going back needs the old one",
            "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html",
            None,
        ),
    ),
    (
        &[&["nosuchbucket"]],
        hint(
            "the artifact bucket is gone",
            "deploy again, which makes it, or give `--artifact-bucket` another one",
            "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html",
            None,
        ),
    ),
    (
        &[&["subnet id", "does not exist"], &["invalidsubnet"]],
        hint(
            "this account has no such subnet in this Region",
            "`aws ec2 describe-subnets` lists those that there are",
            LAUNCH_ERRORS,
            Some(Topic::Subnets),
        ),
    ),
    (
        &[&["security group", "does not exist"]],
        hint(
            "this account has no such security group in the network of the subnets",
            "`aws ec2 describe-security-groups` lists those that there are",
            LAUNCH_ERRORS,
            Some(Topic::SecurityGroups),
        ),
    ),
    (
        &[&["image id", "does not exist"], &["invalidamiid"]],
        hint(
            "there is no such image in this Region, or it is not shared with this account; every Region has ids of its own",
            "write the `image:` of this Region, or `ssm:` and a parameter that knows it",
            LAUNCH_ERRORS,
            Some(Topic::Image),
        ),
    ),
    (
        &[&["key pair", "does not exist"]],
        hint(
            "this account has no such key pair in this Region",
            "`aws ec2 describe-key-pairs` lists those that there are",
            LAUNCH_ERRORS,
            Some(Topic::KeyName),
        ),
    ),
    (
        &[&["iaminstanceprofile"]],
        hint(
            "this account has no such instance profile",
            "`aws iam list-instance-profiles` lists those that there are; without `instance_profile:` one is made",
            LAUNCH_ERRORS,
            Some(Topic::InstanceProfile),
        ),
    ),
    (
        &[&["60 seconds after deleting a queue"]],
        hint(
            "a queue's name is free again a minute after the queue was deleted",
            "deploy again in a minute",
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
            Some(Topic::Queue),
        ),
    ),
    (
        &[&["already exists"], &["resourceexistencecheck"]],
        hint(
            "something in this account has this name already; what an earlier stack left behind has it, too",
            "give another name, or use what there is (`queue: {arn: …}` for a queue)",
            CLOUDFORMATION,
            None,
        ),
    ),
    (
        &[&["cannot be assumed by"]],
        hint(
            "IAM takes some seconds to know a new role everywhere",
            "deploy again; if it stays so, see whether a policy of the organisation forbids the role",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html",
            None,
        ),
    ),
    (
        &[&["hook(s) failed"]],
        hint(
            "a CloudFormation Hook of this account or its organisation refuses it",
            "ask whoever wrote the hook, or change what it names",
            "https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/what-is-cloudformation-hooks.html",
            None,
        ),
    ),
    (
        &[&["vcpu", "limit"]],
        hint(
            "the account's quota of vCPUs for such instances is used up",
            "ask for more in Service Quotas (EC2; Spot and On-Demand are counted apart)",
            "https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html",
            None,
        ),
    ),
    (
        &[&["limitexceeded"], &["limit exceeded"], &["quota"]],
        hint("a quota of the account is used up", "ask for more in Service Quotas", CLOUDFORMATION, None),
    ),
    (
        &[&["termination protection"]],
        hint(
            "the stack may not be deleted",
            "whoever switched that on may switch it off: `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name …`",
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html",
            None,
        ),
    ),
    (
        &[&["rate exceeded"], &["throttling"]],
        hint("AWS was asked too much at once, by whomever", "deploy again in a minute", CLOUDFORMATION, None),
    ),
    (
        &[&["internalfailure"]],
        hint(
            "a fault inside AWS",
            "deploy again; AWS Support wants the request's id, if it stays so",
            CLOUDFORMATION,
            None,
        ),
    ),
    (
        &[&["notstabilized"]],
        hint(
            "AWS has not seen it work in time",
            "deploy again; what it waited for is in AWS's text, or in the group's activities",
            CLOUDFORMATION,
            None,
        ),
    ),
];

/// What a text of AWS's means, if it is one of those that are known.
pub fn hint_for(text: &str) -> Option<&'static Hint> {
    let text = text.to_lowercase();
    let fits = |pieces: &[&str]| pieces.iter().all(|piece| text.contains(piece));
    TABLE.iter().find(|(texts, _)| texts.iter().any(|pieces| fits(pieces))).map(|(_, hint)| hint)
}

/// Whether a text of AWS's says that a policy forbids something, so that allowing it elsewhere does not help.
pub(super) fn is_forbidden(text: &str) -> bool {
    text.to_lowercase().contains("explicit deny")
}

/// What somebody was not allowed, and could be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denied {
    /// Such as `iam:CreateRole`.
    pub action: String,
    /// On what, if AWS says.
    pub resource: Option<String>,
}

impl Denied {
    /// What a text of AWS's says was not allowed: «… is not authorized to perform: ACTION on resource: ARN …». None where it is
    /// forbidden.
    pub fn of(text: &str) -> Option<Self> {
        if is_forbidden(text) {
            return None;
        }
        let word = |text: &str| {
            let word = text.split_whitespace().next()?;
            let word = word.trim_matches(['"', '\'', ',', ';', '(', ')']).trim_end_matches('.');
            (!word.is_empty()).then(|| word.to_owned())
        };
        let rest = text.split("authorized to perform: ").nth(1)?;
        let action = word(rest).filter(|action| action.contains(':'))?;
        let resource = rest.split("on resource: ").nth(1).and_then(word);
        Some(Self { action, resource })
    }

    /// The statement of an IAM policy that would allow it.
    pub fn statement(&self) -> String {
        let statement = serde_json::json!({
            "Effect": "Allow", "Action": self.action, "Resource": self.resource.as_deref().unwrap_or("*"),
        });
        statement.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's texts as people have met them, and a word of what they are told.
    #[test]
    fn known_texts_are_understood() {
        for (text, told) in [
            (
                "Resource handler returned message: \"The Launch Configuration creation operation is not available in your account. Use launch templates to create configuration templates for your Auto Scaling groups. (Service: AutoScaling, Status Code: 400, Request ID: 1)\" (RequestToken: 2, HandlerErrorCode: GeneralServiceException)",
                "kind: template",
            ),
            (
                "Resource handler returned message: \"The specified instance type m7i.xlarge is not valid (Service: AutoScaling, Status Code: 400, Request ID: 1)\" (RequestToken: 2, HandlerErrorCode: InvalidRequest)",
                "instance_type:",
            ),
            (
                "Your requested instance type (g5.2xlarge) is not supported in your requested Availability Zone (eu-west-1c).",
                "describe-instance-type-offerings",
            ),
            (
                "The subnet ID 'subnet-0123456789abcdef0' does not exist (Service: AutoScaling, Status Code: 400)",
                "describe-subnets",
            ),
            ("InvalidSubnetID.NotFound", "describe-subnets"),
            ("InvalidAMIID.NotFound", "image:"),
            ("AWS::EarlyValidation::ResourceExistenceCheck", "another name"),
            ("The maximum number of rules per quota is reached", "Service Quotas"),
            ("ThrottlingException", "in a minute"),
            (
                "The architecture 'x86_64' of the specified instance type does not match the architecture 'arm64' of the specified AMI",
                "`image:`",
            ),
            ("The security group 'sg-0' does not exist in VPC 'vpc-1'", "describe-security-groups"),
            ("The image id '[ami-0123456789abcdef0]' does not exist", "image:"),
            ("The key pair 'media' does not exist", "describe-key-pairs"),
            ("Invalid IamInstanceProfile: worker", "list-instance-profiles"),
            (
                "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
                "uploads it",
            ),
            (
                "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/x because no identity-based policy allows the iam:CreateRole action",
                "statement",
            ),
            (
                "User: x is not authorized to perform: iam:CreateRole on resource: y with an explicit deny in a service control policy",
                "whoever wrote that policy",
            ),
            ("You are not authorized to perform this operation. Encoded authorization failure message: abc", "decode"),
            ("You are not authorized to use launch template: lt-0", "ec2:RunInstances"),
            (
                "The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
                "create-service-linked-role",
            ),
            ("The role defined for the function cannot be assumed by Lambda.", "deploy again"),
            ("You have requested more vCPU capacity than your current vCPU limit of 0 allows", "Service Quotas"),
            ("Max spot instance count exceeded; LimitExceeded", "Service Quotas"),
            ("Resource of type 'AWS::SQS::Queue' with identifier 'render-jobs' already exists.", "another name"),
            (
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
                "a minute",
            ),
            ("The following hook(s) failed: [Org::Tags::Required]", "wrote the hook"),
            ("Rate exceeded (Service: AutoScaling, Status Code: 400)", "in a minute"),
            ("Exceeded attempts to wait (HandlerErrorCode: NotStabilized)", "activities"),
        ] {
            let hint = hint_for(text).unwrap_or_else(|| panic!("unknown: {text}"));
            assert!(hint.next.contains(told), "{text}: {}", hint.next);
        }
        assert_eq!(hint_for("the moon is in the wrong phase"), None);
    }

    #[test]
    fn every_row_has_a_page_and_small_letters() {
        for (texts, hint) in TABLE {
            assert!(hint.source.starts_with("https://docs.aws.amazon.com/"), "{texts:?}");
            assert!(!texts.is_empty() && texts.iter().all(|pieces| !pieces.is_empty()), "{texts:?}");
            assert!(texts.iter().flat_map(|pieces| *pieces).all(|piece| piece.to_lowercase() == *piece), "{texts:?}");
        }
    }

    #[test]
    fn what_was_denied_becomes_a_statement() {
        let text = "Resource handler returned message: \"User: arn:aws:sts::111122223333:assumed-role/ci/x is not authorized to perform: lambda:CreateFunction on resource: arn:aws:lambda:eu-west-1:111122223333:function:media because no identity-based policy allows the lambda:CreateFunction action (Service: Lambda, Status Code: 403)\"";
        let denied = Denied::of(text).expect("denied");
        assert_eq!(
            denied.statement(),
            r#"{"Effect":"Allow","Action":"lambda:CreateFunction","Resource":"arn:aws:lambda:eu-west-1:111122223333:function:media"}"#
        );
        let denied = Denied::of("x is not authorized to perform: autoscaling:DescribePolicies.").expect("denied");
        assert_eq!((denied.action.as_str(), denied.resource), ("autoscaling:DescribePolicies", None));
        assert_eq!(Denied::of("You are not authorized to perform this operation."), None);
        assert_eq!(
            Denied::of("x is not authorized to perform: sqs:CreateQueue with an explicit deny in a policy"),
            None
        );
    }
}
