"""The calls about groups and their instances that ministack lacks, or answers without a market behind them."""

from __future__ import annotations

from ministack.services import autoscaling

from localaws import groups, moment, query
from localaws.activities import Cause
from localaws.query import Refused, Request, invalid

PROCESSES = """
    Launch Terminate AddToLoadBalancer AlarmNotification AZRebalance HealthCheck InstanceRefresh ReplaceUnhealthy
    ScheduledActions
""".split()


def _suspend(request: Request) -> None:
    group = groups.named(request.required("AutoScalingGroupName"))
    since = moment.to_seconds(moment.now())
    for process in request.list("ScalingProcesses") or PROCESSES:
        if process not in PROCESSES:
            raise invalid(f"The process {process} is not valid")
        group.setdefault("SuspendedProcesses", {})[process] = f"User suspended at {since}"


def _resume(request: Request) -> None:
    group = groups.named(request.required("AutoScalingGroupName"))
    for process in request.list("ScalingProcesses") or PROCESSES:
        group.setdefault("SuspendedProcesses", {}).pop(process, None)
    groups.settle(group, Cause())


def _protect(request: Request) -> None:
    group = groups.named(request.required("AutoScalingGroupName"))
    protected = request.flag("ProtectedFromScaleIn")
    with groups.lock:
        for instance_id in request.list("InstanceIds"):
            owner, instance = groups.of_instance(instance_id)
            if owner is not group:
                raise invalid(
                    f"The instance {instance_id} is not part of Auto Scaling group {group['AutoScalingGroupName']}."
                )
            instance["ProtectedFromScaleIn"] = protected
        groups.settle(group, Cause())


def _terminate_instance(request: Request) -> dict:
    """Ignores scale-in protection, as AWS does."""
    with groups.lock:
        group, instance = groups.of_instance(request.required("InstanceId"))
        decrement = request.flag("ShouldDecrementDesiredCapacity")
        if decrement and group["DesiredCapacity"] <= group["MinSize"]:
            raise invalid(
                "Currently, desiredSize equals minSize. Terminating instance without replacement will violate "
                "group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower "
                "group's min size."
            )
        count = len(group["Instances"])
        sentence = f"instance {instance['InstanceId']} was taken out of service in response to a user request"
        if decrement:
            group["DesiredCapacity"] -= 1
            sentence += f", shrinking the capacity from {count} to {count - 1}"
        activity = groups.terminate(group, instance, Cause().alone(f"{sentence}."))
        groups.settle(group, Cause())
    return {"Activity": activity}


def _describe(request: Request) -> dict:
    names = request.list("AutoScalingGroupNames")
    rows = [group for name, group in autoscaling._asgs.items() if not names or name in names]
    shown, token = query.page([each for each in rows if _tagged(each, request)], request, default=50, most=100)
    return {"AutoScalingGroups": [_shown(group) for group in shown], "NextToken": token}


def _tagged(group: dict, request: Request) -> bool:
    """The filters `tag-key`, `tag-value` and `tag:NAME`."""
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    for each in request.tree("Filters") or []:
        values, name = each.get("Values", []), each["Name"]
        held = {"tag-key": tags.keys(), "tag-value": tags.values()}.get(name) or [tags.get(name.removeprefix("tag:"))]
        if not any(value in held for value in values):
            return False
    return True


_SHOWN = """
    AutoScalingGroupName AutoScalingGroupARN LaunchConfigurationName LaunchTemplate MinSize MaxSize DesiredCapacity
    DefaultCooldown AvailabilityZones HealthCheckType HealthCheckGracePeriod CreatedTime VPCZoneIdentifier
    TerminationPolicies NewInstancesProtectedFromScaleIn Tags
""".split()


def _shown(group: dict) -> dict:
    shown = {key: group[key] for key in _SHOWN if group.get(key) not in (None, "", {})}
    shown["Instances"] = [_shown_instance(instance) for instance in group["Instances"]]
    shown["SuspendedProcesses"] = [
        {"ProcessName": name, "SuspensionReason": reason}
        for name, reason in group.get("SuspendedProcesses", {}).items()
    ]
    return shown


def _shown_instance(instance: dict) -> dict:
    return {key: value for key, value in instance.items() if key != "Market"}


def _describe_instances(request: Request) -> dict:
    ids = request.list("InstanceIds")
    rows = [
        _shown_instance(instance) | {"AutoScalingGroupName": group["AutoScalingGroupName"]}
        for group in autoscaling._asgs.values()
        for instance in group["Instances"]
        if not ids or instance["InstanceId"] in ids
    ]
    shown, token = query.page(rows, request, default=50, most=50)
    return {"AutoScalingInstances": shown, "NextToken": token}


_create_call, _update_call = autoscaling._create_asg, autoscaling._update_asg


def _create(params: dict) -> tuple:
    answer = _create_call(params)
    if answer[0] != 200:
        return answer
    name = autoscaling._p(params, "AutoScalingGroupName")
    try:
        groups.made(autoscaling._asgs[name])
    except Refused as refused:
        autoscaling._delete_asg({"AutoScalingGroupName": name})
        return autoscaling._error(refused.code, refused.message, refused.status)
    return answer


def _update(params: dict) -> tuple:
    try:
        group = groups.named(autoscaling._p(params, "AutoScalingGroupName"))
        before, protect = dict(group), autoscaling._p(params, "NewInstancesProtectedFromScaleIn")
        answer = _update_call(params)
        if protect:
            group["NewInstancesProtectedFromScaleIn"] = protect == "true"
        if configuration := autoscaling._p(params, "LaunchConfigurationName"):
            group.update(LaunchConfigurationName=configuration, LaunchTemplate={})
        if template := autoscaling._parse_nested(params, "LaunchTemplate"):
            identity = template.get("LaunchTemplateId") or template.get("LaunchTemplateName")
            specification = {"LaunchTemplateId": identity, "Version": template.get("Version", "$Default")}
            group.update(LaunchConfigurationName="", LaunchTemplate=specification)
        try:
            groups.changed(group, before["DesiredCapacity"])
        except Refused:
            group.update(before)
            raise
        return answer
    except Refused as refused:
        return autoscaling._error(refused.code, refused.message, refused.status)


def _delete(request: Request) -> None:
    name = request.required("AutoScalingGroupName")
    group = groups.named(name)
    if group["Instances"] and not request.flag("ForceDelete"):
        raise Refused(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
            "still in the group.",
        )
    autoscaling._delete_asg({"AutoScalingGroupName": name})


def install() -> None:
    autoscaling._reconcile_instances = lambda group: None  # `groups.settle` does it, knowing the cause
    autoscaling._ACTION_MAP.update({"CreateAutoScalingGroup": _create, "UpdateAutoScalingGroup": _update})
    query.answer_with(
        {
            "DescribeAutoScalingGroups": _describe,
            "DescribeAutoScalingInstances": _describe_instances,
            "DeleteAutoScalingGroup": _delete,
            "SuspendProcesses": _suspend,
            "ResumeProcesses": _resume,
            "SetInstanceProtection": _protect,
            "TerminateInstanceInAutoScalingGroup": _terminate_instance,
        }
    )
