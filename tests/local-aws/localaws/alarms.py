"""CloudWatch alarms that judge as AWS does and act on scaling policies.

ministack looks at all values of a metric's name, whatever the dimensions, ignores periods and missing
data, knows no metric math in alarms, and runs SNS actions only.
"""

from __future__ import annotations

import json
import time

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import cloudwatch, sns

from localaws import metric_math, moment, scaling
from localaws.query import Refused

ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}

_COMPARISONS = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


# Judging


def evaluate(alarm: dict) -> None:
    """One evaluation, which AWS does every minute."""
    values = [_value(alarm, age) for age in range(int(alarm.get("EvaluationPeriods") or 1))]
    state = judge(alarm, values)
    if state is None:
        return
    latest = next((value for value in values if value is not None), float(alarm["Threshold"]))
    before = alarm["StateValue"]
    if state != before:
        reason = _reason(alarm, state, values)
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
        act(alarm, before, state, reason, latest)
        cloudwatch._evaluate_parent_alarms(alarm)
    elif state == "ALARM":
        # Alone of all actions, scaling policies run again at each evaluation while the alarm lasts.
        _run_policies(alarm, state, latest)


def judge(alarm: dict, values: list[float | None]) -> str | None:
    """The state for the values of the latest periods, newest first; None keeps the one it has."""
    compare, threshold = _COMPARISONS[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    needed = int(alarm.get("DatapointsToAlarm") or len(values))
    present = [value for value in values if value is not None]
    missing = len(values) - len(present)
    breaching = sum(compare(value, threshold) for value in present)
    match alarm.get("TreatMissingData") or "missing":
        case "breaching":
            return "ALARM" if breaching + missing >= needed else "OK"
        case "notBreaching":
            return "ALARM" if breaching >= needed else "OK"
        case "ignore" if missing:
            return "ALARM" if breaching >= needed else None
        case _ if not present:
            return "INSUFFICIENT_DATA"
        case _:
            return "ALARM" if breaching and breaching + missing >= needed else "OK"


def _value(alarm: dict, age: int) -> float | None:
    """What the alarm watches, `age` periods ago."""
    if not alarm.get("Metrics"):
        return _statistic(alarm, alarm.get("ExtendedStatistic") or alarm["Statistic"], int(alarm["Period"]), age)
    by_id = {metric["Id"]: metric for metric in alarm["Metrics"]}
    watched = next(metric for metric in alarm["Metrics"] if metric.get("ReturnData", True))
    return _value_of(watched, by_id, age)


def _value_of(query: dict, by_id: dict[str, dict], age: int) -> float | None:
    if expression := query.get("Expression"):
        values = {name: _value_of(by_id[name], by_id, age) for name in metric_math.names(expression)}
        return metric_math.evaluate(expression, values)
    stat = query["MetricStat"]
    return _statistic(stat["Metric"], stat["Stat"], int(stat["Period"]), age)


def _statistic(metric: dict, statistic: str, period: int, age: int) -> float | None:
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    points = cloudwatch._metrics.get((metric.get("Namespace"), metric.get("MetricName"), dimensions)) or []
    end = time.time() - age * period
    points = [point for point in points if end - period < point["Timestamp"] <= end]
    return cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points) if points else None


def _reason(alarm: dict, state: str, values: list[float | None]) -> str:
    present = [value for value in values if value is not None]
    if not present:
        return f"Insufficient Data: {len(values)} datapoints were unknown."
    count = f"{len(present)} datapoint{'s' if len(present) > 1 else ''}"
    negation = "" if state == "ALARM" else "not "
    was = "were" if len(present) > 1 else "was"
    word = _WORDS[alarm["ComparisonOperator"]]
    return f"Threshold Crossed: {count} {present} {was} {negation}{word} the threshold ({float(alarm['Threshold'])})."


# Acting


def act(alarm: dict, before: str, state: str, reason: str, value: float) -> None:
    _notify(alarm, before, state, reason)
    _run_policies(alarm, state, value)


def _actions(alarm: dict, state: str) -> list[str]:
    return (alarm.get(ACTIONS[state]) or []) if alarm.get("ActionsEnabled", True) else []


def _run_policies(alarm: dict, state: str, value: float) -> None:
    for arn in _actions(alarm, state):
        if ":autoscaling:" in arn and ":scalingPolicy:" in arn:
            try:
                scaling.run_for_alarm(scaling.find_policy(arn), alarm["AlarmName"], value, float(alarm["Threshold"]))
            except Refused as refused:
                cloudwatch.logger.warning("alarm %s: %s", alarm["AlarmName"], refused.message)


def _notify(alarm: dict, before: str, state: str, reason: str) -> None:
    topics = [arn for arn in _actions(alarm, state) if cloudwatch._is_sns_action_arn(arn)]
    if not topics:
        return
    now = moment.now()
    message = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": get_account_id(),
        "AlarmConfigurationUpdatedTimestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
        "Region": get_region(),  # on AWS a display name, such as «EU (Ireland)»
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": before,
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
        "Trigger": _trigger(alarm),
    }
    subject = f'{state}: "{alarm["AlarmName"]}" in {get_region()}'[:100]
    for topic in topics:
        sns._fanout(topic, new_uuid(), json.dumps(message), subject)


def _trigger(alarm: dict) -> dict:
    judged = {
        "Period": int(alarm.get("Period") or 60),
        "EvaluationPeriods": alarm.get("EvaluationPeriods", 1),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": "",
    }
    if alarm.get("Metrics"):
        return judged | {"Metrics": alarm["Metrics"]}
    return judged | {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "Statistic",
        "Statistic": alarm["Statistic"].upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": each["Value"], "name": each["Name"]} for each in alarm.get("Dimensions") or []],
    }


def _act_as_told(alarm: dict, before: str, state: str, reason: str) -> None:
    """SetAlarmState: the value comes with the call, else the threshold itself stands for it."""
    try:
        value = float(json.loads(alarm.get("StateReasonData") or "{}")["recentDatapoints"][-1])
    except (KeyError, IndexError, TypeError, ValueError):
        value = float(alarm.get("Threshold") or 0)
    alarm.pop("StateReasonData", None)
    act(alarm, before, state, reason, value)


def _evaluate_if_fed(alarm: dict) -> None:
    """At its creation and at PutMetricData, where an alarm whose metrics never had data stays as it is."""
    metrics = alarm.get("Metrics") or [alarm]
    if any(cloudwatch._metrics.get(key) for key in map(_key, metrics) if key):
        evaluate(alarm)


def _key(metric: dict) -> tuple | None:
    metric = (metric.get("MetricStat") or {}).get("Metric") or metric
    if "MetricName" not in metric:
        return None
    return (
        metric["Namespace"],
        metric["MetricName"],
        cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or [])),
    )


def install() -> None:
    cloudwatch._evaluate_alarm = _evaluate_if_fed
    cloudwatch._dispatch_alarm_actions = _act_as_told
