"""The world around a stack, for demos and tests: jobs, prices, capacity, interruptions.

As a class (`World(endpoint)`) or as a command (`world.py --endpoint URL groups`). What AWS has a call for
goes through boto3; what only AWS itself can do goes through the server's own calls under /_local/.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any


@cache
def _session() -> Any:
    """One for every world of this process, because it is the one that reads what boto3 knows of a service, and reads it once.
    Imported where it is needed: most commands need no more than the server's own calls."""
    import boto3

    return boto3.Session()


class World:
    def __init__(
        self,
        endpoint: str,
        region: str | None = None,
        access_key: str = "test",
        secret_key: str = "test",
        session_token: str | None = None,
    ):
        self.endpoint = endpoint.rstrip("/")
        self.region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        self._who = {
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret_key,
            "aws_session_token": session_token,
        }
        self._clients: dict[str, Any] = {}
        # No proxy of the environment may come between; SDKs would honour it for 127.0.0.1 too.
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def client(self, service: str) -> Any:
        """A client of boto3, the same one each time."""
        if service not in self._clients:
            from botocore.config import Config

            config = Config(region_name=self.region, proxies={}, retries={"total_max_attempts": 1})
            self._clients[service] = _session().client(service, endpoint_url=self.endpoint, config=config, **self._who)
        return self._clients[service]

    def _local(self, call: str, method: str = "POST", **body: Any) -> Any:
        data = json.dumps({"region": self.region, **body}).encode() if method != "GET" else None
        request = urllib.request.Request(f"{self.endpoint}/_local/{call}", data, method=method)
        try:
            with self._http.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from None

    # Jobs

    def queue_url(self, name_or_url: str) -> str:
        return name_or_url if "://" in name_or_url else self.client("sqs").get_queue_url(QueueName=name_or_url)["QueueUrl"]

    def send_job(self, queue: str, body: str = "job") -> str:
        return self.client("sqs").send_message(QueueUrl=self.queue_url(queue), MessageBody=body)["MessageId"]

    def receive_job(self, queue: str) -> dict | None:
        """The job is then in flight until it is finished or its visibility timeout is over."""
        return next(iter(self.client("sqs").receive_message(QueueUrl=self.queue_url(queue)).get("Messages", [])), None)

    def finish_job(self, queue: str, receipt: str) -> None:
        self.client("sqs").delete_message(QueueUrl=self.queue_url(queue), ReceiptHandle=receipt)

    def metrics(self, queue: str, minutes: int = 1) -> dict:
        """Publishes the queue's depth as if it had been so for some minutes; the alarms judge it at once."""
        return self._local("metrics", queue=queue, minutes=minutes)

    def set_alarm(self, name: str, state: str, reason: str = "set by hand") -> None:
        self.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)

    # Markets

    def price(
        self,
        instance_type: str,
        zone: str,
        usd: float | str,
        *,
        at: str | None = None,
        ago: float = 0,
        product: str = "Linux/UNIX",
    ) -> dict:
        """The Spot price of a pool from a moment on; by default from now."""
        at = at or (datetime.now(timezone.utc) - timedelta(seconds=ago)).isoformat()
        return self._local("prices", type=instance_type, zone=zone, usd=usd, at=at, product=product)

    def clear_prices(self) -> None:
        self._local("prices", "DELETE")

    def capacity(
        self, market: str, limit: int | str, *, zone: str | None = None, because: str = "insufficient"
    ) -> dict:
        """How many instances a market ("spot" or "on-demand") gives, in one zone or everywhere."""
        return self._local("capacity", market=market, zone=zone, limit=limit, because=because)

    def retry(self) -> int:
        """Unfilled groups try again; answers how many instances came."""
        return self._local("retry")["launched"]

    def interrupt(self, instance_id: str, *, warn_only: bool = False) -> None:
        self._local("interrupt", instance=instance_id, warn_only=warn_only)

    def launch_events(self, on: bool) -> None:
        self._local("launch-events", on=on)

    def tick(self) -> None:
        """Every schedule fires once, now."""
        self._local("tick")

    # What there is

    def group(self, name: str) -> dict:
        found = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        if not found:
            raise ValueError(f"no group named {name}")
        return found[0]

    def groups(self) -> list[dict]:
        pages = self.client("autoscaling").get_paginator("describe_auto_scaling_groups").paginate()
        return sorted(
            (group for page in pages for group in page["AutoScalingGroups"]), key=lambda g: g["AutoScalingGroupName"]
        )

    def market(self, group: dict) -> str:
        if name := group.get("LaunchConfigurationName"):
            found = self.client("autoscaling").describe_launch_configurations(LaunchConfigurationNames=[name])[
                "LaunchConfigurations"
            ]
            return "spot" if found and found[0].get("SpotPrice") else "on-demand"
        template = group["LaunchTemplate"]
        asked = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template["Version"]]}
        found = self.client("ec2").describe_launch_template_versions(**asked)["LaunchTemplateVersions"]
        return "spot" if found and "InstanceMarketOptions" in found[0]["LaunchTemplateData"] else "on-demand"

    def activities(self, group: str) -> list[dict]:
        pages = self.client("autoscaling").get_paginator("describe_scaling_activities").paginate(AutoScalingGroupName=group)
        return [activity for page in pages for activity in page["Activities"]]

    def invocations(self, function: str) -> tuple[int, list[str]]:
        """How often a function has run to its end, and what it logged, oldest first."""
        logging = self.client("lambda").get_function_configuration(FunctionName=function)["LoggingConfig"]
        logs = self.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=logging["LogGroup"])
            lines = [event["message"].rstrip("\n") for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            lines = []
        return sum(line.startswith("END RequestId: ") for line in lines), lines


# The command


def table(rows: list[tuple]) -> str:
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def group_rows(world: World) -> list[tuple]:
    rows: list[tuple] = [("group", "market", "desired", "instances")]
    for group in world.groups():
        zones = Counter(instance["AvailabilityZone"] for instance in group["Instances"])
        where = ", ".join(f"{count} in {zone}" for zone, count in sorted(zones.items())) or "none"
        rows.append((group["AutoScalingGroupName"], world.market(group), group["DesiredCapacity"], where))
    return rows


def activity_rows(world: World, group: str) -> list[tuple]:
    rows: list[tuple] = [("started", "status", "zone", "what")]
    for activity in world.activities(group):
        zone = json.loads(activity["Details"])["Availability Zone"]
        rows.append((f"{activity['StartTime']:%H:%M:%S}", activity["StatusCode"], zone, activity["Description"]))
    return rows


def show(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The world around a stack in a local AWS.")
    parser.add_argument("--endpoint", default=os.environ.get("AWS_ENDPOINT_URL"), help="default: AWS_ENDPOINT_URL")
    parser.add_argument("--region", help="default: AWS_REGION, AWS_DEFAULT_REGION, us-east-1")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, what: str, *positional: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what)
        for each in positional:
            added.add_argument(each)
        return added

    command("send-job", "put a job into a queue (name or URL)", "queue").add_argument("body", nargs="?", default="job")
    command("receive-job", "take a job, which is then in flight", "queue")
    command("finish-job", "delete a job by its receipt handle", "queue", "receipt")
    metrics = command("metrics", "publish the queue's depth and let the alarms judge it", "queue")
    metrics.add_argument("--minutes", type=int, default=1, help="for how long the depth has been so (default 1)")
    command("set-alarm", "SetAlarmState", "name").add_argument("state", choices=["ALARM", "OK", "INSUFFICIENT_DATA"])
    price = command("price", "the Spot price of a pool from now on, or from --at or --ago", "type", "zone", "usd")
    price.add_argument("--at", metavar="ISO")
    price.add_argument("--ago", type=float, default=0, metavar="SECONDS")
    price.add_argument("--product", default="Linux/UNIX")
    command("clear-prices", "forget all Spot prices")
    capacity = command("capacity", "how many instances a market gives (a number, or unlimited)", "limit")
    capacity.add_argument("--market", choices=["spot", "on-demand"], required=True)
    capacity.add_argument("--zone", help="default: every zone")
    capacity.add_argument(
        "--because", default="insufficient", metavar="KIND", help="what a refusal says (default: insufficient)"
    )
    command("retry", "unfilled groups try again")
    command("interrupt", "AWS takes a Spot Instance back", "instance").add_argument("--warn-only", action="store_true")
    command("launch-events", "deliver or lose the events about launches").add_argument("switch", choices=["on", "off"])
    command("tick", "every schedule fires once")
    command("groups", "all groups")
    command("group", "one group, as AWS describes it", "name")
    command("activities", "the scaling activities of a group, newest first", "group")
    command("invocations", "how often a function ran, and its log", "function")
    return parser


def main() -> int:
    arguments = parser().parse_args()
    if not arguments.endpoint:
        sys.exit("world.py: --endpoint or AWS_ENDPOINT_URL is needed")
    world = World(arguments.endpoint, arguments.region)
    try:
        run(world, arguments)
    except ValueError as error:
        sys.exit(f"world.py: {error}")
    return 0


def run(world: World, arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "send-job":
            print(world.send_job(arguments.queue, arguments.body))
        case "receive-job":
            job = world.receive_job(arguments.queue)
            print(table([("receipt", "body"), (job["ReceiptHandle"], job["Body"])]) if job else "no job")
        case "finish-job":
            world.finish_job(arguments.queue, arguments.receipt)
        case "metrics":
            depth = world.metrics(arguments.queue, arguments.minutes)
            print(table([(name, f"{value:g}") for name, value in depth.items()]))
        case "set-alarm":
            world.set_alarm(arguments.name, arguments.state)
        case "price":
            world.price(
                arguments.type,
                arguments.zone,
                arguments.usd,
                at=arguments.at,
                ago=arguments.ago,
                product=arguments.product,
            )
        case "clear-prices":
            world.clear_prices()
        case "capacity":
            world.capacity(arguments.market, arguments.limit, zone=arguments.zone, because=arguments.because)
        case "retry":
            print(f"{world.retry()} launched")
        case "interrupt":
            world.interrupt(arguments.instance, warn_only=arguments.warn_only)
        case "launch-events":
            world.launch_events(arguments.switch == "on")
        case "tick":
            world.tick()
        case "groups":
            print(table(group_rows(world)))
        case "group":
            show(world.group(arguments.name))
        case "activities":
            print(table(activity_rows(world, arguments.group)))
        case "invocations":
            count, lines = world.invocations(arguments.function)
            print("\n".join([f"invocations: {count}", *lines]))


if __name__ == "__main__":
    sys.exit(main())
