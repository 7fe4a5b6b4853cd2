"""The scaling activities of a group; ministack records none."""

from __future__ import annotations

import json
from datetime import datetime

from ministack.core.responses import new_uuid
from ministack.services import autoscaling

from localaws import moment, query
from localaws.query import Request, invalid

CLOSED = ("Successful", "Failed", "Cancelled")
MESSAGE_LENGTH = 255
CAUSE_LENGTH = 1023


def record(
    group: dict, description: str, cause: str, status: str, *, zone: str = "", subnet: str = "", message: str = ""
) -> dict:
    """One more activity. `cause` is in AWS's form, see `Cause`; the newest is the first."""
    now = moment.to_milliseconds(moment.now())
    activity = {
        "ActivityId": new_uuid(),
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "AutoScalingGroupARN": group["AutoScalingGroupARN"],
        "Description": description,
        "Cause": cause[:CAUSE_LENGTH],
        "StartTime": now,
        "EndTime": now if status in CLOSED else None,
        "StatusCode": status,
        "StatusMessage": message[:MESSAGE_LENGTH] or None,
        "Progress": 100 if status in CLOSED else 30,
        "Details": json.dumps({"Subnet ID": subnet, "Availability Zone": zone}),
    }
    _of(group).insert(0, activity)
    return activity


def close(activity: dict, status: str) -> None:
    activity.update(StatusCode=status, EndTime=moment.to_milliseconds(moment.now()), Progress=100)


def waiting(group: dict, zone: str | None = None) -> list[dict]:
    """The open requests of a group, of one zone or of all."""
    return [
        activity
        for activity in _of(group)
        if activity["StatusCode"] not in CLOSED and zone in (None, json.loads(activity["Details"])["Availability Zone"])
    ]


class Cause:
    """Why an activity happens: what somebody did, then what the group did about it."""

    def __init__(self, trigger: str | None = None):
        self.trigger = trigger
        self.at = moment.to_seconds(moment.now())

    def launching(self, instances: int) -> str:
        return self._then(
            "an instance was started in response to a difference between desired and actual capacity, "
            f"increasing the capacity from {instances} to {instances + 1}."
        )

    def terminating(self, instances: int, instance_id: str) -> str:
        return (
            self._then(
                "an instance was taken out of service in response to a difference between desired and actual capacity, "
                f"shrinking the capacity from {instances} to {instances - 1}."
            )
            + f"  At {self._now()} instance {instance_id} was selected for termination."
        )

    def alone(self, sentence: str) -> str:
        return self._then(sentence)

    def _then(self, sentence: str) -> str:
        first = f"At {self.at} {self.trigger}  " if self.trigger else ""
        return f"{first}At {self._now()} {sentence}"

    @staticmethod
    def _now() -> str:
        return moment.to_seconds(moment.now())


def _of(group: dict) -> list[dict]:
    return group.setdefault("Activities", [])


def _describe(request: Request) -> dict:
    name = request.text("AutoScalingGroupName")
    if name and name not in autoscaling._asgs:
        raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")
    groups = [autoscaling._asgs[name]] if name else list(autoscaling._asgs.values())
    ids = request.list("ActivityIds")
    earliest, latest = _bounds(request)
    rows = [
        activity
        for group in groups
        for activity in _of(group)
        if (not ids or activity["ActivityId"] in ids) and earliest <= moment.parse(activity["StartTime"]) <= latest
    ]
    rows.sort(key=lambda activity: activity["StartTime"], reverse=True)
    rows.sort(key=lambda activity: activity["StatusCode"] in CLOSED)  # open ones come first
    shown, token = query.page(rows, request, default=100, most=100)
    hidden = ("EC2InstanceId",)
    return {"Activities": [{k: v for k, v in row.items() if k not in hidden} for row in shown], "NextToken": token}


def _bounds(request: Request) -> tuple[datetime, datetime]:
    earliest, latest = moment.parse("0001-01-01T00:00:00Z"), moment.parse("9999-12-31T00:00:00Z")
    for each in request.tree("Filters") or []:
        match each.get("Name"), (each.get("Values") or [""])[0]:
            case "StartTimeLowerBound", value:
                earliest = moment.parse(value)
            case "StartTimeUpperBound", value:
                latest = moment.parse(value)
    return earliest, latest


def install() -> None:
    query.answer_with({"DescribeScalingActivities": _describe})
