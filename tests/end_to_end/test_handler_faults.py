"""Each call of the SpotManager against each way of going wrong: jobs are served, and nothing is paid for twice.

Every combination is a test, so that what pytest counts is what was tried.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from faults import DONE, EVER, NOT_DONE, Fault, FaultyProxy
from project import CHEAP, TICK, Pair, Project, alarm_event, eventually, prices
from world import World

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

#: In which ways. (An answer that is cut is for the function as one that is lost.)
MODES = [mode for mode in NOT_DONE + DONE if mode != "answer cut"]

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
    proxy: FaultyProxy
    pair: Pair


@pytest.fixture(scope="module")
def deployed(serve_all, tmp_path_factory) -> Iterator[Callable[[str], Deployed]]:
    """One local AWS and one stack for all combinations of a way of scaling up."""
    made: dict[str, Deployed] = {}
    with contextlib.ExitStack() as proxies:

        def deployed(scale_up: str) -> Deployed:
            if scale_up not in made:
                proxy = proxies.enter_context(FaultyProxy())
                world = serve_all("--no-ticks", "--no-launch-events", "--function-endpoint", proxy.url)
                proxy.endpoint = world.endpoint
                prices(world, CHEAP)
                project = Project(tmp_path_factory.mktemp("faults") / "project", world)
                project.write(manager={"notify": "ops@example.com", "scale_up": scale_up})
                project.deploy()
                made[scale_up] = Deployed(world, proxy, project.pair())
            return made[scale_up]

        yield deployed


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


@pytest.mark.parametrize(("scale_up", "call", "mode"), COMBINATIONS)
def test_a_call_that_goes_wrong(deployed, scale_up, call, mode):
    """Served in time whenever the groups can be seen; once all is well again, exactly one worker, and nothing to do."""
    on, refused = deployed(scale_up), CALLS[call]
    _start_over(on, refused)
    pair = on.pair
    fault = on.proxy.fault = Fault(mode, call, times=EVER)
    began = time.monotonic()
    function, event = pair.ids["SpotManager"], json.dumps(TICK if refused else alarm_event(pair.ids["JobsWaitingAlarm"]))
    answer = on.world.client("lambda").invoke(FunctionName=function, Payload=event)
    took, record = time.monotonic() - began, json.load(answer["Payload"])
    assert fault.struck, "the fault was met"
    assert took < SECONDS
    if call == "DescribeAutoScalingGroups":
        assert (answer["FunctionError"], record["errorType"]) == ("Unhandled", "GroupsUnreadable")
        assert (pair.desired(), pair.instances()) == ((0, 0), (0, 0))
    else:
        assert "FunctionError" not in answer, record
        assert sum(pair.instances()) == 1, "served"
        assert sum(pair.desired()) == 1 or call == "SetDesiredCapacity", "and not twice"
    if call == "Publish" and mode != "answer halved":  # half of its answer is as good as all of it
        assert record["told"]["error"].startswith("Publish: ")

    on.proxy.fault = None
    for _ in range(2):
        pair.invoke(TICK)
    assert (sum(pair.desired()), sum(pair.instances())) == (1, 1)
    assert pair.explain()["decision"]["actions"] == []


@pytest.mark.parametrize("scale_up", ["policy", "launch_instances"])
def test_no_call_is_forgotten(deployed, scale_up):
    """The function makes these calls and no others."""
    on = deployed(scale_up)
    _start_over(on, refused=True)
    on.proxy.calls.clear()
    for event in (alarm_event(on.pair.ids["JobsWaitingAlarm"]), TICK):
        on.pair.invoke(event)
    on.world.capacity("spot", "unlimited")
    on.pair.send()
    on.pair.invoke(TICK)
    seen = set(on.proxy.calls)
    assert seen <= set(CALLS)
    other = "ExecutePolicy" if scale_up == "launch_instances" else "LaunchInstances"
    assert set(CALLS) - seen <= {other, "ExecutePolicy"}
