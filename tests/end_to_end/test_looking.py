"""The commands that only look: `status` and `explain`."""

from __future__ import annotations

import json

from project import DEAR, ZONES, prices


def test_status_as_json_is_what_the_groups_are(project, gpu):
    """For scripts: the numbers that boto3 reads, and nothing else on standard output."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    status = json.loads(project.run("status", "--format", "json").ok().out)
    assert (status["stack"], status["status"], status["at_work"]) == ("media-workers", "CREATE_COMPLETE", [])
    (pair,) = status["pairs"]
    assert pair["handler"]["deployed"] == pair["handler"]["carried"]
    assert pair["record"]["situation"]["queue"] == {"known": {"visible": 1, "in_flight": 0}}
    for market, group in zip(("spot", "on_demand"), gpu.groups(), strict=True):
        seen = pair["record"]["situation"][market]
        assert (seen["name"], seen["desired"]) == (group["AutoScalingGroupName"], group["DesiredCapacity"])
        assert {each["id"] for each in seen["instances"]} == {each["InstanceId"] for each in group["Instances"]}


def test_status_for_people_has_queue_groups_and_reasons(project, gpu):
    """The same in words."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    lines = [" ".join(line.split()) for line in project.run("status").ok().out.splitlines()]
    assert lines[0].startswith("media-workers in eu-west-1, account 000000000000: CREATE_COMPLETE")
    for line in (
        "queue 1 waiting, 0 in flight",
        "Spot asks for 1 of at most 2, has 1 (eu-west-1a 1)",
        "On-Demand asks for 0 of at most 2, has 0",
        "handler up to date",
    ):
        assert line in lines, lines


def test_status_of_a_stack_that_is_not_there(project):
    """There is nothing to show, which is no failure; scripts see `null`."""
    assert "not deployed" in project.run("status").ok().out
    status = json.loads(project.run("status", "--format", "json").ok().out)
    assert (status["status"], status["pairs"]) == (None, [])


def test_explain_says_what_would_be_done_and_why_and_does_nothing(project, gpu, world):
    """A job waits and Spot is dear: On-Demand, the reason, each zone's price; no group has changed."""
    prices(world, DEAR)
    gpu.send()
    out = project.run("explain").ok().out
    for word in ("scale up On-Demand to 1", "no Spot: too dear in", *ZONES, "0.5000", "0.4675", "too dear"):
        assert word in out, out
    assert (gpu.desired(), gpu.instances(), gpu.records()) == ((0, 0), (0, 0), [])


def test_explain_as_json_is_the_record(project, gpu):
    """One record a line, as the function logs it."""
    gpu.send()
    (line,) = project.run("explain", "--format", "json").ok().out.splitlines()
    record = json.loads(line)
    assert (record["trigger"], record["deeds"]) == ("explain", [])
    assert record["decision"]["actions"] == [{"scale_up": {"market": "spot", "to": 1}}]


def test_explain_of_what_is_not_there(project, gpu):
    """A pair that the spec does not have, and a stack that is not deployed: both are named."""
    project.run("explain", "cpu").failed("cpu")
    project.spec["stack"] = "elsewhere"
    project.write()
    project.run("explain").failed("elsewhere")
