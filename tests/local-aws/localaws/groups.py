"""Auto Scaling groups whose instances come from a market that can refuse them.

ministack lists as many instances as are desired. On AWS a group asks zone after zone, keeps its desired
capacity when none gives, tries again later by itself, and lets protected instances stay.
"""

from __future__ import annotations

import threading
from collections import Counter

from ministack.core.responses import new_uuid, request_scope
from ministack.services import autoscaling, ec2

from localaws import activities, capacity, events, launch, prices
from localaws.activities import Cause
from localaws.failures import SPOT, WAITING, Failure, price_too_low
from localaws.query import invalid

#: CloudFormation, alarms, calls and the retry timer all change groups.
lock = threading.RLock()


def named(name: str) -> dict:
    group = autoscaling._asgs.get(name)
    if group is None:
        raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")
    return group


def of_instance(instance_id: str) -> tuple[dict, dict]:
    for group in autoscaling._asgs.values():
        for instance in group["Instances"]:
            if instance["InstanceId"] == instance_id:
                return group, instance
    raise invalid(f"Instance Id not found - No managed instance found for instance ID {instance_id}")


def subnets_by_zone(group: dict) -> dict[str, str]:
    """One subnet of each zone; without subnets the group's zones, with none."""
    ids = [each.strip() for each in group["VPCZoneIdentifier"].split(",") if each.strip()]
    if not ids:
        return dict.fromkeys(group["AvailabilityZones"], "")
    return {ec2._subnets[each]["AvailabilityZone"]: each for each in reversed(ids)}


def check(group: dict) -> None:
    """What AWS refuses when a group is made or changed; also derives the zones from the subnets."""
    ec2._ensure_defaults_initialized()
    for subnet in filter(None, map(str.strip, group["VPCZoneIdentifier"].split(","))):
        if subnet not in ec2._subnets:
            raise invalid(f"The subnet ID '{subnet}' does not exist")
    if group["MaxSize"] < group["MinSize"]:
        raise invalid(f"Max bound, {group['MaxSize']}, must be greater than or equal to min bound, {group['MinSize']}")
    launch.check(group)
    group["AvailabilityZones"] = sorted(subnets_by_zone(group))


def made(group: dict) -> None:
    """What follows after ministack stored a new group."""
    check(group)
    created = "a user request created an AutoScalingGroup changing the desired capacity from 0 to"
    settle(group, Cause(f"{created} {group['DesiredCapacity']}."))


def changed(group: dict, before: int) -> None:
    """What follows after ministack stored new properties of a group that desired `before`."""
    check(group)
    least, most = group["MinSize"], group["MaxSize"]
    group["DesiredCapacity"] = desired = max(least, min(group["DesiredCapacity"], most))
    limits = f"min: {least}, max: {most}, desired: {desired}"
    update = f"a user request update of AutoScalingGroup constraints to {limits}"
    settle(group, Cause(f"{update} changing the desired capacity from {before} to {desired}."))


def suspended(group: dict) -> set[str]:
    return set(group.setdefault("SuspendedProcesses", {}))


# Instances come and go

_PROTECTED = "Could not scale to desired capacity because all remaining instances are protected from scale-in."
_TAKEN_BACK = (
    "an instance was taken out of service in response to an EC2 health check indicating it has been terminated "
    "or stopped."
)


def set_desired(group: dict, desired: int, trigger: str) -> None:
    """`trigger` is who wanted it, as the activities will tell."""
    with lock:
        before, group["DesiredCapacity"] = group["DesiredCapacity"], desired
        settle(group, Cause(f"{trigger} changing the desired capacity from {before} to {desired}."))


def settle(group: dict, cause: Cause) -> None:
    """Brings the instances to the desired number, as far as the market, protection and suspensions let it."""
    with lock:
        if "Launch" not in suspended(group):
            _launch_missing(group, cause)
        if "Terminate" not in suspended(group):
            _terminate_surplus(group, cause)


def retry_unfilled() -> int:
    """What AWS does by itself every so often; answers how many instances came."""
    came = 0
    for (account, region, _), group in list(autoscaling._asgs._data.items()):
        with request_scope(account, region), lock:
            before = len(group["Instances"])
            settle(group, Cause())
            came += max(0, len(group["Instances"]) - before)
    return came


def _launch_missing(group: dict, cause: Cause) -> None:
    while len(group["Instances"]) < group["DesiredCapacity"]:
        if not _launch_in_some_zone(group, cause):
            return
    for activity in activities.waiting(group):
        activities.close(activity, "Cancelled")


