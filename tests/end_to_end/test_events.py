"""Duplicated, lost, reordered, foreign and broken events: all the same to the groups."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from project import TICK, Pair, alarm_event, interruption_event, launch_failed_event


def test_one_alarm_delivered_five_times_at_once_is_one_step(gpu):
    """Five invocations at the same moment ask for one instance, because each says a number and none adds."""
    gpu.send()
    event = alarm_event(gpu.ids["JobsWaitingAlarm"])
    with ThreadPoolExecutor(5) as pool:
        records = list(pool.map(gpu.invoke, [event] * 5))
    assert len(records) == 5
    gpu.becomes(spot=1, on_demand=0)
    assert gpu.launches("Spot") == ["Successful"]
    assert not any(deed["error"] for record in records for deed in record["deeds"])


def test_one_failed_launch_told_five_times_at_once_is_one_fallback(gpu, world):
    """Five invocations at once withdraw one Spot Instance and ask for one On-Demand."""
    world.launch_events(False)
    world.capacity("spot", 0)
    gpu.work_arrives()
    event = launch_failed_event(gpu.ids["SpotGroup"])
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(gpu.invoke, [event] * 5))
    gpu.becomes(spot=0, on_demand=1)
    assert gpu.launches("OnDemand") == ["Successful"]


def test_the_tick_does_what_a_lost_alarm_did_not(gpu, world):
    """A job waits and no alarm came: the regular look finds it."""
    gpu.send()
    world.tick()
    gpu.becomes(spot=1, on_demand=0)
    assert gpu.records()[0]["trigger"] == "tick"


def test_the_tick_does_what_a_lost_launch_failure_did_not(gpu, world):
    """Spot was refused and nobody said so: the regular look falls back."""
    world.launch_events(False)
    world.capacity("spot", 0)
    gpu.work_arrives()
    assert gpu.desired() == (1, 0)
    world.tick()
    gpu.becomes(spot=0, on_demand=1)


def test_a_failed_launch_does_what_a_lost_alarm_and_no_tick_did_not(deploy, world):
    """No tick, and no alarm came: that the group was refused what it had asked for is the only thing that wakes it."""
    gpu = deploy(manager={"reconcile": "0s"})
    assert "TickRule" not in gpu.ids
    world.capacity("spot", 0)
    gpu.send()
    scaling = world.client("autoscaling")
    scaling.set_desired_capacity(AutoScalingGroupName=gpu.ids["SpotGroup"], DesiredCapacity=1)
    gpu.becomes(spot=0, on_demand=1)
    assert {key for record in gpu.records() for key in record["trigger"]} == {"launch_failed"}


def test_an_alarm_through_the_topic_is_as_good_as_the_alarm_s_own(gpu, world):
    """SetAlarmState goes the whole way: alarm, topic, subscription, permission, function."""
    gpu.send()
    world.set_alarm(gpu.ids["JobsWaitingAlarm"], "ALARM")
    gpu.becomes(spot=1, on_demand=0)
    assert gpu.records()[0]["trigger"] == {"alarm": {"name": gpu.ids["JobsWaitingAlarm"], "state": "ALARM"}}


@pytest.mark.parametrize(
    "order", ["alarm failed tick", "failed alarm", "tick failed alarm", "failed failed alarm tick"]
)
def test_events_in_any_order_end_alike(gpu, world, order):
    """Whatever wakes the SpotManager, and in whatever order: refused Spot ends as one On-Demand worker."""
    world.launch_events(False)
    world.capacity("spot", 0)
    gpu.send()
    events = {
        "alarm": alarm_event(gpu.ids["JobsWaitingAlarm"]),
        "failed": launch_failed_event(gpu.ids["SpotGroup"]),
        "tick": TICK,
    }
    for name in order.split():
        gpu.invoke(events[name])
    gpu.becomes(spot=0, on_demand=1)


def test_stale_events_after_the_work_is_done_change_nothing(gpu):
    """An alarm, a failure and an interruption of an hour ago wake it, and there is no job: nothing is scaled."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    worker = gpu.groups()[0]["Instances"][0]["InstanceId"]
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)
    for event in (
        alarm_event(gpu.ids["JobsWaitingAlarm"]),
        launch_failed_event(gpu.ids["SpotGroup"]),
        launch_failed_event(gpu.ids["OnDemandGroup"]),
        interruption_event(worker),
        TICK,
    ):
        assert gpu.invoke(event).get("deeds", []) == []
    gpu.becomes(spot=0, on_demand=0)


