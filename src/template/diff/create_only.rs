//! The properties with which a resource is made anew: CloudFormation's «Update requires: Replacement».
//!
//! From the `createOnlyProperties` and `conditionalCreateOnlyProperties` of the resource types' own schemas, for every type that
//! spotstack renders and some that a user's blueprints may. `tests/local-aws/test_create_only.py` compares them with today's.
//! <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::fate::Replacement;

#[derive(Deserialize)]
struct CreateOnly {
    always: Vec<String>,
    maybe: Vec<String>,
}

static TYPES: LazyLock<BTreeMap<String, CreateOnly>> =
    LazyLock::new(|| serde_json::from_str(include_str!("create-only.json")).unwrap_or_default());

/// The type whose conditional replacement is known: it happens only where the resource's own update policy asks for it.
const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";

/// Whether a change of this property replaces the resource. `replaces_itself` is whether the resource is an Auto Scaling group
/// with an `AutoScalingReplacingUpdate`. Of types that are not known only AWS knows: `Maybe`.
pub(super) fn replacement(resource_type: &str, property: &str, replaces_itself: bool) -> Replacement {
    let Some(known) = TYPES.get(resource_type) else { return Replacement::Maybe };
    let is_in = |names: &[String]| names.iter().any(|name| name == property);
    match () {
        () if is_in(&known.always) => Replacement::Always,
        () if is_in(&known.maybe) && resource_type == GROUP && replaces_itself => Replacement::Always,
        () if is_in(&known.maybe) && resource_type != GROUP => Replacement::Maybe,
        () => Replacement::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_replace_and_sizes_do_not() {
        use Replacement::{Always, Maybe, Never};
        for (resource_type, property, itself, expected) in [
            ("AWS::SQS::Queue", "QueueName", false, Always),
            ("AWS::SQS::Queue", "VisibilityTimeout", false, Never),
            (GROUP, "MaxSize", true, Never),
            (GROUP, "LaunchTemplate", false, Never),
            (GROUP, "LaunchTemplate", true, Always),
            (GROUP, "AutoScalingGroupName", false, Always),
            ("AWS::EC2::LaunchTemplate", "LaunchTemplateData", false, Never),
            ("AWS::AutoScaling::LaunchConfiguration", "UserData", false, Always),
            ("AWS::Lambda::Permission", "SourceArn", false, Always),
            ("AWS::Events::Rule", "EventBusName", false, Maybe),
            ("AWS::Bakery::Cake", "Icing", false, Maybe),
        ] {
            assert_eq!(replacement(resource_type, property, itself), expected, "{resource_type}.{property}");
        }
    }
}
