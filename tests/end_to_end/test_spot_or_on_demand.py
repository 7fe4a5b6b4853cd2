"""Which of the two groups scales, for every state of the markets."""

from __future__ import annotations

import pytest

from project import ABOVE_THE_BID, CHEAP, DEAR, ZONES, eventually, interruption_event, prices

TOO_DEAR = f"no Spot: too dear in {', '.join(ZONES)}"
NO_PRICE = f"no Spot: no price known in {', '.join(ZONES)}"


def verdicts(record: dict) -> dict[str, object]:
    """Each zone's verdict in a record."""
    return {zone["zone"]: zone["verdict"] for zone in record["decision"]["zones"]}


def test_a_job_brings_one_spot_instance_and_idleness_takes_it_away(gpu):
    """From zero to one on Spot with the alarm, and back to zero with the other."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    assert f"Spot is worth it in {', '.join(ZONES)}" in gpu.reasons()
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)


# Prices


@pytest.mark.parametrize("price", [DEAR, ABOVE_THE_BID])
def test_on_demand_where_spot_is_dear_everywhere(gpu, world, price):
    """A price beyond the headroom, or beyond the bid, brings On-Demand at once, and Spot is not even asked."""
    prices(world, price)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    record = gpu.records()[0]
    assert record["because"] == [TOO_DEAR]
    assert verdicts(record) == dict.fromkeys(ZONES, "dear")
    assert gpu.launches("Spot") == []


def test_spot_where_one_zone_is_cheap(gpu, world):
    """One zone above the bid does not matter while another is worth it."""
    prices(world, a=ABOVE_THE_BID, b=CHEAP)
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    assert gpu.zones() == [ZONES[1]]
    assert verdicts(gpu.records()[0]) == {ZONES[0]: "dear", ZONES[1]: "open"}


def test_on_demand_where_no_price_is_known(gpu, world):
    """Nobody knows what Spot costs: the jobs are served, and the record says why not by Spot."""
    world.clear_prices()
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    record = gpu.records()[0]
    assert record["because"] == [NO_PRICE]
    assert verdicts(record) == dict.fromkeys(ZONES, "no_price")


def test_without_a_max_price_no_price_is_a_reason_against_spot(deploy, world):
    """AWS then caps Spot at the On-Demand price by itself."""
    gpu = deploy(spot={"max_price": None})
    world.clear_prices()
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)


def test_spot_replaces_on_demand_once_it_is_cheap_again(deploy, world):
    """With `revert: 1m` one Spot Instance is tried beside the On-Demand worker, which then leaves when it is free."""
    gpu = deploy(spot={"revert": "1m"}, workers={"protect": True})
    prices(world, DEAR)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    prices(world, CHEAP)
    gpu.look()
    assert gpu.instances() == (1, 1)
    gpu.look()
    assert (gpu.desired(), gpu.instances()) == ((1, 0), (1, 1))
    worker = gpu.groups()[1]["Instances"][0]["InstanceId"]
    world.client("autoscaling").set_instance_protection(
        InstanceIds=[worker], AutoScalingGroupName=gpu.ids["OnDemandGroup"], ProtectedFromScaleIn=False
    )
    gpu.becomes(spot=1, on_demand=0)


# Refusals


def test_on_demand_when_spot_is_refused_and_never_both(gpu, world):
    """Refused in every zone: On-Demand serves, Spot is withdrawn, and its capacity coming back doubles nothing."""
    world.capacity("spot", 0)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    assert set(gpu.launches("Spot")) == {"Failed"}
    assert {str(verdict["held"]["because"]) for verdict in verdicts(gpu.records()[-1]).values()} == {"capacity"}
    world.capacity("spot", "unlimited")
    assert world.retry() == 0
    world.tick()
    gpu.becomes(spot=0, on_demand=1)


def test_the_other_zone_when_spot_is_refused_in_one(gpu, world):
    """One zone without capacity: Spot in the other, and no On-Demand."""
    world.capacity("spot", 0, zone=ZONES[0])
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    assert gpu.zones() == [ZONES[1]]
    assert gpu.launches("OnDemand") == []


def test_the_rest_on_demand_when_spot_gives_too_few(gpu, world):
    """Two jobs, and Spot has one instance to give: one of each."""
    world.capacity("spot", 1, zone=ZONES[0])
    world.capacity("spot", 0, zone=ZONES[1])
    gpu.work_arrives(2)
    gpu.becomes(spot=1, on_demand=1)


def test_a_request_that_is_never_answered_is_waited_for_a_little(gpu, world):
    """Spot that neither comes nor is refused stays asked for as long as an answer may take, and is not asked twice."""
    world.capacity("spot", 0, because="waiting")
    gpu.work_arrives()
    record = gpu.look()
    assert record["because"] == ["0 at work and 1 just asked for are enough"]
    assert gpu.desired() == (1, 0)
    assert gpu.instances() == (0, 0)


def test_patience_keeps_demand_waiting_for_spot(deploy, world):
    """With `patience: 10m` a refusal does not bring On-Demand yet, and Spot comes when it can."""
    gpu = deploy(spot={"patience": "10m"})
    world.capacity("spot", 0)
    gpu.work_arrives()
    record = gpu.look()
    assert record["deeds"] == []
    assert gpu.desired() == (1, 0)
    world.capacity("spot", "unlimited")
    world.retry()
    gpu.becomes(spot=1, on_demand=0)


def test_a_spot_quota_means_on_demand_for_as_long_as_it_is_held(gpu, world):
    """A quota is used up in every zone: On-Demand, and a second job does not try Spot again."""
    world.capacity("spot", 0, because="quota")
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    assert any("the account's Spot quota is used up" in reason for reason in gpu.reasons())
    tried = gpu.launches("Spot")
    world.capacity("spot", "unlimited")
    gpu.send()
    gpu.look()
    gpu.becomes(spot=0, on_demand=2)
    assert gpu.launches("Spot") == tried


@pytest.mark.parametrize(
    ("failure", "what"),
    [
        ("configuration", "the launch definition is wrong"),
        ("kms", "the volume's KMS key cannot be used"),
        ("free-tier", "the account's Free plan does not have this instance type"),
    ],
)
def test_a_wrong_launch_definition_scales_nothing_and_says_so(gpu, world, failure, what):
    """On-Demand would fail as well, so neither group asks for anything, and the record has AWS's text."""
    world.capacity("spot", 0, because=failure)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=0)
    assert any(
        f"{what}, so nothing is scaled: the Spot group was told «" in each
        for each in gpu.reasons()
    )
    assert gpu.launches("OnDemand") == []


