"""What the tests of the local AWS and those end to end have in common: servers, and nothing of this machine's user."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOCAL_AWS = Path(__file__).resolve().parent / "local-aws"
sys.path.insert(0, str(LOCAL_AWS))

from world import World  # noqa: E402

REGION = "eu-west-1"


class Servers:
    """Starts local AWSs, one for each call, and ends them all."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen] = []

    def __call__(self, *options: str) -> World:
        """A local AWS with these options of `serve.py`."""
        command = [sys.executable, str(LOCAL_AWS / "serve.py"), *options]
        self.processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        # It says where it is once it answers, or ends.
        endpoint = self.processes[-1].stdout.readline().strip()
        assert endpoint, "the local AWS did not start"
        return World(endpoint, REGION)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)
            process.stdout.close()


@contextmanager
def _servers() -> Iterator[Servers]:
    servers = Servers()
    try:
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def serve() -> Iterator[Servers]:
    """Starts a local AWS with these options of `serve.py`, for one test."""
    with _servers() as servers:
        yield servers


@pytest.fixture(scope="module")
def serve_all() -> Iterator[Servers]:
    """The same for all tests of a module, which then share what they start."""
    with _servers() as servers:
        yield servers


def pytest_configure() -> None:
    # No credentials or settings of this machine's user may leak into what is tested.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