def test_running_it_again_changes_nothing(gpu):
    """The second look at the same situation has nothing to do."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    for _ in range(3):
        record = gpu.look()
        assert (record["deeds"], record["decision"]["actions"]) == ([], [])


def test_an_interruption_of_somebody_else_s_instance_is_ignored(gpu, world):
    """Such a warning names no group, so every SpotManager of the Region hears it; with a job waiting, too."""
    gpu.send()
    assert gpu.invoke(interruption_event("i-0123456789abcdef0")) == {"ignored": "the interrupted instance is not ours"}
    gpu.look()
    (mine,) = gpu.groups()[0]["Instances"]
    assert gpu.invoke(interruption_event(mine["InstanceId"]))["trigger"] == {
        "interruption": {"instance": mine["InstanceId"]}
    }
    gpu.becomes(spot=2, on_demand=0)


def _sns(message: object) -> dict:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}


MALFORMED = {
    "nothing": None,
    "an empty object": {},
    "a text": "ALARM",
    "a number": 42,
    "a list": [{"source": "spotstack.tick"}],
    "no records": {"Records": []},
    "records that are no list": {"Records": "all"},
    "a record that is no object": {"Records": [7]},
    "a record of SQS": {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
    "a message that is no JSON": _sns("ALARM: your job queue"),
    "a message that is no text": _sns({"AlarmName": "x"}),
    "a message that is no alarm": _sns(json.dumps({"hello": "world"})),
    "an alarm in no known state": _sns(json.dumps({"AlarmName": "x", "NewStateValue": "PANIC"})),
    "an alarm whose name is no text": _sns(json.dumps({"AlarmName": 1, "NewStateValue": "ALARM"})),
    "a failed launch of no group": {"source": "aws.autoscaling", "detail-type": "EC2 Instance Launch Unsuccessful"},
    "an interruption of no instance": {
        "source": "aws.ec2",
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "detail": None,
    },
    "a successful launch": {"source": "aws.autoscaling", "detail-type": "EC2 Instance Launch Successful", "detail": {}},
    "somebody else's tick": {"source": "aws.events", "detail-type": "Scheduled Event"},
    "an explain that is no true": {"explain": "yes"},
    "a long nonsense": {"x": "ü" * 50_000},
}


def test_malformed_events_are_answered_logged_and_change_nothing(gpu):
    """Jobs wait and Spot is cheap, and still what is not understood is not acted upon: one clear line for each."""
    gpu.send(2)
    for what, event in MALFORMED.items():
        before = len(_errors(gpu))
        answer = gpu.invoke(event)
        assert list(answer) == ["error"] and "; came: " in answer["error"], what
        assert answer["error"].startswith("expected "), what
        assert len(answer["error"]) < 400, what
        assert _errors(gpu)[before:] == [answer["error"]], what
    assert (gpu.desired(), gpu.instances()) == ((0, 0), (0, 0))
    assert gpu.records() == []


def _errors(pair: Pair) -> list[str]:
    return [json.loads(line)["error"] for line in pair.log() if line.startswith('{"error"')]


def test_explaining_changes_nothing(gpu):
    """Asked what it would do, it says so, and does not do it."""
    gpu.send()
    for _ in range(2):
        record = gpu.explain()
        assert record["decision"]["actions"] == [{"scale_up": {"market": "spot", "to": 1}}]
        assert (record["trigger"], record["dry_run"], record["deeds"]) == ("explain", True, [])
        assert (gpu.desired(), gpu.instances()) == ((0, 0), (0, 0))


def test_a_dry_run_decides_and_changes_nothing(deploy, world):
    """`dry_run: true`: every event is answered with a decision, and no group hears of it."""
    gpu = deploy(manager={"dry_run": True})
    gpu.work_arrives()
    for event in (TICK, launch_failed_event(gpu.ids["SpotGroup"])):
        record = gpu.invoke(event)
        assert record["decision"]["actions"] == [{"scale_up": {"market": "spot", "to": 1}}]
        assert (record["dry_run"], record["deeds"]) == (True, [])
    assert (gpu.desired(), gpu.instances()) == ((0, 0), (0, 0))


def test_a_queue_that_cannot_be_read_still_gets_a_worker(gpu, world):
    """The queue is gone and the alarm says that jobs wait: one worker is made sure of, and the record says why."""
    world.client("sqs").delete_queue(QueueUrl=world.queue_url(gpu.queue))
    record = gpu.invoke(alarm_event(gpu.ids["JobsWaitingAlarm"]))
    assert record["because"][0].startswith("the queue cannot be read (GetQueueAttributes: ")
    assert (gpu.desired(), gpu.instances()) == ((1, 0), (1, 0))


def test_without_its_groups_it_fails_so_that_somebody_sees_it(gpu, world):
    """A group deleted by hand: the invocation fails, Lambda's Errors metric counts it, and the log has one line."""
    world.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=gpu.ids["SpotGroup"], ForceDelete=True)
    answer = world.client("lambda").invoke(FunctionName=gpu.ids["SpotManager"], Payload=json.dumps(TICK))
    assert answer["FunctionError"] == "Unhandled"
    message = f"DescribeAutoScalingGroups: NotFound: there is no Auto Scaling group `{gpu.ids['SpotGroup']}`"
    assert json.load(answer["Payload"]) == {"errorType": "GroupsUnreadable", "errorMessage": message}
    assert _errors(gpu) == [message]
