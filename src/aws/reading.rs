//! What the SDK's types say, in ours. Texts of AWS are made safe to print here, once.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::{self as auto_scaling, AutoScalingGroup, LaunchConfiguration};
use aws_sdk_cloudformation::types as sdk;
use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_smithy_types::DateTime;
use spot_policy::Timestamp;
use spotstack_ec2::launch_template::LaunchTemplate;

use crate::deploy::change_set::{Action, Change, Detail, Replacement};
use crate::deploy::cloud::{
    Group, Instance, LaunchDefinition, LaunchSource, Owner, Refresh, Resource, ScalingPolicy, Waiting,
};
use crate::deploy::event::{Event, FailedEvent};
use crate::deploy::stack::{Stack, StackStatus};
use crate::neutral::neutral;
use crate::observe::{Alarm, LogLine};

/// A text of AWS's, if there is one.
pub(super) fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| neutral(text).into_owned())
}

/// A name or a word of AWS's; empty where there is none.
pub(super) fn word(word: Option<&str>) -> String {
    text(word).unwrap_or_default()
}

fn moment(at: Option<&DateTime>) -> Option<Timestamp> {
    at.map(|at| Timestamp(at.secs()))
}

pub(super) fn stack(stack: &sdk::Stack) -> Stack {
    let parameters =
        stack.parameters().iter().filter_map(|p| Some((text(p.parameter_key())?, text(p.parameter_value())?)));
    let outputs = stack.outputs().iter().filter_map(|o| Some((text(o.output_key())?, text(o.output_value())?)));
    Stack {
        name: word(stack.stack_name()),
        arn: word(stack.stack_id()),
        status: StackStatus(word(stack.stack_status().map(|status| status.as_str()))),
        reason: text(stack.stack_status_reason()),
        created: moment(stack.creation_time()),
        updated: moment(stack.last_updated_time()),
        deleted: moment(stack.deletion_time()),
        protected: stack.enable_termination_protection().unwrap_or(false),
        parameters: parameters.collect::<BTreeMap<_, _>>(),
        outputs: outputs.collect::<BTreeMap<_, _>>(),
    }
}

pub(super) fn event(event: &sdk::StackEvent) -> Event {
    Event {
        id: word(event.event_id()),
        at: moment(event.timestamp()).unwrap_or_default(),
        logical_id: word(event.logical_resource_id()),
        physical_id: text(event.physical_resource_id()),
        resource_type: word(event.resource_type()),
        status: word(event.resource_status().map(|status| status.as_str())),
        reason: text(event.resource_status_reason()),
        token: text(event.client_request_token()),
    }
}

pub(super) fn resource(resource: &sdk::StackResourceSummary) -> Resource {
    Resource {
        logical_id: word(resource.logical_resource_id()),
        resource_type: word(resource.resource_type()),
        physical_id: text(resource.physical_resource_id()),
        status: word(resource.resource_status().map(|status| status.as_str())),
    }
}

pub(super) fn change(change: &sdk::ResourceChange) -> Change {
    Change {
        action: match change.action() {
            Some(sdk::ChangeAction::Add) => Action::Add,
            Some(sdk::ChangeAction::Modify) => Action::Modify,
            Some(sdk::ChangeAction::Remove) => Action::Remove,
            other => Action::Other(word(Some(other.map_or("Dynamic", |action| action.as_str())))),
        },
        logical_id: word(change.logical_resource_id()),
        resource_type: word(change.resource_type()),
        replacement: match change.replacement() {
            Some(sdk::Replacement::True) => Replacement::Always,
            Some(sdk::Replacement::Conditional) => Replacement::Maybe,
            _ => Replacement::Never,
        },
        details: change.details().iter().filter_map(detail).collect(),
        retained: matches!(
            change.policy_action(),
            Some(sdk::PolicyAction::Retain | sdk::PolicyAction::ReplaceAndRetain)
        ),
        states: state(change.before_context()).zip(state(change.after_context())),
    }
}

/// A resource as JSON; what was cut off, or is none, is as good as nothing.
fn state(context: Option<&str>) -> Option<serde_json::Value> {
    serde_json::from_str(context?).ok()
}

fn detail(detail: &sdk::ResourceChangeDetail) -> Option<Detail> {
    let target = detail.target()?;
    let name = match target.attribute() {
        Some(sdk::ResourceAttribute::Properties) | None => target.name(),
        Some(attribute) => Some(attribute.as_str()),
    };
    Some(Detail {
        name: text(name)?,
        recreation: match target.requires_recreation() {
            Some(sdk::RequiresRecreation::Always) => Replacement::Always,
            Some(sdk::RequiresRecreation::Never) => Replacement::Never,
            _ => Replacement::Maybe,
        },
        refers_to: refers_to(detail),
    })
}

