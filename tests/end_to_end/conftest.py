"""A local AWS for each test, and a project that the real binary deploys to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import CHEAP, Pair, Project, prices
from world import World


@pytest.fixture
def world(serve: Callable[..., World]) -> World:
    """A local AWS in which nothing happens by the clock, and Spot is cheap everywhere."""
    world = serve("--no-ticks")
    prices(world, CHEAP)
    return world


@pytest.fixture
def project(world: World, tmp_path: Path) -> Project:
    """A folder with a spec of one pair, not deployed yet."""
    return Project(tmp_path / "project", world)


@pytest.fixture
def deploy(project: Project) -> Callable[..., Pair]:
    """Deploys the spec with these changes to its pair, and gives the pair."""

    def deploy(**changes: dict) -> Pair:
        project.write(**changes)
        project.deploy()
        return project.pair()

    return deploy


@pytest.fixture
def gpu(deploy: Callable[..., Pair]) -> Pair:
    """The pair of the spec as it is, deployed."""
    return deploy()
