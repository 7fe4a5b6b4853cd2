"""Each call of the SpotManager against each way of going wrong: jobs are served, and nothing is paid for twice.

Every combination is a test, so that what pytest counts is what was tried.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from world import World

from conftest import LOCAL_AWS, START_SECONDS
from fault_proxy import MODES, FaultProxy
from project import CHEAP, REGION, TICK, Pair, Project, alarm_event, eventually, prices

#: Every call that the function makes, and whether Spot is refused where it is tried.
CALLS = {
    "GetQueueAttributes": False,
    "DescribeAutoScalingGroups": False,
    "DescribeScalingActivities": False,
    "DescribeSpotPriceHistory": False,
    "ExecutePolicy": False,
    "LaunchInstances": False,
    "SetDesiredCapacity": True,
    "Publish": True,
}

#: How groups are scaled up, and with it each call in each way of going wrong.
COMBINATIONS = [
    ("launch_instances" if call == "LaunchInstances" else "policy", call, mode) for call in CALLS for mode in MODES
]

#: What a run may take, with all that hangs: the function's own time-out, and the way there and back.
SECONDS = 32


@dataclass
class Deployed:
    """A pair whose function calls AWS through the proxy."""

    world: World
    proxy: FaultProxy
    pair: Pair
    at_once: bool


@pytest.fixture(scope="module")
def deployed(request, tmp_path_factory) -> Iterator[Deployed]:
    """One local AWS and one stack for all combinations of a way of scaling up."""
    folder, proxy = tmp_path_factory.mktemp("faults"), FaultProxy()
    ready = folder / "endpoint"
    options = ["--ready-file", str(ready), "--no-ticks", "--no-launch-events", "--function-endpoint", proxy.url]
    server = subprocess.Popen([sys.executable, str(LOCAL_AWS / "serve.py"), *options], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            assert server.poll() is None and time.monotonic() < deadline, "the local AWS did not start"
            time.sleep(0.02)
        world = World(ready.read_text(), REGION)
        proxy.target = world.endpoint
        prices(world, CHEAP)
        project = Project(folder / "project", world)
        project.write(manager={"notify": "ops@example.com", "scale_up": request.param})
        project.deploy()
        yield Deployed(world, proxy, project.pair(), request.param == "launch_instances")
    finally:
        server.terminate()
        server.wait(10)
        proxy.close()


def _start_over(on: Deployed, refused: bool) -> None:
    """No job, no worker, nothing asked for; and then a job, and Spot refused or not."""
    on.proxy.fault = None
    pair, scaling = on.pair, on.world.client("autoscaling")
    on.world.client("sqs").purge_queue(QueueUrl=on.world.queue_url(pair.queue))
    on.world.capacity("spot", "unlimited")
    for group in ("SpotGroup", "OnDemandGroup"):
        scaling.set_desired_capacity(AutoScalingGroupName=pair.ids[group], DesiredCapacity=0)
    eventually(pair.instances, lambda there: there == (0, 0))
    if refused:
        on.world.capacity("spot", 0)
        scaling.set_desired_capacity(AutoScalingGroupName=pair.ids["SpotGroup"], DesiredCapacity=1)
    pair.send()


@pytest.mark.parametrize(("deployed", "call", "mode"), COMBINATIONS, indirect=["deployed"])
def test_a_call_that_goes_wrong(deployed, call, mode):
    """Served in time whenever the groups can be seen; once all is well again, exactly one worker, and nothing to do."""
    pair, world, refused = deployed.pair, deployed.world, CALLS[call]
    _start_over(deployed, refused)
    deployed.proxy.fault = (call, mode)
    deployed.proxy.seen.clear()
    began = time.monotonic()
    function, event = pair.ids["SpotManager"], json.dumps(TICK if refused else alarm_event(pair.ids["JobsWaitingAlarm"]))
    answer = world.client("lambda").invoke(FunctionName=function, Payload=event)
    took, record = time.monotonic() - began, json.load(answer["Payload"])
    assert call in deployed.proxy.seen, "the fault was met"
    assert took < SECONDS
    if call == "DescribeAutoScalingGroups":
        assert (answer["FunctionError"], record["errorType"]) == ("Unhandled", "GroupsUnreadable")
        assert (pair.desired(), pair.instances()) == ((0, 0), (0, 0))
    else:
        assert "FunctionError" not in answer, record
        assert sum(pair.instances()) == 1, "served"
        assert sum(pair.desired()) == 1 or call == "SetDesiredCapacity", "and not twice"
    if call == "Publish" and mode != "truncated":  # half of its answer is as good as all of it
        assert record["told"]["error"].startswith("Publish: ")

    deployed.proxy.fault = None
    for _ in range(2):
        pair.invoke(TICK)
    assert (sum(pair.desired()), sum(pair.instances())) == (1, 1)
    assert pair.explain()["decision"]["actions"] == []


@pytest.mark.parametrize("deployed", ["policy", "launch_instances"], indirect=True)
def test_no_call_is_forgotten(deployed):
    """The function makes these calls and no others."""
    _start_over(deployed, refused=True)
    deployed.proxy.seen.clear()
    for event in (alarm_event(deployed.pair.ids["JobsWaitingAlarm"]), TICK):
        deployed.pair.invoke(event)
    deployed.world.capacity("spot", "unlimited")
    deployed.pair.send()
    deployed.pair.invoke(TICK)
    assert deployed.proxy.seen <= set(CALLS)
    other = "ExecutePolicy" if deployed.at_once else "LaunchInstances"
    assert set(CALLS) - deployed.proxy.seen <= {other, "ExecutePolicy"}
