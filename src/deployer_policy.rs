//! What whoever deploys a stack may do: the IAM policy of a CI role, for one template and nothing more.
//!
//! A pure function of the template: what is in it says what CloudFormation must be able to make. The statements are
//! `blueprints/deployer-policy.yaml`, readable as they are; here is decided what they are filled with.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use crate::blueprint::{self, BlueprintError, Blueprints, DEPLOYER_POLICY};
use crate::spec::partition_of;
use crate::template::Template;

/// Characters of a managed policy at most, white space not counted.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const LARGEST_MANAGED: usize = 6_144;

/// Characters of all inline policies of a role together at most, white space not counted.
pub const LARGEST_INLINE: usize = 10_240;

/// CloudFormation cuts a stack's name after so many characters where it makes a name of at most 64.
const SHORT: usize = 25;

/// The resource types that the blueprint knows.
const KNOWN: [&str; 18] = [
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::AutoScaling::LaunchConfiguration",
    "AWS::AutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::EC2::LaunchTemplate",
    "AWS::Events::Rule",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::Role",
    "AWS::IAM::RolePolicy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
];

/// Where a stack is to be deployed, as far as it is known without asking AWS.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    /// The Region; `None`: any.
    pub region: Option<&'a str>,
    /// The account, twelve digits; `None`: `*`, where a role's policy reaches no further than its own account unless
    /// somebody else's resource lets it in.
    pub account: Option<&'a str>,
    /// The bucket that `deploy --artifact-bucket` names; `None`: the one that spotstack makes.
    pub artifact_bucket: Option<&'a str>,
    /// The stacks in which `deploy` looks for groups that another template made. Their names are taken to be CloudFormation's,
    /// which begin with their stack's.
    pub group_stacks: &'a [&'a str],
}

/// A policy, and what has to be said about it.
#[derive(Debug, Clone)]
pub struct DeployerPolicy {
    document: Document,
    /// Instance profiles that the stack does not make, by name. Passing one takes `iam:PassRole` on the role in it, whose name
    /// the template does not tell; it is taken to be the profile's, as the console names both.
    pub foreign_profiles: BTreeSet<String>,
    /// Resource types that the policy does not allow to be made, because spotstack's own blueprints do not make them.
    pub unknown_types: BTreeSet<String>,
}

/// A policy document, in the order in which people write one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    sid: String,
    effect: String,
    #[serde(serialize_with = "alone")]
    action: Vec<String>,
    #[serde(serialize_with = "alone")]
    resource: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<String, BTreeMap<String, Values>>,
}

/// What a condition compares with.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Values(#[serde(serialize_with = "alone")] Vec<String>);

/// A list of one is its one, as people write policies.
fn alone<S: Serializer>(values: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match values {
        [one] => one.serialize(serializer),
        values => values.serialize(serializer),
    }
}

impl DeployerPolicy {
    /// The policy for a stack of this name and template.
    ///
    /// # Errors
    /// Where the blueprint is wrong.
    pub fn new(
        stack: &str,
        template: &Template,
        scope: Scope<'_>,
        blueprints: &Blueprints,
    ) -> Result<Self, BlueprintError> {
        let contents = Contents::of(template);
        let text = blueprint::alone(DEPLOYER_POLICY, &contents.context(scope), blueprints)?;
        let mut document: Document = serde_yaml::from_str(&text).map_err(|error| {
            BlueprintError::new(format!("`{DEPLOYER_POLICY}` does not render to an IAM policy: {error}"))
        })?;
        let short =
            stack.get(..SHORT).filter(|_| stack.len() > SHORT).map_or_else(|| format!("{stack}-"), str::to_owned);
        let variables = [
            ("AWS::Partition", partition(scope.region)),
            ("AWS::Region", scope.region.unwrap_or("*")),
            ("AWS::AccountId", scope.account.unwrap_or("*")),
            ("AWS::StackName", stack),
            ("Short", &short),
            ("Bucket", &bucket(scope)),
        ];
        for statement in &mut document.statement {
            let values =
                statement.condition.values_mut().flat_map(BTreeMap::values_mut).flat_map(|values| &mut values.0);
            for text in statement.resource.iter_mut().chain(values) {
                for (name, value) in variables {
                    *text = text.replace(&format!("${{{name}}}"), value);
                }
            }
        }
        let unknown_types = contents.types.iter().filter(|kind| !KNOWN.contains(&kind.as_str())).cloned().collect();
        Ok(Self { document, foreign_profiles: contents.foreign_profiles, unknown_types })
    }

    /// The policy as JSON to read.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.document).unwrap_or_default() + "\n"
    }

    /// Its characters as IAM counts them: without white space.
    pub fn size(&self) -> usize {
        self.to_json().chars().filter(|char| !char.is_whitespace()).count()
    }
}

/// The artifact bucket. `aws:PrincipalAccount` is IAM's own variable for the caller's account, and a resource's name may hold it.
fn bucket(scope: Scope<'_>) -> String {
    let account = scope.account.unwrap_or("${aws:PrincipalAccount}");
    scope
        .artifact_bucket
        .map_or_else(|| format!("spotstack-artifacts-{account}-{}", scope.region.unwrap_or("*")), str::to_owned)
}

