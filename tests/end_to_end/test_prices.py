"""`prices` and `cost`, as AWS tells them."""

from __future__ import annotations

import json

from project import CHEAP, INSTANCE_TYPE, ZONES, prices


def test_prices_are_read_from_aws(project, world):
    """More than a page of changes, in more than one part, and what was in force at the beginning."""
    world.clear_prices()
    hour, day = 3600, 86_400
    for zone in ZONES:
        world.price(INSTANCE_TYPE, zone, CHEAP, ago=30 * day)
    for number in range(12):
        world.price(INSTANCE_TYPE, ZONES[0], 0.60 if number % 2 else CHEAP, ago=24 * hour * (number + 1) - hour)
    world.price("c5.large", ZONES[0], 0.01, ago=hour)
    (found,) = json.loads(project.run("prices", "--since", "20d", "--format", "json").ok().out)["prices"]
    assert (found["pair"], found["region"], found["instance_type"]) == ("gpu", "eu-west-1", INSTANCE_TYPE)
    first, second = found["zones"]
    assert [first["zone"], second["zone"]] == ZONES
    assert (first["changes"], first["now"]) == (12, CHEAP)
    assert 0.3 < first["weighted_mean"] < 0.6 and 0.6 < first["worth_it"] < 0.8
    assert (second["changes"], second["weighted_mean"], second["worth_it"]) == (0, CHEAP, 1.0)
    assert found["worth_it_anywhere"] == 1.0

    listed = project.run("prices", "--since", "20d", "--format", "csv").ok().out
    (project.folder / "prices.csv").write_text(listed)
    (again,) = json.loads(project.run("prices", "--history", "prices.csv", "--format", "json").ok().out)["prices"]
    assert [zone["now"] for zone in again["zones"]] == [CHEAP, CHEAP]


def test_without_a_price_list_the_rest_is_told(project, world):
    """The local AWS has none: that is said in a line, and changes nothing else."""
    prices(world, CHEAP)
    said = project.run("prices").ok()
    assert "without the On-Demand price, which --on-demand-price can say" in said.said
    assert f"{ZONES[0]}   {CHEAP:.4f}" in said.out
    said = project.run("cost").ok()
    assert "without the On-Demand price" in said.said and "On-Demand not known" in said.out
    said = project.run("cost", "--on-demand-price", "1.2").ok()
    assert said.err == "" and "On-Demand 1.2" in said.out


def test_what_aws_has_no_price_of_is_refused(project, world):
    """A type that the Region does not have."""
    world.clear_prices()
    project.run("prices", "--on-demand-price", "1").failed(f"has no Spot price of {INSTANCE_TYPE}, Linux/UNIX")
    project.run("prices", endpoint="http://127.0.0.1:9").failed("no answer from http://127.0.0.1:9")
