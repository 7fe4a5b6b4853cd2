"""A local AWS for each test, and a project that the real binary deploys to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LOCAL_AWS = Path(__file__).resolve().parent.parent / "local-aws"
sys.path.insert(0, str(LOCAL_AWS))

from project import CHEAP, REGION, Pair, Project, prices  # noqa: E402
from world import World  # noqa: E402

START_SECONDS = 60


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Starts a local AWS with these options of `serve.py`."""
    servers: list[subprocess.Popen] = []

    def start(*options: str) -> World:
        ready = tmp_path / f"endpoint-{len(servers)}"
        command = [sys.executable, str(LOCAL_AWS / "serve.py"), "--ready-file", str(ready), *options]
        servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            assert servers[-1].poll() is None and time.monotonic() < deadline, "the local AWS did not start"
            time.sleep(0.02)
        return World(ready.read_text(), REGION)

    yield start
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(10)


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


def pytest_configure() -> None:
    # No credentials or settings of this machine's user may leak into what is tested.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
