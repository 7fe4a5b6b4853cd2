"""A user's project folder, the binary run in it, and a deployed pair."""

from __future__ import annotations

import contextlib
import copy
import fcntl
import itertools
import json
import os
import pty
import re
import socket
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

import yaml
from world import World

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SPOTSTACK") or REPOSITORY / "target/debug/spotstack").resolve()

REGION = "eu-west-1"
ZONES = [f"{REGION}a", f"{REGION}b"]
SUBNETS = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]
INSTANCE_TYPE = "g5.2xlarge"

#: USD an hour. The spec's max price is 0.55, less a headroom of 15 %: up to 0.4675 Spot is worth it.
CHEAP, DEAR, ABOVE_THE_BID = 0.30, 0.50, 0.60

SPEC = {
    "stack": "media-workers",
    "region": REGION,
    "tags": {"team": "media"},
    "network": {"subnets": SUBNETS, "security_groups": ["sg-0a1b2c3d4e5f60001"]},
    "pairs": {
        "gpu": {
            "queue": {"name": "render-jobs"},
            "launch": {"instance_type": INSTANCE_TYPE, "image": "ami-0123456789abcdef0"},
            "spot": {"max_price": 0.55},
            "workers": {"max": 2},
        }
    },
}

SECONDS = 20

T = TypeVar("T")


def eventually(what: Callable[[], T], good: Callable[[T], object] = bool, seconds: float = SECONDS) -> T:
    """What is asked again and again until it is good: the one way in which these tests wait."""
    deadline = time.monotonic() + seconds
    while not good(value := what()):
        assert time.monotonic() < deadline, f"still {value}"
        time.sleep(0.03)
    return value


def prices(world: World, everywhere: float | None = None, **zones: float) -> None:
    """The Spot price for the last two hours: `prices(world, 0.3)`, or by the zone's letter, `prices(world, a=0.3)`."""
    world.clear_prices()
    usd = zones if everywhere is None else dict.fromkeys("ab", everywhere)
    for letter, price in usd.items():
        world.price(INSTANCE_TYPE, f"{REGION}{letter}", price, ago=7200)


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    def ok(self) -> Ran:
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self

    def failed(self, *words: str) -> Ran:
        """One, and one that says these words, wherever its lines are broken."""
        assert self.code == 1, f"exit {self.code}\n{self.out}\n{self.err}"
        said = self.said
        for word in words:
            assert word in said, f"«{word}» is not in:\n{self.err}"
        return self

    @property
    def said(self) -> str:
        """Standard error as one line, without the frames that reports are drawn with."""
        return " ".join(self.err.translate(dict.fromkeys(map(ord, "│╰╭─▶├×·"), " ")).split())