def test_both_markets_refused_is_on_demand_waiting(gpu, world):
    """Where On-Demand is refused too, it goes on asking, Spot does not, and the record says so."""
    world.capacity("spot", 0)
    world.capacity("on-demand", 0)
    gpu.work_arrives()
    world.tick()
    record = gpu.look()
    assert gpu.desired() == (0, 1)
    assert any(
        reason.startswith("On-Demand is refused too: «We currently do not have sufficient")
        for reason in record["because"]
    )
    world.capacity("on-demand", "unlimited")
    world.retry()
    gpu.becomes(spot=0, on_demand=1)


def test_an_interrupted_worker_is_replaced(gpu, world):
    """AWS takes a Spot Instance back: the group brings another one, and only one."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    before = gpu.groups()[0]["Instances"][0]["InstanceId"]
    world.interrupt(before)
    gpu.becomes(spot=1, on_demand=0)
    assert gpu.groups()[0]["Instances"][0]["InstanceId"] != before


def test_a_warned_worker_is_replaced_before_it_is_gone(gpu, world):
    """Two minutes' notice: another one is launched at once, and a warning that comes twice brings no third."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    (worker,) = gpu.groups()[0]["Instances"]
    for _ in range(2):
        record = gpu.invoke(interruption_event(worker["InstanceId"]))
        assert record["because"][0] == "AWS takes 1 Spot Instance back within two minutes"
        assert verdicts(record)[worker["AvailabilityZone"]]["held"]["because"] == "interrupted"
    gpu.becomes(spot=2, on_demand=0)
    assert set(gpu.zones()) == set(ZONES), "the other zone"


def test_a_warned_worker_that_spot_does_not_replace_is_replaced_by_on_demand(gpu, world):
    """Two minutes' notice, and Spot has no other: On-Demand comes while the worker is still there."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    world.capacity("spot", 0)
    (worker,) = gpu.groups()[0]["Instances"]
    world.interrupt(worker["InstanceId"], warn_only=True)
    eventually(gpu.instances, lambda there: there == (1, 1))
    gpu.becomes(spot=1, on_demand=1)


def test_a_zone_that_took_an_instance_back_is_skipped(gpu, world):
    """The only zone that is worth it takes the worker back: On-Demand serves, and Spot is withdrawn."""
    prices(world, a=CHEAP, b=DEAR)
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    world.capacity("spot", 0)
    world.interrupt(gpu.groups()[0]["Instances"][0]["InstanceId"])
    gpu.becomes(spot=0, on_demand=1)


def test_an_interruption_without_spot_to_replace_it_brings_on_demand(gpu, world):
    """AWS takes a Spot Instance back and has no other: On-Demand."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    world.capacity("spot", 0)
    world.interrupt(gpu.groups()[0]["Instances"][0]["InstanceId"])
    gpu.becomes(spot=0, on_demand=1)


# Numbers


def test_more_jobs_than_workers_may_be(gpu):
    """Three jobs, two workers at most: two, and the record says that one more was wanted."""
    gpu.work_arrives(3)
    gpu.becomes(spot=2, on_demand=0)
    assert "1 worker is wanted beyond the maximum" in gpu.reasons()


def test_one_worker_for_several_jobs(deploy):
    """Three jobs with `jobs_per_worker: 2` want two workers."""
    gpu = deploy(workers={"max": 4, "jobs_per_worker": 2})
    gpu.work_arrives(3)
    gpu.becomes(spot=2, on_demand=0)


def test_a_job_in_flight_counts(gpu):
    """A job that a worker has taken keeps its worker: the next job wants a second one."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    assert gpu.world.receive_job(gpu.queue)
    gpu.send()
    gpu.look()
    gpu.becomes(spot=2, on_demand=0)


def test_a_base_of_on_demand_stays(deploy):
    """`base: 1` is there from the start, serves the first job, and remains when the queue is idle."""
    gpu = deploy(workers={"max": 3, "base": 1})
    gpu.becomes(spot=0, on_demand=1)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    gpu.send()
    gpu.look()
    gpu.becomes(spot=1, on_demand=1)
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=1)


def test_an_idle_queue_leaves_nothing_of_either_kind(gpu, world):
    """Spot and On-Demand both end when the queue has been idle."""
    world.capacity("spot", 1, zone=ZONES[0])
    world.capacity("spot", 0, zone=ZONES[1])
    gpu.work_arrives(2)
    gpu.becomes(spot=1, on_demand=1)
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)
