//! What somebody changed by hand and CloudFormation does not see: limits and scaling policies of the groups, what they launch
//! from, suspended processes.

use serde::Serialize;
use serde_json::Value;
use spot_policy::Market;

use crate::deploy::cloud::{Group, LaunchSource, Resource, ScalingPolicy};

/// One group, and what the stack's template says of it.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// Which of the two.
    pub market: Market,
    /// The group as it is.
    pub group: &'a Group,
    /// The scaling policies on it; `None` if they could not be read.
    pub policies: Option<&'a [ScalingPolicy]>,
    /// The group's own resource in the stack's template; `None` if another template made it.
    pub resource: Option<&'a Value>,
    /// Everything in the stack.
    pub stack: &'a [Resource],
    /// The pair's prefix.
    pub id: &'a str,
}

/// Something that is not as the template says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// What is wrong, in a sentence.
    pub what: String,
    /// What mends it.
    pub fix: String,
}

/// All that is to be said about one group.
pub fn drift(sides: Sides<'_>) -> Vec<Drift> {
    let Sides { market, group, policies, resource, stack, id } = sides;
    let mut found = limits(market, group, resource);
    let prefix = format!("{id}{}", if market == Market::Spot { "Spot" } else { "OnDemand" });
    let own = |suffix: &str| {
        let wanted = format!("{prefix}{suffix}");
        stack.iter().find(|resource| resource.logical_id == wanted).and_then(|resource| resource.physical_id.as_deref())
    };
    let launches_from = match &group.launch {
        Some(LaunchSource::Template { id, .. }) => Some(id.as_str()),
        Some(LaunchSource::Configuration(name)) => Some(name.as_str()),
        Some(LaunchSource::Mixed) => Some("a mixed instances policy"),
        None => None,
    };
    if let Some((own, found_one)) = own("Launch").zip(launches_from).filter(|(own, found_one)| own != found_one) {
        found.push(Drift {
            what: format!("the {market} group launches from {found_one}, not from the stack's {own}"),
            fix: "set the group's launch template or configuration back, or replace the stack's by a deploy that changes it".into(),
        });
    }
    if let Some(policies) = policies {
        let ours = [own("ScaleUp"), own("ScaleDown")];
        for policy in policies.iter().filter(|policy| !ours.contains(&Some(policy.arn.as_str()))) {
            found.push(Drift {
                what: format!(
                    "the {market} group has a scaling policy that is not the stack's: {} ({})",
                    policy.name, policy.kind
                ),
                fix: format!(
                    "it scales beside the SpotManager: `aws autoscaling delete-policy --policy-name {}` removes it",
                    policy.arn
                ),
            });
        }
        for missing in ours.into_iter().flatten().filter(|arn| policies.iter().all(|policy| policy.arn != *arn)) {
            found.push(Drift {
                what: format!("the {market} group has lost a scaling policy of the stack: {missing}"),
                fix: "without it the group is not scaled, and CloudFormation does not miss it: put it back by hand, or destroy the stack and deploy it again".into(),
            });
        }
    }
    // `Launch` is told by the SpotManager too; here are all of them.
    for (process, why) in &group.suspended {
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        found.push(Drift {
            what: format!("the {market} group's process {process} is suspended{why}"),
            fix: format!(
                "`aws autoscaling resume-processes --auto-scaling-group-name {} --scaling-processes {process}`",
                group.name
            ),
        });
    }
    found
}

fn limits(market: Market, group: &Group, resource: Option<&Value>) -> Vec<Drift> {
    let said = |key: &str| match resource?.get("Properties")?.get(key)? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        _ => None,
    };
    let differs = |key: &str, flag: &str, is: u32| {
        let wanted: u32 = said(key)?;
        (wanted != is).then(|| Drift {
            what: format!("the {market} group's {key} is {is}, the template says {wanted}"),
            fix: format!(
                "`aws autoscaling update-auto-scaling-group --auto-scaling-group-name {} {flag} {wanted}`, or say it in the spec",
                group.name
            ),
        })
    };
    [differs("MinSize", "--min-size", group.min), differs("MaxSize", "--max-size", group.max)]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resource(logical_id: &str, physical_id: &str) -> Resource {
        Resource {
            logical_id: logical_id.into(),
            resource_type: String::new(),
            physical_id: Some(physical_id.into()),
            status: "CREATE_COMPLETE".into(),
        }
    }

    fn policy(arn: &str) -> ScalingPolicy {
        ScalingPolicy { name: format!("name-of-{arn}"), arn: arn.into(), kind: "StepScaling".into() }
    }

    fn said(group: &Group, policies: &[ScalingPolicy], own: bool) -> Vec<String> {
        let template = json!({"Properties": {"MinSize": "0", "MaxSize": "4"}});
        let stack =
            [resource("GpuSpotLaunch", "lt-1"), resource("GpuSpotScaleUp", "up"), resource("GpuSpotScaleDown", "down")];
        let sides = Sides {
            market: Market::Spot,
            group,
            policies: Some(policies),
            resource: own.then_some(&template),
            stack: &stack,
            id: "Gpu",
        };
        drift(sides).into_iter().map(|drift| drift.what).collect()
    }

    #[test]
    fn a_group_as_its_template_says_has_none() {
        let launch = Some(LaunchSource::Template { id: "lt-1".into(), version: "2".into() });
        let group = Group { max: 4, launch, ..Group::default() };
        assert_eq!(said(&group, &[policy("up"), policy("down")], true), [""; 0]);
    }

    #[test]
    fn whatever_was_changed_by_hand_is_told() {
        let group = Group {
            min: 1,
            max: 9,
            launch: Some(LaunchSource::Template { id: "lt-2".into(), version: "1".into() }),
            suspended: vec![("Launch".into(), "User suspended".into())],
            ..Group::default()
        };
        assert_eq!(
            said(&group, &[policy("up"), policy("tracking")], true),
            [
                "the Spot group's MinSize is 1, the template says 0",
                "the Spot group's MaxSize is 9, the template says 4",
                "the Spot group launches from lt-2, not from the stack's lt-1",
                "the Spot group has a scaling policy that is not the stack's: name-of-tracking (StepScaling)",
                "the Spot group has lost a scaling policy of the stack: down",
                "the Spot group's process Launch is suspended (User suspended)",
            ]
        );
    }

    #[test]
    fn limits_of_another_template_are_not_ours_to_judge() {
        let group = Group { max: 9, ..Group::default() };
        assert_eq!(said(&group, &[policy("up"), policy("down")], false), [""; 0]);
    }
}
