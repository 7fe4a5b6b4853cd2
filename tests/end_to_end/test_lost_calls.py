"""Each call that deploying makes, broken in each way: the command ends with the right verdict, and what it says is so."""

from __future__ import annotations

import pytest
from faults import EVER, Fault, FaultyProxy
from project import Project

#: What the first deploy of an account calls.
CALLS = """
    GetCallerIdentity DescribeStacks HeadBucket CreateBucket PutPublicAccessBlock PutBucketEncryption PutBucketPolicy
    PutBucketTagging HeadObject PutObject CreateChangeSet DescribeChangeSet DescribeStackEvents ExecuteChangeSet
    GetFunctionConfiguration Invoke
""".split()

#: What only tells more: the command succeeds without it, however often it fails.
BEST_EFFORT = {"GetFunctionConfiguration", "Invoke"}


@pytest.fixture
def proxy(world):
    with FaultyProxy(world.endpoint) as proxy:
        yield proxy


class Life:
    """What a stack goes through: each step is a command, what it must end with, and what must be so then."""

    def __init__(self, project: Project, proxy: FaultyProxy):
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


@pytest.mark.parametrize("mode", ["throttled", "broken", "refused", "answer lost", "answer cut"])
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


def test_no_call_is_forgotten(project, proxy):
    """The first deploy of an account makes these calls and no others."""
    project.run("deploy", "--yes", endpoint=proxy.url).ok()
    assert set(proxy.calls) == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_never_gets_through_is_never_a_wrong_verdict(project, proxy, call):
    """Every attempt fails: exit 0 only if the stack is as wanted, exit 1 with words that say what was asked."""
    proxy.fault = Fault("broken", call, times=EVER)
    # Where only the watching is broken, CloudFormation goes on, and so would the command.
    ran = project.run("deploy", "--yes", "--timeout", "2s", endpoint=proxy.url)
    assert proxy.fault.struck, "the fault was met"
    status = (project.stack or {}).get("StackStatus")
    if ran.code == 0:
        assert status == "CREATE_COMPLETE", ran.said
    else:
        assert ran.code == 1 and "panicked" not in ran.err, ran.err
        assert call in ran.err or "has not finished" in ran.said, ran.err
    if call in BEST_EFFORT:
        assert ran.code == 0, ran.err
    # What came of it is no obstacle.
    proxy.fault = None
    project.run("destroy", "--yes", "--wait-for-lock", "20s").ok()
    assert project.leftovers() == []
