"""Each call that deploying makes, broken in each way: the command ends with the right verdict, and what it says is so."""

from __future__ import annotations

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


@pytest.mark.parametrize("mode", MODES)
def test_every_lost_call_is_survived(project, proxy, mode):
    """The first attempt of every call fails, in each step of a stack's life: N of N are survived, and the verdicts are right."""
    life, survived, struck, wrong = Life(project, proxy), 0, 0, []
    for step in STEPS:
        proxy.fault = Fault(mode)
        ran, stack, status = getattr(life, step)()
        struck += len(proxy.fault.struck)
        if ran.code == 0 and (stack and stack["StackStatus"]) == status:
            survived += len(proxy.fault.struck)
        else:
            wrong.append(f"{step}: exit {ran.code}, {stack and stack['StackStatus']}: {ran.said}")
            proxy.fault = None
            getattr(life, step)()
    print(f"{mode}: {survived} of {struck} lost calls survived")
    assert survived == struck, "\n".join(wrong)
    assert struck > 30


def test_a_call_that_never_gets_through_is_never_a_wrong_verdict(project, proxy):
    """Every attempt of one call fails: exit 0 only if the stack is as wanted, exit 1 with words that say what was asked."""
    Life(project, proxy).create()
    calls = list(dict.fromkeys(proxy.calls))
    project.run("destroy", "--yes").ok()
    for call in calls:
        proxy.fault = Fault("broken", call, times=10_000)
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
        project.run("destroy", "--yes", "--wait-for-lock", "20s").ok()
