"""Changing a group's desired capacity: ExecutePolicy, SetDesiredCapacity, and alarms that run policies.

ministack stores policies and cannot execute them.
"""

from __future__ import annotations

import math
import time

from ministack.core.responses import new_uuid
from ministack.services import autoscaling

from localaws import groups, query
from localaws.query import Refused, Request, invalid


def find_policy(name_or_arn: str, group_name: str = "") -> dict:
    """By ARN, whose group must be the named one if one is named, or by name within a group."""
    for policy in autoscaling._policies.values():
        known_as = (policy["PolicyARN"], policy["PolicyName"]) if group_name else (policy["PolicyARN"],)
        if name_or_arn in known_as and group_name in ("", policy["AutoScalingGroupName"]):
            return policy
    raise invalid(f"PolicyName not found - Policy {name_or_arn} not found")


def run_for_alarm(policy: dict, alarm: str, value: float, threshold: float) -> None:
    """What a CloudWatch alarm does with a policy; a value outside every step is an error in its history."""
    group = groups.named(policy["AutoScalingGroupName"])
    if "AlarmNotification" not in groups.suspended(group):
        _run(
            policy, f"a monitor alarm {alarm} in state ALARM triggered policy {policy['PolicyName']}", value, threshold
        )


def _execute(request: Request) -> None:
    group_name = request.text("AutoScalingGroupName")
    if group_name:
        groups.named(group_name)
    policy = find_policy(request.required("PolicyName"), group_name)
    value, threshold = request.number("MetricValue"), request.number("BreachThreshold")
    if policy["PolicyType"] == "StepScaling" and (value is None or threshold is None):
        raise invalid("MetricValue and BreachThreshold are required when executing a policy of type StepScaling")
    if policy["PolicyType"] != "StepScaling" and (value is not None or threshold is not None):
        raise invalid(f"MetricValue and BreachThreshold are not supported for policies of type {policy['PolicyType']}")
    with groups.lock:
        if request.flag("HonorCooldown") and policy["PolicyType"] == "SimpleScaling":
            group = groups.named(policy["AutoScalingGroupName"])
            _refuse_while_cooling(group, policy.get("Cooldown") or group["DefaultCooldown"])
        _run(policy, f"a user request executed policy {policy['PolicyName']}", value, threshold)


def _run(policy: dict, trigger: str, value: float | None, threshold: float | None) -> None:
    with groups.lock:
        group = groups.named(policy["AutoScalingGroupName"])
        if policy["PolicyType"] == "StepScaling":
            adjustment = _step(policy, value, threshold)
        elif policy["PolicyType"] == "SimpleScaling":
            adjustment = policy["ScalingAdjustment"]
        else:
            raise invalid(f"Policies of type {policy['PolicyType']} cannot be executed")
        wanted = _adjusted(group["DesiredCapacity"], adjustment, policy)
        _scale(group, max(group["MinSize"], min(wanted, group["MaxSize"])), trigger)


def _step(policy: dict, value: float, threshold: float) -> int:
    """The step for this distance from the threshold: above it a lower bound belongs to its step, below it an upper."""
    distance = value - threshold
    steps = policy.get("StepAdjustments", [])
    uppers = [step.get("MetricIntervalUpperBound") for step in steps]
    if None not in uppers and any(float(upper) > 0 for upper in uppers):
        # AWS says so when the policy is put.
        raise invalid(
            "There must be a StepAdjustment with an unspecified upper bound (i.e., upper bound is null) "
            "when one StepAdjustment has a positive upper bound"
        )
    for step in steps:
        lower = float(step.get("MetricIntervalLowerBound", -math.inf))
        upper = float(step.get("MetricIntervalUpperBound", math.inf))
        if (distance >= 0 and lower <= distance < upper) or (distance <= 0 and lower < distance <= upper):
            return int(step["ScalingAdjustment"])
    raise invalid(f"No step adjustment found for metric value [{value}] and breach threshold {threshold}")


def _adjusted(current: int, adjustment: int, policy: dict) -> int:
    match policy["AdjustmentType"]:
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            return current + _percentage(current * adjustment / 100, int(policy.get("MinAdjustmentMagnitude") or 0))
        case _:
            return current + adjustment


def _percentage(change: float, least: int) -> int:
    """Rounded towards zero, but never to nothing, and at least the policy's magnitude."""
    if change == 0:
        return 0
    magnitude = max(1, math.floor(abs(change)), least)
    return magnitude if change > 0 else -magnitude


def _set_desired(request: Request) -> None:
    group = groups.named(request.required("AutoScalingGroupName"))
    desired = int(request.required("DesiredCapacity"))
    with groups.lock:
        if request.flag("HonorCooldown"):
            _refuse_while_cooling(group, group["DefaultCooldown"])
        for beyond, limit, word in (
            (desired > group["MaxSize"], "MaxSize", "above max"),
            (desired < group["MinSize"], "MinSize", "below min"),
        ):
            if beyond:
                raise invalid(
                    f"New SetDesiredCapacity value {desired} is {word} value {group[limit]} for the AutoScalingGroup."
                )
        _scale(group, desired, "a user request explicitly set group desired capacity")


def _scale(group: dict, desired: int, trigger: str) -> None:
    if desired != group["DesiredCapacity"]:
        group["LastScaled"] = {"Id": new_uuid(), "At": time.monotonic()}
        groups.set_desired(group, desired, trigger)


def _refuse_while_cooling(group: dict, cooldown: int) -> None:
    last = group.get("LastScaled")
    if last and time.monotonic() - last["At"] < int(cooldown):
        raise Refused(
            "ScalingActivityInProgress", f"Scaling activity {last['Id']} is in progress and blocks this action"
        )


def install() -> None:
    query.answer_with({"ExecutePolicy": _execute, "SetDesiredCapacity": _set_desired})