/// Where no Region is known, AWS's own partition.
fn partition(region: Option<&str>) -> &'static str {
    region.map_or("aws", partition_of)
}

/// What a template holds, as far as its deployer must be allowed to have it made.
#[derive(Debug, Default)]
struct Contents {
    types: BTreeSet<String>,
    queues: BTreeSet<String>,
    /// What instances are launched with, as the ends of ARNs: `subnet/subnet-1`.
    network: BTreeSet<String>,
    /// The ends of ARNs, account and all: AWS's own parameters belong to no account.
    parameters: BTreeSet<String>,
    foreign_profiles: BTreeSet<String>,
    /// Groups that another template made, where the template has their names.
    existing_groups: BTreeSet<String>,
}

impl Contents {
    fn of(template: &Template) -> Self {
        let document = template.to_json();
        let mut contents = Self::default();
        for parameter in entries(&document["Parameters"]) {
            if parameter["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::SSM::Parameter::")) {
                contents.parameters.extend(parameter["Default"].as_str().map(parameter_arn));
            }
        }
        for resource in entries(&document["Resources"]) {
            let properties = &resource["Properties"];
            let kind = resource["Type"].as_str().unwrap_or_default();
            contents.types.insert(kind.to_owned());
            match kind {
                "AWS::SQS::Queue" => {
                    contents.queues.extend(one(&properties["QueueName"], "").or(Some("${AWS::StackName}-*".into())));
                }
                "AWS::AutoScaling::AutoScalingGroup" => {
                    contents.network.extend(many(&properties["VPCZoneIdentifier"], "subnet/"));
                }
                "AWS::AutoScaling::ScalingPolicy" => {
                    let group = properties["AutoScalingGroupName"]["Ref"].as_str().unwrap_or_default();
                    contents.existing_groups.extend(one(&document["Parameters"][group]["Default"], ""));
                }
                "AWS::AutoScaling::LaunchConfiguration" => contents.profile(&properties["IamInstanceProfile"]),
                "AWS::EC2::LaunchTemplate" => {
                    let data = &properties["LaunchTemplateData"];
                    contents.network.extend(many(&data["SecurityGroupIds"], "security-group/"));
                    contents.network.extend(one(&data["KeyName"], "key-pair/"));
                    contents.profile(&data["IamInstanceProfile"]["Name"]);
                    contents.profile(&data["IamInstanceProfile"]["Arn"]);
                    let parameter = data["ImageId"].as_str().and_then(|image| image.strip_prefix("resolve:ssm:"));
                    contents.parameters.extend(parameter.map(parameter_arn));
                }
                _ => {}
            }
        }
        contents
    }

    /// Notes an instance profile that is not the stack's own, by its name or ARN.
    fn profile(&mut self, profile: &Json) {
        let name = one(profile, "").map(|name| name.rsplit(":instance-profile/").next().unwrap_or(&name).to_owned());
        self.foreign_profiles.extend(name);
    }

    fn context(&self, scope: Scope<'_>) -> Value {
        let own = self.types.contains("AWS::IAM::InstanceProfile").then(|| "${Short}*".to_owned());
        let instance_roles: Vec<_> = own.into_iter().chain(self.foreign_profiles.iter().cloned()).collect();
        let in_stacks = scope.group_stacks.iter().map(|stack| format!("{stack}-*"));
        let existing_groups: BTreeSet<_> = self.existing_groups.iter().cloned().chain(in_stacks).collect();
        let china = partition(scope.region) == "aws-cn";
        context! {
            types => Serde(&self.types),
            queues => Serde(&self.queues),
            network => Serde(&self.network),
            parameters => Serde(&self.parameters),
            instance_roles => instance_roles,
            existing_groups => existing_groups,
            group_stacks => Serde(scope.group_stacks),
            instance_service => if china { "ec2.amazonaws.com.cn" } else { "ec2.amazonaws.com" },
            makes_bucket => scope.artifact_bucket.is_none(),
            one_region => scope.region.is_some(),
        }
    }
}

fn entries(section: &Json) -> impl Iterator<Item = &Json> {
    section.as_object().into_iter().flat_map(serde_json::Map::values)
}

/// A value of the template behind a prefix, in IAM's words; nothing where it refers to something in the stack.
fn one(value: &Json, prefix: &str) -> Option<String> {
    value.as_str().map(|text| format!("{prefix}{}", literal(text)))
}

fn many(values: &Json, prefix: &str) -> Vec<String> {
    values.as_array().into_iter().flatten().filter_map(|value| one(value, prefix)).collect()
}

/// The end of a parameter's ARN. AWS's own parameters belong to no account.
fn parameter_arn(name: &str) -> String {
    let name = name.split(':').next().unwrap_or(name);
    let account = if name.starts_with("/aws/service/") { "" } else { "${AWS::AccountId}" };
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("{account}:parameter{slash}{}", literal(name))
}

