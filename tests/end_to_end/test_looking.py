"""The commands that only look: `status` and `explain`."""

from __future__ import annotations

import json

from project import DEAR, prices


def test_status_as_json_is_what_the_groups_are(project, gpu):
    """For scripts: the numbers that boto3 reads, and nothing else on standard output."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    status = json.loads(project.run("status", "--format", "json").ok().out)
    text = json.dumps(status)
    for name in (gpu.ids["SpotGroup"], gpu.ids["OnDemandGroup"]):
        assert name in text


def test_status_for_people_has_groups_and_queue(project, gpu):
    """Both groups and the queue in words."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    ran = project.run("status").ok()
    for word in ("Spot", "On-Demand", "render-jobs"):
        assert word in ran.out


def test_status_of_a_stack_that_is_not_there(project):
    """It fails, and names the stack and the way to have it."""
    project.run("status").failed(project.spec["stack"], "spotstack deploy")


def test_explain_says_what_would_be_done_and_why_and_does_nothing(project, gpu, world):
    """A job waits and Spot is dear: On-Demand, the reason, each zone's price; no group has changed."""
    prices(world, DEAR)
    gpu.send()
    out = project.run("explain").ok().out
    for word in ("On-Demand", "Spot is not worth it", "eu-west-1a", "eu-west-1b", "0.5", "0.55"):
        assert word in out
    assert (gpu.desired(), gpu.instances(), gpu.records()) == ((0, 0), (0, 0), [])


def test_explain_of_a_stack_that_is_not_there(project):
    """It fails, and names the stack."""
    project.run("explain").failed(project.spec["stack"])
