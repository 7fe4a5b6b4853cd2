//! What a template needs to be allowed: no more is said than that.

use serde_json::Value;

use super::cloud::Capability;

/// The properties by which a resource gets a name of its own, and not one that CloudFormation makes.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>
const NAMES: [(&str, &str); 5] = [
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::User", "UserName"),
];

/// What this template, with its short forms written out, needs.
pub fn needed(template: &Value) -> Vec<Capability> {
    let resources = || template["Resources"].as_object().into_iter().flat_map(|resources| resources.values());
    let kind = |resource: &Value| resource["Type"].as_str().unwrap_or_default().to_owned();
    let is_named = |resource: &Value| {
        NAMES.iter().any(|(named, property)| kind(resource) == *named && !resource["Properties"][property].is_null())
    };
    let mut needed = Vec::new();
    if resources().any(is_named) {
        needed.push(Capability::NamedIam);
    } else if resources().any(|resource| kind(resource).starts_with("AWS::IAM::")) {
        needed.push(Capability::Iam);
    }
    if !template["Transform"].is_null() || transforms(template) {
        needed.push(Capability::AutoExpand);
    }
    needed
}

/// Whether a macro is called anywhere within.
fn transforms(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key("Fn::Transform") || map.values().any(transforms),
        Value::Array(items) => items.iter().any(transforms),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_more_is_said_than_is_needed() {
        use Capability::{AutoExpand, Iam, NamedIam};
        let of = |resources: Value| needed(&json!({ "Resources": resources }));
        assert_eq!(of(json!({"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "x"}}})), []);
        assert_eq!(of(json!({"A": {"Type": "AWS::IAM::Role", "Properties": {}}})), [Iam]);
        // The role that a policy is for is no name of its own.
        assert_eq!(of(json!({"A": {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": "x"}}})), [Iam]);
        assert_eq!(of(json!({"A": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "X"}}}})), [NamedIam]);
        assert_eq!(of(json!({"A": {"Type": "X", "Properties": {"B": [{"Fn::Transform": {}}]}}})), [AutoExpand]);
        assert_eq!(needed(&json!({"Transform": "AWS::LanguageExtensions", "Resources": {}})), [AutoExpand]);
    }
}
