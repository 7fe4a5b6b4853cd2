"""Runs the release `bootstrap`, and `twin.py` with boto3, under a runtime API of Lambda against canned answers of AWS.

Both get the same environment, the same events and the same answers over HTTP with keep-alive; they are run in turns, so that
what else the machine does meets both. There is no TLS here and no distance, so what is measured is the functions' own time.
"""

from __future__ import annotations

import io
import json
import os
import queue
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
WARM = 20
EVENT = json.dumps({"source": "spotstack.tick"}).encode()


def at(**ago: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


# AWS: one job waits, Spot is refused, both groups are small; six zones of twenty price changes.

ZONES = [f"eu-west-1{letter}" for letter in "abcdef"]


def group(name: str, desired: int) -> str:
    zones = "".join(f"<member>{zone}</member>" for zone in ZONES)
    return (
        f"<member><AutoScalingGroupName>{name}</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>4</MaxSize>"
        f"<DesiredCapacity>{desired}</DesiredCapacity><AvailabilityZones>{zones}</AvailabilityZones></member>"
    )


def activities(form: dict) -> str:
    if form["AutoScalingGroupName"] != "gpu-spot":
        return "<Activities/>"
    return "<Activities>" + "".join(
        f"<member><ActivityId>a{n}</ActivityId><AutoScalingGroupName>gpu-spot</AutoScalingGroupName><Cause>x</Cause>"
        f"<Description>Launching a new EC2 instance.</Description><StartTime>{at(seconds=60 + n)}</StartTime>"
        f"<EndTime>{at(seconds=60 + n)}</EndTime><StatusCode>Failed</StatusCode><StatusMessage>InsufficientInstanceCapacity"
        f"</StatusMessage><Details>{{&quot;Availability Zone&quot;:&quot;{ZONES[n % 6]}&quot;}}</Details></member>"
        for n in range(12)
    ) + "</Activities>"


def prices(_: dict) -> str:
    items = "".join(
        f"<item><instanceType>g5.2xlarge</instanceType><productDescription>Linux/UNIX</productDescription>"
        f"<spotPrice>0.{310 + n}</spotPrice><timestamp>{at(minutes=3 * n + 1)}</timestamp>"
        f"<availabilityZone>{zone}</availabilityZone></item>"
        for zone in ZONES
        for n in range(20)
    )
    return f"<spotPriceHistorySet>{items}</spotPriceHistorySet><nextToken/>"


ANSWERS: dict[str, Callable[[dict], str]] = {
    "DescribeAutoScalingGroups": lambda _: f"<AutoScalingGroups>{group('gpu-spot', 1)}{group('gpu-on-demand', 0)}</AutoScalingGroups>",
    "DescribeScalingActivities": activities,
    "DescribeSpotPriceHistory": prices,
    "ExecutePolicy": lambda _: "",
    "SetDesiredCapacity": lambda _: "",
}
DEPTH = json.dumps({"Attributes": {"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "0"}}).encode()


class Aws(BaseHTTPRequestHandler):
    """Answers every call at once, and counts them."""

    protocol_version = "HTTP/1.1"
    calls: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if target := self.headers.get("X-Amz-Target"):
            call, answer = target.rpartition(".")[2], DEPTH
        else:
            form = dict(urllib.parse.parse_qsl(body.decode()))
            call = form["Action"]
            inside = ANSWERS[call](form)
            inside = inside if call == "DescribeSpotPriceHistory" else f"<{call}Result>{inside}</{call}Result>"
            answer = f"<{call}Response>{inside}</{call}Response>".encode()
        Aws.calls.append(call)
        send(self, answer)

    def log_message(self, *_: object) -> None:
        pass


class Runtime(BaseHTTPRequestHandler):
    """Lambda's runtime API: hands out events, takes answers, and notes when."""

    protocol_version = "HTTP/1.1"
    events: queue.Queue[int | None] = queue.Queue()
    times: queue.Queue[tuple[str, float]] = queue.Queue()

    def do_GET(self) -> None:
        Runtime.times.put(("asked", time.perf_counter()))
        number = Runtime.events.get()
        if number is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(number),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 30) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:111122223333:function:bench",
        }
        send(self, EVENT, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        while self.headers.get("Transfer-Encoding") == "chunked" and (size := int(self.rfile.readline(), 16)):
            body += self.rfile.read(size)
            self.rfile.readline()
        Runtime.times.put(("answered" if self.path.endswith("/response") else body.decode(), time.perf_counter()))
        send(self, b"{}", status=202)

    def log_message(self, *_: object) -> None:
        pass


def send(handler: BaseHTTPRequestHandler, body: bytes, headers: dict | None = None, status: int = 200) -> None:
    # One write: two would wait for each other's acknowledgement, and be measured.
    lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    handler.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)


def serve(handler: type[BaseHTTPRequestHandler]) -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


def environment(runtime: str, aws: str) -> dict[str, str]:
    arn = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:6f0e2c1d:autoScalingGroupName/{0}:policyName/{0}-up"
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": runtime,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "AWS_ENDPOINT_URL": f"http://{aws}",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SPOT_GROUP": "gpu-spot",
        "ON_DEMAND_GROUP": "gpu-on-demand",
        "SPOT_SCALE_UP": arn.format("gpu-spot"),
        "ON_DEMAND_SCALE_UP": arn.format("gpu-on-demand"),
        "QUEUE_URL": f"http://{aws}/111122223333/render-jobs",
        "INSTANCE_TYPE": "g5.2xlarge",
        "PRODUCT": "Linux/UNIX",
        "MAX_PRICE": "0.55",
        "HEADROOM": "15%",
        "WINDOW": "1h",
        "PATIENCE": "0s",
        "HOLD": "10m",
        "REVERT": "idle",
        "MAX": "4",
        "BASE": "0",
        "JOBS_PER_WORKER": "1",
        "PROTECT": "false",
        "DRY_RUN": "false",
    }


def play(command: list[str], variables: dict[str, str]) -> dict[str, float]:
    """Starts a function, has it answer some events, and ends it."""

    def when(what: str) -> float:
        found, moment = Runtime.times.get(timeout=60)
        assert found == what, found
        return moment

    began = time.perf_counter()
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
    try:
        ready = when("asked")
        runs = []
        for number in range(1 + WARM):
            Aws.calls.clear()
            start = time.perf_counter()
            Runtime.events.put(number)
            runs.append((when("answered") - start) * 1000)
            when("asked")
        peak = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmHWM" in line)
        return {
            "start": (ready - began) * 1000,
            "first run": runs[0],
            "next runs": statistics.median(runs[1:]),
            "peak memory": int(peak.split()[1]) / 1024,
            "calls": len(Aws.calls),
        }
    finally:
        process.kill()
        process.wait()
        Runtime.events.put(None)  # its last question waits for an event still


def zipped(path: str) -> int:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(path, "bootstrap")
    return len(packed.getvalue())


def main() -> None:
    rounds, bootstrap = int(sys.argv[1]), os.environ["BOOTSTRAP"]
    variables = environment(serve(Runtime), serve(Aws))
    functions = {"SpotManager": [bootstrap], "Python": [sys.executable, "-S", str(HERE / "twin.py"), *sys.path]}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, command in functions.items():
            measured = play(command, variables)
            if number:  # the first warms the disk's cache
                found[name].append(measured)
    print(f"{rounds} starts of each, {WARM} runs after the first of each start; medians. bootstrap.zip {zipped(bootstrap):,} bytes")
    print(f"{'':14}{'SpotManager':>12}{'Python':>12}{'ratio':>8}")
    for what, unit in [("start", "ms"), ("first run", "ms"), ("next runs", "ms"), ("peak memory", "MiB"), ("calls", "")]:
        ours, theirs = (statistics.median(each[what] for each in found[name]) for name in functions)
        print(f"{what:14}{ours:9.1f} {unit:3}{theirs:8.1f} {unit:3}{theirs / ours:7.1f}x")


if __name__ == "__main__":
    main()
