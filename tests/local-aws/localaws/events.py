"""AWS's own events on the default bus, and schedules that fire only when told to."""

from __future__ import annotations

import json

from ministack.services import eventbridge
from ministack.services import scheduler as eventbridge_scheduler

from localaws import settings


def put(source: str, detail_type: str, resources: list[str], detail: dict) -> None:
    """PutEvents refuses `aws.*` sources, as AWS does; these are what AWS itself sends."""
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    eventbridge._ensure_default_bus()
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def launch(group: dict, activity: dict) -> None:
    """`EC2 Instance Launch Successful` or `Unsuccessful`: best effort on AWS, so tests may lose them."""
    if not settings.current.launch_events:
        return
    failed = activity["StatusCode"] == "Failed"
    resources = [group["AutoScalingGroupARN"]]
    if not failed:
        resources.append(instance_arn(activity["EC2InstanceId"]))
    detail = {
        "StatusCode": "Failed" if failed else "InProgress",  # a successful launch really says so
        "Description": activity["Description"],
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "ActivityId": activity["ActivityId"],
        "Details": json.loads(activity["Details"]),
        "RequestId": activity["ActivityId"],
        "StatusMessage": activity.get("StatusMessage", ""),
        "EndTime": activity["EndTime"],
        "EC2InstanceId": activity["EC2InstanceId"],
        "StartTime": activity["StartTime"],
        "Cause": activity["Cause"],
    }
    put("aws.autoscaling", f"EC2 Instance Launch {'Unsuccessful' if failed else 'Successful'}", resources, detail)


def interruption_warning(instance_id: str) -> None:
    detail = {"instance-id": instance_id, "instance-action": "terminate"}
    put("aws.ec2", "EC2 Spot Instance Interruption Warning", [instance_arn(instance_id)], detail)


def instance_arn(instance_id: str) -> str:
    return f"arn:aws:ec2:{eventbridge.get_region()}:{eventbridge.get_account_id()}:instance/{instance_id}"


def tick() -> None:
    """Fires every enabled schedule once, now."""
    for account_and_region_and_rule, rule in list(eventbridge._rules._data.items()):
        if rule.get("ScheduleExpression"):
            eventbridge._rule_last_fired[account_and_region_and_rule] = 0
    eventbridge._tick_scheduled_rules()


def install() -> None:
    if not settings.current.ticks:
        eventbridge.start_scheduler = eventbridge_scheduler.start_scheduler = lambda: None
