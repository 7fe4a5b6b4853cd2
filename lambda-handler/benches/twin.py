"""What the SpotManager asks and does, in Python with boto3: the same calls, with a decision of a few lines.

It is here to be measured, and decides far less: nothing is held, reverted, repaired or read twice.
"""

from __future__ import annotations

import sys

sys.path[:] = sys.argv[1:]

import http.client
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config

ENV = os.environ
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=3, proxies={})
SESSION = boto3.Session()
AUTO_SCALING, EC2, SQS = (SESSION.client(name, config=CONFIG) for name in ("autoscaling", "ec2", "sqs"))
POOL = ThreadPoolExecutor(3)
SPOT, ON_DEMAND = ENV["SPOT_GROUP"], ENV["ON_DEMAND_GROUP"]
LIMIT = float(ENV["MAX_PRICE"]) * 0.85


def together(*questions):
    return [future.result() for future in [POOL.submit(question) for question in questions]]


def handle(_event: dict) -> dict:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    depth, groups = together(
        lambda: SQS.get_queue_attributes(QueueUrl=ENV["QUEUE_URL"], AttributeNames=names)["Attributes"],
        lambda: AUTO_SCALING.describe_auto_scaling_groups(AutoScalingGroupNames=[SPOT, ON_DEMAND])["AutoScalingGroups"],
    )
    groups = {group["AutoScalingGroupName"]: group for group in groups}
    now = datetime.now(timezone.utc)
    spot_tried, _, prices = together(
        lambda: AUTO_SCALING.describe_scaling_activities(AutoScalingGroupName=SPOT, MaxRecords=100)["Activities"],
        lambda: AUTO_SCALING.describe_scaling_activities(AutoScalingGroupName=ON_DEMAND, MaxRecords=100)["Activities"],
        lambda: EC2.describe_spot_price_history(
            InstanceTypes=[ENV["INSTANCE_TYPE"]],
            ProductDescriptions=[ENV["PRODUCT"]],
            StartTime=now - timedelta(hours=1),
            EndTime=now,
            MaxResults=1000,
        )["SpotPriceHistory"],
    )
    need = min(int(ENV["MAX"]), sum(int(depth[name]) for name in names))
    live = sum(len(group.get("Instances", [])) for group in groups.values())
    cheap = any(float(price["SpotPrice"]) <= LIMIT for price in prices)
    refused = any(activity["StatusCode"] == "Failed" for activity in spot_tried)
    group = SPOT if cheap and not refused else ON_DEMAND
    if need > live:
        if group == ON_DEMAND:
            AUTO_SCALING.set_desired_capacity(AutoScalingGroupName=SPOT, DesiredCapacity=0)
        policy = ENV["SPOT_SCALE_UP" if group == SPOT else "ON_DEMAND_SCALE_UP"]
        AUTO_SCALING.execute_policy(
            AutoScalingGroupName=group, PolicyName=policy, MetricValue=float(need), BreachThreshold=1.0
        )
    record = {"need": need, "live": live, "group": group}
    print(json.dumps(record), flush=True)
    return record


def main() -> None:
    runtime = http.client.HTTPConnection(ENV["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", "/2018-06-01/runtime/invocation/next")
        answer = runtime.getresponse()
        number, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(answer.read())
        body = json.dumps(handle(event))
        runtime.request("POST", f"/2018-06-01/runtime/invocation/{number}/response", body)
        runtime.getresponse().read()


main()
