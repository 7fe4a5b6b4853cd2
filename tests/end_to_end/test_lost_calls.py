"""Each call that deploying makes, broken in each way: the command ends with the right verdict, and what it says is so."""

from __future__ import annotations

import itertools

import pytest

from faults import MODES, Fault, FaultProxy
from project import Project

#: What only tells more: the command succeeds without it, however often it fails.
BEST_EFFORT = {"DescribeEvents", "ListChangeSets", "GetFunctionConfiguration", "Invoke", "DescribeAutoScalingGroups"}


@pytest.fixture
def proxy(world):
    with FaultProxy(world.endpoint) as proxy:
        yield proxy


class Life:
    """What a stack goes through: each step is a command, what it must end with, and what must be so then."""

    def __init__(self, project: Project, proxy: FaultProxy):
        self.project, self.proxy = project, proxy

    def create(self):
        ran = self.project.run("deploy", "--yes", endpoint=self.proxy.url)
        return ran, self.project.stack, "CREATE_COMPLETE"

    def update(self):
        self.project.write(spot={"max_price": 0.7})
        ran = self.project.run("deploy", "--yes", endpoint=self.proxy.url)
        return ran, self.project.stack, "UPDATE_COMPLETE"

    def compare(self):
        ran = self.project.run("diff", endpoint=self.proxy.url)
        return ran, self.project.stack, "UPDATE_COMPLETE"

    def destroy(self):
        ran = self.project.run("destroy", "--yes", endpoint=self.proxy.url)
        return ran, self.project.stack, None


STEPS = ("create", "update", "compare", "destroy")


def calls_of_a_life(project: Project, proxy: FaultProxy) -> dict[str, list[str]]:
    """Which calls each step makes when nothing goes wrong, each once."""
    life, calls = Life(project, proxy), {}
    for step in STEPS:
        proxy.calls.clear()
        ran, stack, status = getattr(life, step)()
        assert ran.code == 0, f"{step}: {ran.err}"
        assert (stack and stack["StackStatus"]) == status, step
        calls[step] = list(dict.fromkeys(proxy.calls))
    return calls


def test_every_lost_call_is_survived(project, proxy, world):
    """One attempt fails, at each call, in each way, in each step of a stack's life: N of N are survived."""
    calls = calls_of_a_life(project, proxy)
    bucket = world.client("s3").list_buckets()["Buckets"][0]["Name"]
    survived, all_of_them, lost = 0, 0, []
    # One life for each mode and place in the steps' lists: every step of it has its own fault.
    for mode, place in itertools.product(MODES, range(max(map(len, calls.values())))):
        project.write(spot={"max_price": 0.55})
        empty(world, bucket)
        life = Life(project, proxy)
        for step in STEPS:
            # The last steps of a life may have fewer calls.
            call = calls[step][place] if place < len(calls[step]) else None
            proxy.fault = Fault(call, mode) if call else None
            ran, stack, status = getattr(life, step)()
            if proxy.fault and proxy.fault.happened:
                all_of_them += 1
                good = ran.code == 0 and (stack and stack["StackStatus"]) == status
                survived += good
                if not good:
                    lost.append(f"{step}: {call} {mode}: exit {ran.code}, {stack and stack['StackStatus']}: {ran.said}")
            proxy.fault = None
            if (stack and stack["StackStatus"]) != status:
                # The next step of this life needs it.
                getattr(life, step)()
    print(f"{survived} of {all_of_them} lost calls survived")
    assert all_of_them > 100
    assert survived == all_of_them, "\n".join(lost)


def test_a_call_that_never_gets_through_is_never_a_wrong_verdict(project, proxy, world):
    """Every attempt of one call fails: exit 0 only if the stack is as wanted, exit 1 with words that say what was asked."""
    calls = calls_of_a_life(project, proxy)["create"]
    for call in calls:
        proxy.fault = Fault(call, "broken", times=10_000)
        # Where only the watching is broken, CloudFormation goes on, and so would the command.
        ran = project.run("deploy", "--yes", "--timeout", "2s", endpoint=proxy.url)
        status = (project.stack or {}).get("StackStatus")
        if ran.code == 0:
            assert status == "CREATE_COMPLETE", f"{call}: exit 0, and {status}"
        else:
            assert ran.code == 1 and "panicked" not in ran.err, f"{call}: {ran.err}"
            assert call in ran.err or "has not finished" in ran.said, f"{call}: {ran.err}"
        if call in BEST_EFFORT:
            assert ran.code == 0, f"{call}: {ran.err}"
        proxy.fault = None
        project.run("destroy", "--yes").ok()


def empty(world, bucket: str) -> None:
    """The artifact bucket is gone, so that the next deploy makes it."""
    s3 = world.client("s3")
    for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=each["Key"])
    s3.delete_bucket(Bucket=bucket)
