"""CloudFormation: properties that ministack's resource types lose, and failures that they do not see."""

from __future__ import annotations

import time
from collections.abc import Callable

from ministack.core.responses import new_uuid
from ministack.services import autoscaling, iam, lambda_svc, s3
from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation import stacks as lifecycle

from localaws import groups, launch, settings
from localaws.query import Refused

Created = tuple[str, dict]


def handler_failure(service: str, message: str, code: str = "InvalidRequest") -> ValueError:
    """A resource handler's refusal, in the form that stack events show on AWS."""
    request, token = new_uuid(), new_uuid()
    return ValueError(
        f'Resource handler returned message: "{message} (Service: {service}, Status Code: 400, Request ID: {request})" '
        f"(RequestToken: {token}, HandlerErrorCode: {code})"
    )


def _as_handler_failure(service: str, refused: Refused) -> ValueError:
    return handler_failure(
        service, refused.message, "InvalidRequest" if refused.code == "ValidationError" else "GeneralServiceException"
    )


def _replace(resource_type: str, verb: str, function_name: str, new: Callable) -> None:
    """ministack calls its provisioners both through this table and, for replacements, by their names."""
    setattr(provisioners, function_name, new)
    provisioners._RESOURCE_HANDLERS[resource_type][verb] = new


# Groups: their subnets are checked, their instances launched.

_create_group, _update_group = provisioners._asg_create, provisioners._asg_update
_group_fields = provisioners._asg_fields


def _fields_of_group(properties: dict) -> dict:
    fields = _group_fields(properties)
    protected = str(properties.get("NewInstancesProtectedFromScaleIn", False)).lower() == "true"
    return fields | {"NewInstancesProtectedFromScaleIn": protected}


def _group_created(logical_id: str, properties: dict, stack: str) -> Created:
    created = _create_group(logical_id, properties, stack)
    try:
        groups.made(autoscaling._asgs[created[0]])
    except Refused as refused:
        provisioners._asg_delete(created[0], properties)
        raise _as_handler_failure("AutoScaling", refused) from refused
    return created


def _group_updated(physical_id: str, old: dict, new: dict, stack: str, logical_id: str | None = None) -> Created:
    before = dict(autoscaling._asgs.get(physical_id) or {})
    updated = _update_group(physical_id, old, new, stack, logical_id)
    if updated[0] != physical_id or not before:
        return updated
    group = autoscaling._asgs[physical_id]
    if "DesiredCapacity" not in new:  # as on AWS, the fleet stays
        group["DesiredCapacity"] = before["DesiredCapacity"]
    try:
        groups.changed(group, before["DesiredCapacity"])
    except Refused as refused:
        group.update(before)
        raise _as_handler_failure("AutoScaling", refused) from refused
    return updated


# Launch configurations keep everything.


def _configuration_created(logical_id: str, properties: dict, stack: str) -> Created:
    name = properties.get("LaunchConfigurationName") or provisioners._physical_name(stack, logical_id, max_len=255)
    monitoring = str(properties.get("InstanceMonitoring", True)).lower() == "true"
    renamed = {"InstanceMonitoring": {"Enabled": monitoring}, "RamdiskId": properties.get("RamDiskId")}
    try:
        launch.refuse_if_not_available()
    except Refused as refused:
        raise _as_handler_failure("AutoScaling", refused) from refused
    launch.keep_configuration(name, properties | renamed)
    return name, {}


# Alarms on metric math.

_alarm_record = provisioners._cw_metric_alarm_record


def _record_of_alarm(name: str, properties: dict) -> dict:
    metrics = properties.get("Metrics")
    if not metrics:
        return _alarm_record(name, properties)
    single = {"MetricName": "-", "Namespace": "-"}  # ministack insists on them
    record = _alarm_record(name, {k: v for k, v in properties.items() if k != "Metrics"} | single)
    for key in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
        record.pop(key)
    return record | {"Metrics": [_typed(metric) for metric in metrics]}


def _typed(metric: dict) -> dict:
    """Templates may hold numbers and booleans as strings."""
    typed = metric | {"ReturnData": str(metric.get("ReturnData", True)).lower() == "true"}
    if stat := metric.get("MetricStat"):
        typed["MetricStat"] = stat | {"Period": int(stat["Period"])}
    return typed


# Functions whose code is not there.

_create_function, _update_function = provisioners._lambda_create, provisioners._lambda_update