/// The resource whose name or ARN it is; both change only with a new resource. Other attributes, and the other sources of a
/// change, are there whether or not a resource is replaced.
fn refers_to(detail: &sdk::ResourceChangeDetail) -> Option<String> {
    let entity = detail.causing_entity()?;
    match detail.change_source()? {
        sdk::ChangeSource::ResourceReference => text(Some(entity)),
        sdk::ChangeSource::ResourceAttribute => {
            let (id, attribute) = entity.split_once('.')?;
            attribute.ends_with("Arn").then(|| word(Some(id)))
        }
        _ => None,
    }
}

pub(super) fn group(group: &AutoScalingGroup) -> Group {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    let tag = |key: &str| {
        let tag = group.tags().iter().find(|tag| tag.key() == Some(key))?;
        text(tag.value())
    };
    let template = group.launch_template().and_then(|template| {
        // A group that names no version launches the default one.
        let version = template.version().unwrap_or("$Default");
        Some(LaunchSource::Template { id: text(template.launch_template_id())?, version: word(Some(version)) })
    });
    let configuration = text(group.launch_configuration_name()).map(LaunchSource::Configuration);
    Group {
        name: word(group.auto_scaling_group_name()),
        min: number(group.min_size()),
        max: number(group.max_size()),
        desired: number(group.desired_capacity()),
        instances: group.instances().iter().map(instance).collect(),
        zones: group.availability_zones().iter().map(|zone| word(Some(zone))).collect(),
        launch: group.mixed_instances_policy().map(|_| LaunchSource::Mixed).or(template).or(configuration),
        protects: group.new_instances_protected_from_scale_in().unwrap_or(false),
        suspended: group
            .suspended_processes()
            .iter()
            .map(|suspended| (word(suspended.process_name()), word(suspended.suspension_reason())))
            .collect(),
        // AWS gives a group a status only while it is being deleted.
        is_deleting: group.status().is_some_and(|status| !status.is_empty()),
        owner: tag("aws:cloudformation:stack-id")
            .zip(tag("aws:cloudformation:logical-id"))
            .map(|(stack_arn, logical_id)| Owner { stack_arn, logical_id }),
    }
}

pub(super) fn launch_template(template: LaunchTemplate) -> LaunchDefinition {
    let LaunchTemplate { market, max_price, instance_type, image } = template;
    let [market, max_price, instance_type, image] =
        [market, max_price, instance_type, image].map(|field| text(field.as_deref()));
    LaunchDefinition { market, max_price, instance_type, image }
}

pub(super) fn launch_configuration(configuration: &LaunchConfiguration) -> LaunchDefinition {
    let max_price = text(configuration.spot_price());
    LaunchDefinition {
        market: max_price.is_some().then(|| "spot".into()),
        max_price,
        instance_type: text(configuration.instance_type()),
        image: text(configuration.image_id()),
    }
}

pub(super) fn scaling_policy(policy: &auto_scaling::ScalingPolicy) -> ScalingPolicy {
    ScalingPolicy { name: word(policy.policy_name()), arn: word(policy.policy_arn()), kind: word(policy.policy_type()) }
}

pub(super) fn alarm(alarm: &MetricAlarm) -> Alarm {
    Alarm {
        name: word(alarm.alarm_name()),
        state: word(alarm.state_value().map(|state| state.as_str())),
        reason: text(alarm.state_reason()),
        since: moment(alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp())),
        acts: alarm.actions_enabled().unwrap_or(true),
    }
}

/// A line of a log as it was written: whoever shows it makes it safe, and whoever reads it needs its bytes.
pub(super) fn log_line(event: &FilteredLogEvent) -> LogLine {
    let plain = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let (at, message) = (event.timestamp().unwrap_or_default(), plain(event.message()));
    // AWS gives each line an id; a local AWS may not.
    let id = event.event_id().map(str::to_owned);
    let id = id.unwrap_or_else(|| format!("{}/{at}/{message}", event.log_stream_name().unwrap_or_default()));
    LogLine { id, at, message }
}

/// A failure beyond those that stack events tell.
pub(super) fn failed_event(event: &sdk::OperationEvent) -> Option<FailedEvent> {
    let reason = event.validation_status_reason().or(event.hook_status_reason()).or(event.resource_status_reason());
    Some(FailedEvent {
        at: moment(event.timestamp()).unwrap_or_default(),
        logical_id: text(event.logical_resource_id()),
        resource_type: text(event.resource_type()),
        status: text(event.resource_status().map(|status| status.as_str())),
        path: text(event.validation_path()),
        finder: text(event.validation_name().or(event.hook_type())),
        reason: text(reason)?,
        token: text(event.client_request_token()),
    })
}

