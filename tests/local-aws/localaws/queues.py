"""The two metrics that SQS publishes each minute for a queue; ministack publishes none."""

from __future__ import annotations

import time

from ministack.services import cloudwatch, sqs

from localaws import alarms

NAMESPACE = "AWS/SQS"
METRICS = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
}


def find(name_or_url: str) -> dict:
    name = name_or_url.rstrip("/").rsplit("/", 1)[-1]
    url = sqs._queue_name_to_url.get(name)
    if url is None:
        raise LookupError(f"no queue named {name}")
    return sqs._queues[url]


def publish(queue: dict, minutes: int) -> dict[str, float]:
    """Publishes the depth as it is, as if it had been so for some minutes, and lets every alarm judge it."""
    sqs._refresh_counts(queue)
    depth = {metric: float(queue["attributes"][attribute]) for metric, attribute in METRICS.items()}
    dimensions = {"QueueName": queue["name"]}
    now = time.time()
    for metric, value in depth.items():
        points = cloudwatch._metric_bucket((NAMESPACE, metric, cloudwatch._dims_key(dimensions)))
        points[:] = [point for point in points if point["Timestamp"] < now - minutes * 60]
        points += [
            {"Timestamp": now - age * 60, "Value": value, "Unit": "Count", "Dimensions": dimensions}
            for age in reversed(range(minutes))
        ]
    for alarm in list(cloudwatch._alarms.values()):
        alarms.evaluate(alarm)
    return depth
