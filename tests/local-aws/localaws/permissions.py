"""What IAM policies are checked against: the resource and the condition keys of a call, where ministack is off.

With `--auth`, scaling calls are checked against the group's own ARN, also when the call names only a
policy or an instance; log calls against the log stream, so that `log-group:NAME:*` matches.
"""

from __future__ import annotations

import json

from ministack.core import iam_actions, iam_evaluator
from ministack.services import autoscaling

from localaws import groups
from localaws.query import Refused

_resource_arn, _enforce = iam_actions.extract_resource_arn, iam_evaluator.enforce


def _resource(
    service: str, method: str, path: str, headers: dict, body: bytes, params: dict, region: str, account: str
) -> str:
    if service == "autoscaling":
        return _group_arn(params)
    if service == "logs":
        return _log_stream_arn(body, region, account) or "*"
    return _resource_arn(service, method, path, headers, body, params, region, account)


def _group_arn(params: dict) -> str:
    """AWS has no resource for Describe calls; a group that does not exist has an ARN that a policy may still name."""
    if autoscaling._p(params, "Action").startswith("Describe"):
        return "*"
    name = autoscaling._p(params, "AutoScalingGroupName") or _group_named_by(params)
    if not name:
        return "*"
    if name in autoscaling._asgs:
        return autoscaling._asgs[name]["AutoScalingGroupARN"]
    return autoscaling._asg_arn(name)


def _group_named_by(params: dict) -> str:
    """The group in a scaling policy's ARN, or the one that an instance belongs to."""
    _, found, rest = autoscaling._p(params, "PolicyName").partition(":autoScalingGroupName/")
    if found:
        return rest.partition(":policyName/")[0]
    try:
        return groups.of_instance(autoscaling._p(params, "InstanceId"))[0]["AutoScalingGroupName"]
    except Refused:
        return ""


def _log_stream_arn(body: bytes, region: str, account: str) -> str | None:
    try:
        call = json.loads(body or b"{}")
    except ValueError:
        return None
    if arn := call.get("resourceArn") or call.get("logGroupIdentifier"):
        return arn
    if name := call.get("logGroupName"):
        return f"arn:aws:logs:{region}:{account}:log-group:{name}:log-stream:{call.get('logStreamName', '')}"
    return None


def _check(
    access_key: str,
    action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict | None = None,
):
    """Adds the condition keys `ec2:Region` and, for groups, their tags."""
    context = dict(service_context or {})
    if service == "ec2":
        context["ec2:region"] = region
    if service == "autoscaling":
        name = resource_arn.rpartition(":autoScalingGroupName/")[2]
        for tag in (autoscaling._asgs.get(name) or {}).get("Tags", []):
            for prefix in ("autoscaling:resourcetag/", "aws:resourcetag/"):
                context[prefix + tag["Key"].lower()] = tag["Value"]
    return _enforce(access_key, action, service, region, resource_arn=resource_arn, service_context=context)


def install() -> None:
    iam_actions.extract_resource_arn = _resource
    iam_evaluator.enforce = _check
