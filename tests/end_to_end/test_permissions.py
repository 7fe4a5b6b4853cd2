"""The deployed function with the rights of its own role, and nothing beyond: IAM and signatures are enforced."""

from __future__ import annotations

import pytest

from project import CHEAP, Pair, Project, prices


@pytest.fixture
def world(serve):
    """A local AWS that checks every signature and every policy; the key `test` is its root."""
    world = serve("--auth", "--no-ticks")
    prices(world, CHEAP)
    return world


def test_the_role_is_enough_for_every_path(gpu, world):
    """Spot, a refusal, On-Demand and idleness, with no error in any deed and every fact known."""
    world.capacity("spot", 1, zone="eu-west-1a")
    world.capacity("spot", 0, zone="eu-west-1b")
    gpu.work_arrives(2)
    gpu.becomes(spot=1, on_demand=1)
    for record in [*gpu.records(), gpu.explain()]:
        assert [deed["error"] for deed in record["deeds"] if deed["error"]] == []
        assert "unreadable" not in str(record["situation"])
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)


def test_the_role_is_refused_on_another_pair_s_group(gpu, world, tmp_path):
    """Pointed at a foreign group by hand, the function is denied and says so, and that group stays as it is."""
    other = Project(tmp_path / "other", world)
    other.spec["stack"] = "other"
    other.write(queue={"name": "other-jobs"})
    other.deploy()
    foreign = other.pair()
    _point(gpu, SPOT_GROUP=foreign.ids["SpotGroup"], SPOT_SCALE_UP=foreign.ids["SpotScaleUp"])
    gpu.send()
    record = gpu.look()
    errors = [deed["error"] for deed in record["deeds"]]
    assert len(errors) == 2  # ExecutePolicy, and SetDesiredCapacity in its stead
    assert errors[0].startswith("ExecutePolicy: AccessDenied") and errors[1].startswith(
        "SetDesiredCapacity: AccessDenied"
    )
    assert (foreign.desired(), foreign.instances()) == ((0, 0), (0, 0))


def test_a_policy_of_another_group_is_refused_before_any_call(gpu, world):
    """A scale-up policy that is not its group's is a fault of the configuration: the function does not even start."""
    _point(gpu, SPOT_SCALE_UP=gpu.ids["OnDemandScaleUp"])
    gpu.send()
    answer = world.client("lambda").invoke(FunctionName=gpu.ids["SpotManager"], Payload=b'{"source": "spotstack.tick"}')
    assert answer["FunctionError"] == "Unhandled"
    assert b"this policy belongs to the group" in answer["Payload"].read()
    assert (gpu.desired(), gpu.instances()) == ((0, 0), (0, 0))


def _point(pair: Pair, **changes: str) -> None:
    """Changes the function's environment behind CloudFormation's back."""
    pair.world.client("lambda").update_function_configuration(
        FunctionName=pair.ids["SpotManager"], Environment={"Variables": pair.environment | changes}
    )