pub(super) fn waiting(summary: &sdk::ChangeSetSummary) -> Option<Waiting> {
    let executable = summary.execution_status() == Some(&sdk::ExecutionStatus::Available);
    executable.then(|| Waiting { name: word(summary.change_set_name()), created: moment(summary.creation_time()) })
}

pub(super) fn refresh(refresh: &auto_scaling::InstanceRefresh) -> Refresh {
    Refresh {
        id: word(refresh.instance_refresh_id()),
        status: word(refresh.status().map(|status| status.as_str())),
        reason: text(refresh.status_reason()),
        percent: refresh.percentage_complete().and_then(|percent| u8::try_from(percent).ok()).unwrap_or(0),
    }
}

fn instance(instance: &auto_scaling::Instance) -> Instance {
    Instance {
        id: word(instance.instance_id()),
        zone: word(instance.availability_zone()),
        state: word(instance.lifecycle_state().map(|state| state.as_str())),
        protected: instance.protected_from_scale_in().unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_what_changes_and_why() {
        let target = sdk::ResourceTargetDefinition::builder;
        let code = target()
            .attribute(sdk::ResourceAttribute::Properties)
            .name("Code")
            .requires_recreation(sdk::RequiresRecreation::Never);
        let policy = target()
            .attribute(sdk::ResourceAttribute::Properties)
            .name("AutoScalingGroupName")
            .requires_recreation(sdk::RequiresRecreation::Always);
        let tags = target().attribute(sdk::ResourceAttribute::Tags);
        let detail = |target: sdk::builders::ResourceTargetDefinitionBuilder, source: sdk::ChangeSource| {
            sdk::ResourceChangeDetail::builder()
                .target(target.build())
                .change_source(source)
                .causing_entity("GpuSpotGroup")
                .build()
        };
        let sdk_change = sdk::ResourceChange::builder()
            .action(sdk::ChangeAction::Modify)
            .replacement(sdk::Replacement::Conditional)
            .details(detail(code.clone(), sdk::ChangeSource::ParameterReference))
            .details(detail(code, sdk::ChangeSource::DirectModification))
            .details(detail(policy, sdk::ChangeSource::ResourceReference))
            .details(detail(tags, sdk::ChangeSource::DirectModification))
            .build();
        let change = change(&sdk_change);
        assert_eq!((&change.action, change.replacement), (&Action::Modify, Replacement::Maybe));
        assert_eq!(change.properties(), ["Code", "AutoScalingGroupName", "Tags"]);
        let details: Vec<_> =
            change.details.iter().map(|detail| (detail.recreation, detail.refers_to.as_deref())).collect();
        use Replacement::{Always, Maybe, Never};
        assert_eq!(details, [(Never, None), (Never, None), (Always, Some("GpuSpotGroup")), (Maybe, None)]);
    }

    #[test]
    fn an_arn_is_a_name_and_a_version_is_not() {
        let refers_to = |source: sdk::ChangeSource, entity: &str| {
            refers_to(&sdk::ResourceChangeDetail::builder().change_source(source).causing_entity(entity).build())
        };
        assert_eq!(refers_to(sdk::ChangeSource::ResourceAttribute, "Rule.Arn").as_deref(), Some("Rule"));
        assert_eq!(refers_to(sdk::ChangeSource::ResourceAttribute, "Launch.LatestVersionNumber"), None);
        assert_eq!(refers_to(sdk::ChangeSource::ParameterReference, "HandlerKey"), None);
    }

    #[test]
    fn actions_of_tomorrow_have_a_word() {
        let action = |action: &str| change(&sdk::ResourceChange::builder().action(action.into()).build()).action;
        assert_eq!(action("Import"), Action::Other("Import".into()));
        assert_eq!(action("Transmogrify"), Action::Other("Transmogrify".into()));
    }

    #[test]
    fn the_texts_of_aws_cannot_steer_a_terminal() {
        let sdk_event = sdk::StackEvent::builder().resource_status_reason("\u{1b}]0;owned\u{7}").build();
        assert_eq!(event(&sdk_event).reason.as_deref(), Some("\\u{1b}]0;owned\\u{7}"));
        let sdk_group = AutoScalingGroup::builder().auto_scaling_group_name("asg\u{9b}2J").status("\u{202e}").build();
        assert_eq!(group(&sdk_group).name, "asg\\u{9b}2J");
        let sdk_resource = sdk::StackResourceSummary::builder().resource_status("\u{1b}c".into()).build();
        assert_eq!(resource(&sdk_resource).status, "\\u{1b}c");
        let output = sdk::Output::builder().output_key("X").output_value("a\rb").build();
        assert_eq!(stack(&sdk::Stack::builder().outputs(output).build()).outputs["X"], "a\\u{d}b");
    }
}