def _check_code(properties: dict) -> None:
    code = properties.get("Code") or {}
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if not (bucket and key) or lambda_svc._fetch_code_from_s3(bucket, key, version_id=code.get("S3ObjectVersion")):
        return
    reason, what = ("NoSuchKey", "key") if bucket in s3._buckets else ("NoSuchBucket", "bucket")
    message = f"S3 Error Code: {reason}. S3 Error Message: The specified {what} does not exist."
    raise handler_failure("Lambda", f"Error occurred while GetObject. {message}")


def _function_created(logical_id: str, properties: dict, stack: str) -> Created:
    _check_code(properties)
    return _create_function(logical_id, properties, stack)


def _function_updated(physical_id: str, old: dict, new: dict, stack: str, logical_id: str | None = None) -> Created:
    _check_code(new)
    return _update_function(physical_id, old, new, stack, logical_id)


# An instance profile is referred to by its name; ministack's Ref is its ARN.

_create_profile, _update_profile = provisioners._iam_ip_create, provisioners._iam_ip_update


def _named_profile(created: Created) -> Created:
    return created[0].rpartition("/")[2], created[1]


def _profile_created(logical_id: str, properties: dict, stack: str) -> Created:
    return _named_profile(_create_profile(logical_id, properties, stack))


def _profile_updated(name: str, old: dict, new: dict, stack: str, logical_id: str | None = None) -> Created:
    arn = (iam._instance_profiles.get(name) or {}).get("Arn", name)
    return _named_profile(_update_profile(arn, old, new, stack, logical_id))


def _profile_deleted(name_or_arn: str, properties: dict) -> None:
    iam._instance_profiles.pop(name_or_arn.rpartition("/")[2], None)


# Inline policies of their own; ministack knows AWS::IAM::Policy, which puts one document on several roles.


def _as_policy(properties: dict) -> dict:
    return {key: properties.get(key) for key in ("PolicyName", "PolicyDocument")} | {"Roles": [properties["RoleName"]]}


def _role_policy_created(logical_id: str, properties: dict, stack: str) -> Created:
    provisioners._iam_policy_create(logical_id, _as_policy(properties), stack)
    return f"{properties['PolicyName']}|{properties['RoleName']}", {}


def _role_policy_updated(physical_id: str, old: dict, new: dict, stack: str) -> Created:
    if physical_id != f"{new['PolicyName']}|{new['RoleName']}":
        return _role_policy_created("", new, stack)
    provisioners._iam_policy_update(physical_id, _as_policy(old), _as_policy(new), stack)
    return physical_id, {}


def _role_policy_deleted(physical_id: str, properties: dict) -> None:
    provisioners._iam_policy_delete(physical_id, _as_policy(properties))


# Time: ministack makes a whole stack at once, in one step of its event loop.


def _take_time(seconds: float) -> None:
    """Each resource takes a while, on a thread of its own, so that a deployment can be watched and cut short."""

    def slow(step: Callable) -> Callable:
        def slowly(*arguments):
            time.sleep(seconds)
            return step(*arguments)

        return slowly

    lifecycle._runs_on_worker_thread = lambda resource_type: True
    for step in ("_provision_resource", "_update_resource", "_delete_resource"):
        setattr(lifecycle, step, slow(getattr(lifecycle, step)))


def install() -> None:
    if settings.current.resource_seconds:
        _take_time(settings.current.resource_seconds)
    provisioners._RESOURCE_HANDLERS["AWS::IAM::RolePolicy"] = {
        "create": _role_policy_created,
        "update": _role_policy_updated,
        "delete": _role_policy_deleted,
    }
    provisioners._asg_fields = _fields_of_group
    provisioners._cw_metric_alarm_record = _record_of_alarm
    _replace("AWS::AutoScaling::AutoScalingGroup", "create", "_asg_create", _group_created)
    _replace("AWS::AutoScaling::AutoScalingGroup", "update", "_asg_update", _group_updated)
    _replace("AWS::AutoScaling::LaunchConfiguration", "create", "_asg_lc_create", _configuration_created)
    _replace("AWS::IAM::InstanceProfile", "create", "_iam_ip_create", _profile_created)
    _replace("AWS::IAM::InstanceProfile", "update", "_iam_ip_update", _profile_updated)
    _replace("AWS::IAM::InstanceProfile", "delete", "_iam_ip_delete", _profile_deleted)
    _replace("AWS::Lambda::Function", "create", "_lambda_create", _function_created)
    _replace("AWS::Lambda::Function", "update", "_lambda_update", _function_updated)
