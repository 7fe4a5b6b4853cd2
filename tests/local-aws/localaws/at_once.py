"""LaunchInstances: instances in one zone, now or not at all. AWS's user guide, «Launch instances synchronously».

What is not documented is taken as it is hardest for the caller: a launch that fails leaves no activity behind, and a token
that was answered once is answered the same for ever.
"""

from __future__ import annotations

from localaws import groups, launch, query
from localaws.activities import Cause
from localaws.failures import END, Failure
from localaws.query import Refused, Request, invalid

MOST = 100

#: What each token asked for, and was answered.
_answers: dict[str, tuple[tuple, dict]] = {}


def _launch(request: Request) -> dict:
    name, token = request.required("AutoScalingGroupName"), request.required("ClientToken")
    count, zone = int(request.required("RequestedCapacity")), _zone(request, groups.named(name))
    asked = (name, count, zone)
    with groups.lock:
        if token in _answers:
            before, answer = _answers[token]
            if before != asked:
                raise Refused("IdempotentParameterMismatch", f"The token {token} was used for another request")
            return answer
        answer = _launched(groups.named(name), zone, count) | {"AutoScalingGroupName": name, "ClientToken": token}
        _answers[token] = (asked, answer)
        return answer


def _zone(request: Request, group: dict) -> str:
    zones = request.list("AvailabilityZones")
    if len(zones) != 1 and len(group["AvailabilityZones"]) > 1:
        raise invalid("Exactly one Availability Zone must be specified for a group with several")
    zone = (zones or group["AvailabilityZones"])[0]
    if zone not in group["AvailabilityZones"]:
        raise invalid(f"The Availability Zone {zone} is not one of the group's")
    return zone


def _launched(group: dict, zone: str, count: int) -> dict:
    if group.get("LaunchConfigurationName"):
        raise invalid("LaunchInstances is not supported for groups that use a launch configuration")
    if "Launch" in groups.suspended(group):
        raise invalid("The process Launch of the group is suspended")
    if group["DesiredCapacity"] + count > group["MaxSize"]:
        raise invalid(f"RequestedCapacity {count} would exceed the maximum of {group['MaxSize']}")
    definition, subnet = launch.of(group), groups.subnets_by_zone(group)[zone]
    about = {
        "InstanceType": definition.instance_type,
        "MarketType": definition.market,
        "SubnetId": subnet,
        "AvailabilityZone": zone,
    }
    ids, refused = [], None
    for _ in range(min(count, MOST)):
        if refused := groups.refusal(definition, zone):
            break
        # Before the instance: a group must never have more than it desires.
        group["DesiredCapacity"] += 1
        cause = Cause("a user request launched instances synchronously.")
        ids.append(groups.start_instance(group, definition, zone, subnet, cause)["InstanceId"])
    instances = [about | {"InstanceIds": ids}] if ids else []
    return {"Instances": instances, "Errors": [about | _error(refused)] if refused else []}


def _error(refused: Failure) -> dict:
    """`ErrorCode` and `ErrorMessage` as a fleet has them, from the text of an activity."""
    text = refused.text.removesuffix(END)
    for market in ("Spot", "On-Demand"):
        text = text.removeprefix(f"Could not launch {market} Instances. ")
    code, found, message = text.partition(" - ")
    if found and " " not in code:
        return {"ErrorCode": code, "ErrorMessage": message}
    known = {"insufficient": "InsufficientInstanceCapacity", "price": "SpotMaxPriceTooLow"}
    return {"ErrorCode": known.get(refused.kind, "InvalidFleetConfiguration"), "ErrorMessage": text}


def install() -> None:
    query.answer_with({"LaunchInstances": _launch})