def _launch_in_some_zone(group: dict, cause: Cause) -> bool:
    subnets = subnets_by_zone(group)
    held = Counter(instance["AvailabilityZone"] for instance in group["Instances"])
    definition = launch.of(group)
    for zone in sorted(subnets, key=lambda zone: (held[zone], zone)):
        refused = refusal(definition, zone)
        if refused is None:
            start_instance(group, definition, zone, subnets[zone], cause)
            return True
        _record_refusal(group, refused, zone, subnets[zone], cause)
    return False


def refusal(definition: launch.Definition, zone: str) -> Failure | None:
    if definition.market == SPOT and definition.max_price:
        price = prices.in_force(definition.instance_type, zone)
        if price and float(price.usd) > float(definition.max_price):
            return price_too_low(definition.max_price, price.usd)
    return capacity.refusal(definition.market, zone, _running(definition.market, zone), definition.instance_type)


def _running(market: str, zone: str) -> int:
    instances = (i for group in list(autoscaling._asgs._data.values()) for i in group["Instances"])
    return sum((i["Market"], i["AvailabilityZone"]) == (market, zone) for i in instances)


def start_instance(group: dict, definition: launch.Definition, zone: str, subnet: str, cause: Cause) -> dict:
    instances = group["Instances"]
    why = cause.launching(len(instances))
    instance = {
        "InstanceId": "i-" + new_uuid().replace("-", "")[:17],
        "InstanceType": definition.instance_type,
        "AvailabilityZone": zone,
        "LifecycleState": "InService",
        "HealthStatus": "Healthy",
        "LaunchConfigurationName": group.get("LaunchConfigurationName") or None,
        "LaunchTemplate": dict(group["LaunchTemplate"]) if group.get("LaunchTemplate") else None,
        "ProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
        "Market": definition.market,
    }
    instances.append(instance)
    for activity in activities.waiting(group, zone):
        activities.close(activity, "Successful")
    description = f"Launching a new EC2 instance: {instance['InstanceId']}"
    activity = activities.record(group, description, why, "Successful", zone=zone, subnet=subnet)
    events.launch(group, activity | {"EC2InstanceId": instance["InstanceId"]})
    return instance


def _record_refusal(group: dict, refused: Failure, zone: str, subnet: str, cause: Cause) -> None:
    why = cause.launching(len(group["Instances"]))
    if refused.kind == WAITING:
        if not activities.waiting(group, zone):
            where = {"zone": zone, "subnet": subnet}
            activities.record(group, "Launching a new EC2 instance", why, "WaitingForSpotInstanceId", **where)
        return
    description = f"Launching a new EC2 instance.  Status Reason: {refused.text}"
    activity = activities.record(group, description, why, "Failed", zone=zone, subnet=subnet, message=refused.text)
    events.launch(group, activity | {"EC2InstanceId": ""})


def _terminate_surplus(group: dict, cause: Cause) -> None:
    """From the zone with the most instances the oldest; never a protected one."""
    instances = group["Instances"]
    while len(instances) > group["DesiredCapacity"]:
        held = Counter(instance["AvailabilityZone"] for instance in instances)
        free = [instance for instance in instances if not instance["ProtectedFromScaleIn"]]
        if not free:
            if cause.trigger:
                activities.record(group, _PROTECTED, cause.alone(_PROTECTED), "Cancelled", message=_PROTECTED)
            return
        instance = max(free, key=lambda each: held[each["AvailabilityZone"]])  # of equals the first: the oldest
        terminate(group, instance, cause.terminating(len(instances), instance["InstanceId"]))


def terminate(group: dict, instance: dict, why: str) -> dict:
    group["Instances"].remove(instance)
    zone = instance["AvailabilityZone"]
    subnet = subnets_by_zone(group).get(zone, "")
    description = f"Terminating EC2 instance: {instance['InstanceId']}"
    return activities.record(group, description, why, "Successful", zone=zone, subnet=subnet)


def interrupt(instance_id: str, *, warn_only: bool) -> None:
    """AWS takes a Spot Instance back: a warning, then it is gone and the group tries to replace it."""
    for (account, region, _), group in list(autoscaling._asgs._data.items()):
        instance = next((each for each in group["Instances"] if each["InstanceId"] == instance_id), None)
        if instance is None:
            continue
        if instance["Market"] != SPOT:
            raise invalid(f"{instance_id} is not a Spot Instance")
        with request_scope(account, region):
            events.interruption_warning(instance_id)
            if not warn_only:
                with lock:
                    terminate(group, instance, Cause().alone(_TAKEN_BACK))
                    settle(group, Cause())
        return
    raise invalid(f"no group has an instance {instance_id}")
