//! The logical ids of a pair's resources: known before anything is rendered, because two pairs must not share one.

use super::{At, Pair};

/// Resources in one CloudFormation template, at most.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
pub(crate) const MOST_RESOURCES: usize = 500;

/// What follows a pair's name in every pair's logical ids.
const ALWAYS: [&str; 18] = [
    "SpotScaleUp",
    "SpotScaleDown",
    "OnDemandScaleUp",
    "OnDemandScaleDown",
    "JobsWaitingAlarm",
    "IdleAlarm",
    "AlarmTopic",
    "AlarmTopicPolicy",
    "AlarmSubscription",
    "AlarmPermission",
    "SpotManagerRole",
    "SpotManagerLogs",
    "SpotManager",
    "SpotManagerInvoke",
    "LaunchFailedRule",
    "LaunchFailedPermission",
    "InterruptionRule",
    "InterruptionPermission",
];
const OWN_GROUPS: [&str; 4] = ["SpotLaunch", "OnDemandLaunch", "SpotGroup", "OnDemandGroup"];
const CREATED_QUEUE: [&str; 2] = ["DeadLetterQueue", "Queue"];
const OWN_ROLE: [&str; 2] = ["WorkerRole", "WorkerProfile"];
const PROTECTION: [&str; 1] = ["WorkerProtection"];
const TICK: [&str; 2] = ["TickRule", "TickPermission"];
const NOTICES: [&str; 2] = ["NoticeTopic", "NoticeSubscription"];
const DASHBOARD: [&str; 1] = ["Dashboard"];

/// What follows the pair's name in the logical ids of its resources. `tests/suite` holds it against rendered templates.
pub fn logical_ids(pair: &Pair) -> Vec<&'static str> {
    let on = |given: &Option<At<bool>>| given.as_ref().is_some_and(|given| given.value);
    let own_role = pair.launch.as_ref().is_some_and(|launch| launch.value.instance_profile.is_none());
    let parts: [(bool, &'static [&'static str]); 8] = [
        (true, &ALWAYS),
        (pair.launch.is_some(), &OWN_GROUPS),
        (pair.queue.value.arn.is_none(), &CREATED_QUEUE),
        (own_role, &OWN_ROLE),
        (own_role && on(&pair.workers.protect), &PROTECTION),
        (pair.manager.reconcile.as_ref().is_none_or(|tick| tick.value.0 >= 60), &TICK),
        (pair.manager.notify.as_ref().is_some_and(|whom| !whom.value.starts_with("arn:")), &NOTICES),
        (on(&pair.manager.dashboard), &DASHBOARD),
    ];
    parts.into_iter().filter(|(there, _)| *there).flat_map(|(_, ids)| ids.iter().copied()).collect()
}
