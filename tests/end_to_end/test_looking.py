"""The commands that only look: `status`, `logs` and `explain`."""

from __future__ import annotations

import json
import subprocess

from project import BINARY, DEAR, ZONES, prices


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


def test_status_has_prices_alarms_and_the_last_decisions(project, gpu):
    """All on one screen, and nothing that could not be read."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    (pair,) = json.loads(project.run("status", "--format", "json").ok().out)["pairs"]
    assert (pair["works"], pair["trouble"], pair["drift"]) == ("spot", [], [])
    assert {alarm["id"]: alarm["state"] for alarm in pair["alarms"]} == {"JobsWaitingAlarm": "ALARM", "IdleAlarm": "OK"}
    assert (pair["prices"]["max_price"], [zone["zone"] for zone in pair["prices"]["zones"]]) == (0.55, ZONES)
    assert [decided["decision"] for decided in pair["decisions"]] == ["scale up Spot to 1"]
    assert project.run("status").ok().out.count("\n") <= 24


def test_status_tells_what_was_changed_by_hand(project, gpu, world):
    """Limits, processes and policies of the groups, which CloudFormation's own drift knows nothing of or is not asked for."""
    scaling, group = world.client("autoscaling"), gpu.ids["SpotGroup"]
    scaling.update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=9)
    scaling.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=["Terminate"])
    scaling.put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName="mine",
        PolicyType="SimpleScaling",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=1,
    )
    (pair,) = json.loads(project.run("status", "--format", "json").ok().out)["pairs"]
    limits, policy, process = (drift["what"] for drift in pair["drift"])
    assert limits == "the Spot group's MaxSize is 9, the template says 2"
    assert policy == "the Spot group has a scaling policy that is not the stack's: mine (SimpleScaling)"
    assert process.startswith("the Spot group's process Terminate is suspended")


def test_logs_are_decisions_with_their_reasons(project, gpu):
    """Who woke it, what it decided, why, what was done; looks that found the same are counted."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    for _ in range(3):
        gpu.look()
    out = project.run("logs").ok().out
    assert "  alarm ALARM    scale up Spot to 1\n" in out, out
    assert "    done: Spot to 1\n" in out, out
    assert " looks that found the same\n" in out and "  tick  " not in out, out
    assert project.run("logs", "--all").ok().out.count("  tick  ") == 3
    project.run("logs", "cpu").failed("cpu")


def test_logs_raw_are_records_that_can_be_explained(project, gpu):
    """What was logged is decided again by another policy, without AWS."""
    gpu.send(2)
    gpu.work_arrives()
    raw = project.run("logs", "--raw").ok().out
    records = [json.loads(line) for line in raw.splitlines()]
    assert [record["trigger"] for record in records if "alarm" in record["trigger"]]
    (project.folder / "records.jsonl").write_text(raw)
    project.write(spot={"max_price": 0.2})
    out = project.run("explain", "--situation", "records.jsonl", environment={"PATH": "/bin"}).ok().out
    assert "scale up On-Demand to 2" in out and "then: scale up Spot to 2" in out, out


def test_what_goes_on_for_ever_ends_with_its_reader(project, gpu, world):
    """`logs --follow | head -1`, `status --watch | head -1`: they end when there is something to write and nobody to read it."""
    gpu.work_arrives()
    running = [
        subprocess.Popen(
            [BINARY, *words, "--endpoint-url", world.endpoint],
            cwd=project.folder,
            env=project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for words in (["logs", "--follow", "--all"], ["status", "--watch"])
    ]
    for each in running:
        assert each.stdout.readline()
        each.stdout.close()
    gpu.look()
    for each in running:
        assert (each.wait(30), each.stderr.read()) == (0, b"")
        each.stderr.close()


def test_errors_of_the_function_are_shown_as_such(project, gpu, world):
    """A function that does not see its groups says so, in the log as in the status."""
    world.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=gpu.ids["SpotGroup"], ForceDelete=True)
    project.run("explain").failed("fails")
    assert "  error          " in project.run("logs").ok().out
    out = project.run("status").ok().out
    assert "trouble    the SpotManager fails" in out and "  error: " in out, out
