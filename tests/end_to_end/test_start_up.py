"""What a command does before it answers, by what valgrind saw it execute: the same at every run, whatever else the machine does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from project import BINARY, SPEC

pytestmark = pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")

#: What is for some commands only and takes its time, or much memory: AWS, TLS, a runtime, patterns, the handler's zip.
DEFERRED = re.compile(r"aws_|tokio|hyper(_|$)|rustls|ring$|webpki|regex|zip$|miniz_oxide|sha2|rayon|schemars|indicatif|dialoguer")

#: Millions of instructions that a debug build may take: what it took when this was last looked at, and a quarter more.
MILLIONS = {"--version": 6.2 * 1.25, "render": 122.5 * 1.25, "check": 122.5 * 1.25}


class Executed(NamedTuple):
    """The crates that a process ran code of, and its number of instructions."""

    crates: set[str]
    instructions: int


def execute(folder: Path, *words: str, pairs: int = 1) -> Executed:
    """Runs a command in a folder with a spec of so many pairs."""
    pair = SPEC["pairs"]["gpu"]
    numbered = {f"gpu{number}": pair | {"queue": {"name": f"jobs-{number}"}} for number in range(pairs)}
    (folder / "spotstack.yaml").write_text(yaml.safe_dump(SPEC | {"pairs": numbered}))
    profile = folder / f"{words[0]}.profile"
    ran = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", BINARY, *words],
        cwd=folder,
        env={"HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    counted = re.search(r"Collected : (\d+)", ran.stderr)
    assert counted and "panicked" not in ran.stderr, ran.stderr
    # `fn=(12) <alloc::string::String as core::clone::Clone>::clone`: a name stands where its number is first used.
    crates = re.findall(r"^c?fn=\(\d+\) [<&]*(?:mut |dyn )?(\w+)::", profile.read_text(), re.M)
    return Executed(set(crates), int(counted[1]))


@pytest.mark.parametrize("command", MILLIONS)
def test_nothing_is_done_before_it_is_needed(tmp_path, command):
    crates, instructions = execute(tmp_path, command)
    assert "spotstack" in crates
    assert not {crate for crate in crates if DEFERRED.search(crate)}
    assert instructions < MILLIONS[command] * 1e6


def test_a_command_that_needs_aws_is_seen_to_use_it(tmp_path):
    """The test above can fail."""
    crates = execute(tmp_path, "explain", "--endpoint-url", "http://127.0.0.1:9").crates
    assert {"tokio", "aws_config"} <= {crate for crate in crates if DEFERRED.search(crate)}


def test_every_further_pair_costs_the_same(tmp_path):
    """Rendering grows as what is rendered: nothing looks through all pairs once for each of them."""
    one, two, three = (execute(tmp_path, "render", pairs=pairs).instructions for pairs in (1, 2, 3))
    assert 0 < three - two < 1.1 * (two - one)
