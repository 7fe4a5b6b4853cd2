"""`scale_up: launch_instances`: zone by zone, answered at once, and On-Demand for the rest in the same run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from project import ABOVE_THE_BID, CHEAP, ZONES, alarm_event, prices

AT_ONCE = {"scale_up": "launch_instances"}


@pytest.fixture
def gpu(deploy):
    """A pair of up to four workers that is scaled up so."""
    return deploy(manager=AT_ONCE, workers={"max": 4})


def _tried(record: dict) -> list[tuple[str, str, int, int]]:
    return [
        (each["market"], each["zone"][-1], each["count"], len(each["instances"])) for each in record.get("launches", [])
    ]


def test_spot_is_launched_in_the_cheapest_zone(gpu, world):
    """Both zones are worth it, b is cheaper: all in b, and no policy is executed."""
    prices(world, a=CHEAP, b=CHEAP - 0.05)
    gpu.work_arrives(2)
    gpu.becomes(spot=2, on_demand=0)
    (record,) = [record for record in gpu.records() if record.get("launches")]
    assert _tried(record) == [("spot", "b", 2, 2)]
    assert record["deeds"] == [] and gpu.zones() == [ZONES[1]] * 2
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)


def test_what_one_zone_lacks_the_next_one_has(gpu, world):
    """The cheapest zone has one: the other is asked for the rest; the dear one never."""
    prices(world, a=CHEAP, b=CHEAP - 0.05)
    world.capacity("spot", 1, zone=ZONES[1])
    gpu.work_arrives(3)
    gpu.becomes(spot=3, on_demand=0)
    assert _tried(gpu.records()[0]) == [("spot", "b", 3, 1), ("spot", "a", 2, 2)]


def test_on_demand_takes_the_rest_in_the_same_run(gpu, world):
    """Spot has one in all: one run launches that and two of On-Demand. Spot's return doubles nothing."""
    prices(world, a=ABOVE_THE_BID, b=CHEAP)
    world.capacity("spot", 1, zone=ZONES[1])
    gpu.work_arrives(3)
    gpu.becomes(spot=1, on_demand=2)
    record = gpu.records()[0]
    assert _tried(record) == [("spot", "b", 3, 1), ("on_demand", "a", 2, 2)]
    assert (record["measures"]["fallback_seconds"], record["notices"]) == (0, [{"fallback": {"workers": 2}}])
    world.capacity("spot", "unlimited")
    world.retry()
    gpu.look()
    gpu.becomes(spot=1, on_demand=2)


def test_a_quota_asks_no_second_zone(gpu, world):
    """The quota is used up in every zone: On-Demand after one question."""
    world.capacity("spot", 0, because="quota")
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    assert [market for market, *_ in _tried(gpu.records()[0])] == ["spot", "on_demand"]


def test_a_wrong_definition_launches_nothing(gpu, world):
    """The twin would fail as well: one question, and AWS's words in the record."""
    world.capacity("spot", 0, because="configuration")
    gpu.work_arrives()
    record = gpu.records()[0]
    assert len(_tried(record)) == 1 and record["notices"] == ["misconfigured"]
    assert "The requested configuration is currently not supported" in record["because"][-1]
    assert (gpu.desired(), gpu.instances()) == ((0, 0), (0, 0))


def test_what_both_refuse_is_asked_for_at_the_next_look(gpu, world):
    """Nobody has any, and neither group is left asking for it; a look within the minute asks the same, and is told the same."""
    world.capacity("spot", 0)
    world.capacity("on-demand", 0)
    gpu.work_arrives()
    assert (gpu.desired(), gpu.instances()) == ((0, 0), (0, 0))
    assert gpu.records()[0]["notices"] == ["both_refused"]
    again = gpu.look()
    assert "notices" not in again and len(_tried(again)) == 4
    world.capacity("on-demand", "unlimited")
    gpu.send()  # another number is another question
    gpu.look()
    gpu.becomes(spot=0, on_demand=2)


def test_one_alarm_delivered_five_times_at_once_launches_once(gpu):
    """The five runs that see the same ask with the same token, and are answered as one."""
    gpu.send(2)
    event = alarm_event(gpu.ids["JobsWaitingAlarm"])
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(gpu.invoke, [event] * 5))
    gpu.becomes(spot=2, on_demand=0)
    assert gpu.launches("Spot") == ["Successful"] * 2


def test_a_second_worker_a_minute_later_is_another_one(gpu):
    """The same question in another situation has another token; so has the same one after the first worker is gone."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    gpu.send()
    gpu.look()
    gpu.becomes(spot=2, on_demand=0)
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)
    gpu.send()
    gpu.look()
    gpu.becomes(spot=1, on_demand=0)


def test_the_role_is_enough_and_existing_definitions_are_refused(serve, tmp_path, project):
    """With IAM enforced the call is allowed on the pair's groups; launch configurations are refused before any call."""
    from project import Project

    world = serve("--auth", "--no-ticks")
    prices(world, CHEAP)
    allowed = Project(tmp_path / "allowed", world)
    allowed.write(manager=AT_ONCE)
    allowed.deploy()
    pair = allowed.pair()
    pair.work_arrives()
    pair.becomes(spot=1, on_demand=0)
    assert _tried(pair.records()[0]) == [("spot", "a", 1, 1)]
    project.write(manager=AT_ONCE, launch={"kind": "configuration"})
    project.run("deploy", "--yes").failed("LaunchInstances takes launch templates only")