/// A text that means itself to IAM, which reads `*`, `?` and `$` otherwise.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>
fn literal(text: &str) -> String {
    text.chars().fold(String::new(), |text, char| match char {
        '*' | '?' | '$' => text + "${" + &char.to_string() + "}",
        char => text + char.encode_utf8(&mut [0; 4]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = "
Parameters:
  GpuSpotGroup: {Type: String, Default: 'blue *'}
  GpuOnDemandGroup: {Type: String}
Resources:
  GpuSpotScaleUp: {Type: 'AWS::AutoScaling::ScalingPolicy', Properties: {AutoScalingGroupName: !Ref GpuSpotGroup}}
  GpuOnDemandScaleUp: {Type: 'AWS::AutoScaling::ScalingPolicy', Properties: {AutoScalingGroupName: !Ref GpuOnDemandGroup}}
  Archive: {Type: 'AWS::S3::Bucket'}
";

    fn policy(stack: &str, template: &str, scope: Scope<'_>) -> DeployerPolicy {
        let template = Template::new(template.to_owned()).expect("a template");
        DeployerPolicy::new(stack, &template, scope, &Blueprints::default()).expect("a policy")
    }

    fn resources(policy: &DeployerPolicy, sid: &str) -> Vec<String> {
        let found = policy.document.statement.iter().find(|statement| statement.sid == sid);
        found.map(|statement| statement.resource.clone()).unwrap_or_default()
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for region in [None, Some("eu-west-1")] {
            let text = policy("media", PAIR, Scope { region, ..Scope::default() }).to_json();
            assert_eq!(text.replace("${aws:PrincipalAccount}", "").replace("${*}", "").find("${"), None, "{text}");
        }
    }

    #[test]
    fn a_place_narrows_the_policy_down() {
        let any = policy("media", PAIR, Scope::default());
        assert_eq!(resources(&any, "Stack")[0], "arn:aws:cloudformation:*:*:stack/media/*");
        assert_eq!(resources(&any, "Artifacts")[0], "arn:aws:s3:::spotstack-artifacts-${aws:PrincipalAccount}-*");
        let region = Some("cn-north-1");
        let here = Scope { region, account: Some("111122223333"), artifact_bucket: Some("zips"), ..Scope::default() };
        let here = policy("media", PAIR, here);
        assert_eq!(resources(&here, "Stack")[0], "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/media/*");
        assert_eq!(resources(&here, "Artifacts"), ["arn:aws-cn:s3:::zips", "arn:aws-cn:s3:::zips/spotstack/*"]);
        assert!(!here.to_json().contains("s3:CreateBucket"), "a bucket of one's own is not made");
        assert!(here.to_json().contains(r#""aws:RequestedRegion": "cn-north-1""#));
    }

    #[test]
    fn a_long_name_is_cut_where_cloudformation_cuts_it() {
        let name = "a-stack-of-twenty-six-char";
        assert_eq!(
            resources(&policy(name, PAIR, Scope::default()), "Roles"),
            ["arn:aws:iam::*:role/a-stack-of-twenty-six-cha*"]
        );
        assert_eq!(
            resources(&policy(&name[..25], PAIR, Scope::default()), "Roles"),
            ["arn:aws:iam::*:role/a-stack-of-twenty-six-cha-*"]
        );
    }

    #[test]
    fn groups_of_another_template_are_given_policies_and_no_more() {
        let scope = Scope { region: Some("eu-west-1"), group_stacks: &["encoder"], ..Scope::default() };
        let policy = policy("media", PAIR, scope);
        let group = "arn:aws:autoscaling:eu-west-1:*:autoScalingGroup:*:autoScalingGroupName";
        assert_eq!(
            resources(&policy, "PoliciesOfExistingGroups"),
            [format!("{group}/blue ${{*}}"), format!("{group}/encoder-*")]
        );
        let stack = "arn:aws:cloudformation:eu-west-1:*:stack";
        assert_eq!(
            resources(&policy, "StacksOfExistingGroups"),
            [format!("{stack}/encoder/*"), format!("{stack}/encoder-*")]
        );
        let asked = policy.document.statement.iter().find(|statement| statement.sid == "StacksOfExistingGroups");
        assert!(asked.is_some_and(|statement| statement.action.iter().any(|action| action.ends_with(":GetTemplate"))));
        assert!(!policy.to_json().contains("autoscaling:CreateAutoScalingGroup"));
    }

    #[test]
    fn what_the_policy_does_not_cover_is_told() {
        let policy = policy("media", PAIR, Scope::default());
        assert_eq!(policy.unknown_types.iter().collect::<Vec<_>>(), ["AWS::S3::Bucket"]);
    }

    #[test]
    fn parameters_have_an_account_unless_they_are_aws_s_own() {
        for (name, arn) in [
            ("/aws/service/x/y", ":parameter/aws/service/x/y"),
            ("/golden/image", "${AWS::AccountId}:parameter/golden/image"),
            ("golden-image:3", "${AWS::AccountId}:parameter/golden-image"),
        ] {
            assert_eq!(parameter_arn(name), arn);
        }
    }

    #[test]
    fn a_value_means_itself_to_iam() {
        assert_eq!(literal("a*b?${c}"), "a${*}b${?}${$}{c}");
    }
}