class Listener:
    """An endpoint that answers nobody, and notices whether it was called."""

    def __enter__(self) -> Listener:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        return self

    def calls(self) -> int:
        """How many connections were made since the last time."""
        for count in itertools.count():
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return count
        raise AssertionError

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class Project:
    """A folder with a spec, and the binary run in it."""

    def __init__(self, folder: Path, world: World):
        folder.mkdir(parents=True)
        self.folder, self.world = folder, world
        self.spec = copy.deepcopy(SPEC)
        self.write()

    def write(self, **changes: dict) -> None:
        """Writes the spec, its pair changed key by key: `write(spot={"max_price": 0.7})`."""
        pair = self.spec["pairs"]["gpu"]
        for part, values in changes.items():
            pair[part] = pair.get(part, {}) | values
        (self.folder / "spotstack.yaml").write_text(yaml.safe_dump(self.spec, sort_keys=False))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *words: str, endpoint: str | None = None, environment: dict[str, str] | None = None) -> Ran:
        """Runs a command against the local AWS, as a pipeline would: without a terminal."""
        command = [str(BINARY), *words, "--endpoint-url", endpoint or self.world.endpoint]
        environment = self.environment if environment is None else environment
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def answer(self, line: str, *words: str, endpoint: str | None = None) -> Ran:
        """Runs a command on a terminal and types this line; all that it says is in `err`."""
        ours, theirs = pty.openpty()
        command = [str(BINARY), *words, "--endpoint-url", endpoint or self.world.endpoint]
        running = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment | {"TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        os.write(ours, f"{line}\n".encode())
        said = b""
        # The end of what is said is an error on Linux.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 4096):
                said += piece
        os.close(ours)
        return Ran(running.wait(60), "", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", said.decode()))

    def press_ctrl_c(self, line: str, *words: str) -> Ran:
        """Runs a command on a terminal, presses Ctrl-C once CloudFormation is at work, and types this line."""
        ours, theirs = pty.openpty()
        running = subprocess.Popen(
            [str(BINARY), *words, "--endpoint-url", self.world.endpoint],
            cwd=self.folder,
            env=self.environment | {"TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        eventually(lambda: (self.stack or {}).get("StackStatus", "").endswith("_IN_PROGRESS"))
        time.sleep(0.5)
        os.write(ours, b"\x03")
        time.sleep(0.5)
        os.write(ours, f"{line}\n".encode())
        said = b""
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 4096):
                said += piece
        os.close(ours)
        return Ran(running.wait(60), "", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", said.decode()))

    def deploy(self, *words: str) -> Ran:
        return self.run("deploy", "--yes", *words).ok()

    def pair(self, name: str = "gpu") -> Pair:
        return Pair(self.world, self.spec["stack"], name)

    @property
    def stack(self) -> dict | None:
        """The stack as CloudFormation describes it."""
        return stack(self.world, self.spec["stack"])

    def leftovers(self) -> list[str]:
        """All that a stack makes and that is there."""
        client = self.world.client
        return [
            *(group["AutoScalingGroupName"] for group in self.world.groups()),
            *(each["FunctionName"] for each in client("lambda").list_functions()["Functions"]),
            *(each["AlarmName"] for each in client("cloudwatch").describe_alarms()["MetricAlarms"]),
            *(each["TopicArn"] for each in client("sns").list_topics()["Topics"]),
            *client("sqs").list_queues().get("QueueUrls", []),
            *(each["Name"] for each in client("events").list_rules()["Rules"]),
            *(
                each["RoleName"]
                for each in client("iam").list_roles()["Roles"]
                if self.spec["stack"] in each["RoleName"]
            ),
            *(each["logGroupName"] for each in client("logs").describe_log_groups()["logGroups"]),
            *(each["LaunchTemplateName"] for each in client("ec2").describe_launch_templates()["LaunchTemplates"]),
            *(
                each["LaunchConfigurationName"]
                for each in client("autoscaling").describe_launch_configurations()["LaunchConfigurations"]
            ),
        ]


def stack(world: World, name: str) -> dict | None:
    """A stack as CloudFormation describes it."""
    cloudformation = world.client("cloudformation")
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        assert "does not exist" in str(error), error
        return None


class Fleet(NamedTuple):
    """Instances of both groups."""

    spot: int
    on_demand: int


class Pair:
    """A deployed pair, by its resources' names in AWS."""

    def __init__(self, world: World, stack: str, name: str):
        self.world, self.name = world, name
        listed = world.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        own = name.capitalize()
        self.ids = {
            each["LogicalResourceId"].removeprefix(own): each["PhysicalResourceId"]
            for each in listed
            if each["LogicalResourceId"].startswith(own)
        }

    @cached_property
    def environment(self) -> dict[str, str]:
        """The function's own variables."""
        found = self.world.client("lambda").get_function_configuration(FunctionName=self.ids["SpotManager"])
        return found["Environment"]["Variables"]

    @property
    def queue(self) -> str:
        return self.environment["QUEUE_URL"].rpartition("/")[2]

    # What there is

    def groups(self) -> tuple[dict, dict]:
        return self.world.group(self.ids["SpotGroup"]), self.world.group(self.ids["OnDemandGroup"])

    def desired(self) -> Fleet:
        """What the groups ask for."""
        return Fleet(*(group["DesiredCapacity"] for group in self.groups()))

    def instances(self) -> Fleet:
        """What the groups have."""
        return Fleet(*(len(group["Instances"]) for group in self.groups()))

    def zones(self) -> list[str]:
        """Where instances run."""
        return sorted(each["AvailabilityZone"] for group in self.groups() for each in group["Instances"])

    def becomes(self, *, spot: int, on_demand: int) -> None:
        """Both groups ask for this and have it, and the SpotManager has nothing more to do."""
        wanted = Fleet(spot, on_demand)

        def seen() -> tuple:
            return self.desired(), self.instances(), self.explain()["decision"]["actions"]

        eventually(seen, lambda found: found == (wanted, wanted, []))
        eventually(self.log, lambda lines: _count(lines, "START ") == _count(lines, "END "))
        assert seen() == (wanted, wanted, [])

    def launches(self, market: str) -> list[str]:
        """How each launch of a market's group ended, oldest first."""
        found = self.world.activities(self.ids[f"{market}Group"])
        return [each["StatusCode"] for each in reversed(found) if each["Description"].startswith("Launching")]

    # What happens

    def send(self, jobs: int = 1) -> None:
        """Jobs arrive; nobody is told."""
        for _ in range(jobs):
            self.world.send_job(self.queue)

    def work_arrives(self, jobs: int = 1) -> None:
        """Jobs arrive at an idle pair: its alarm goes off, and the SpotManager has answered it."""
        self.send(jobs)
        self.world.metrics(self.queue)
        eventually(self.records)

    def look(self) -> dict:
        """The tick, waited for: its record."""
        return self.invoke(TICK)

    def work_ends(self) -> None:
        """All jobs are done, and no new one comes for as long as the idle alarm waits."""
        self.world.client("sqs").purge_queue(QueueUrl=self.world.queue_url(self.queue))
        self.world.metrics(self.queue, minutes=5)

    # The function

    def invoke(self, event: object) -> dict:
        """Delivers an event and waits for the function's answer."""
        function = self.ids["SpotManager"]
        answer = self.world.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, payload
        return json.loads(payload)

    def explain(self) -> dict:
        """What the SpotManager would do now: its record."""
        return self.invoke({"explain": True})

    def log(self) -> list[str]:
        return self.world.invocations(self.ids["SpotManager"])[1]

    def records(self) -> list[dict]:
        """Every record in the log but those of `explain`, oldest first."""
        lines = [json.loads(line) for line in self.log() if line.startswith('{"record"')]
        return [record for record in lines if record["trigger"] != "explain"]

    def reasons(self) -> list[str]:
        """Every reason that a record in the log has."""
        return [reason for record in self.records() for reason in record["because"]]


def _count(lines: Sequence[str], start: str) -> int:
    return sum(line.startswith(start) for line in lines)


# Events, as AWS sends them


def alarm_event(name: str, state: str = "ALARM") -> dict:
    """A CloudWatch alarm as SNS hands it to a function."""
    message = {
        "AlarmName": name,
        "AlarmDescription": None,
        "AWSAccountId": "000000000000",
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": "2026-11-23T10:00:00.000+0000",
        "Region": "EU (Ireland)",
        "OldStateValue": "OK",
        "Trigger": {"MetricName": "ApproximateNumberOfMessagesVisible", "Namespace": "AWS/SQS"},
    }
    sns = {"Type": "Notification", "Subject": f"{state}: {name}", "Message": json.dumps(message)}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}


def launch_failed_event(group: str) -> dict:
    """`EC2 Instance Launch Unsuccessful`."""
    return {
        "version": "0",
        "source": "aws.autoscaling",
        "detail-type": "EC2 Instance Launch Unsuccessful",
        "region": REGION,
        "detail": {"StatusCode": "Failed", "AutoScalingGroupName": group, "EC2InstanceId": ""},
    }


def interruption_event(instance: str) -> dict:
    """`EC2 Spot Instance Interruption Warning`."""
    return {
        "version": "0",
        "source": "aws.ec2",
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "region": REGION,
        "detail": {"instance-id": instance, "instance-action": "terminate"},
    }


TICK = {"source": "spotstack.tick"}
