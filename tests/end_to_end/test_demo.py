"""examples/demo.sh, the first command of the README."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

from project import BINARY, REPOSITORY, Ran


def show(folder: Path, binary: Path) -> Ran:
    """Runs the demo without building anything, its temporary files in this folder."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "SPOTSTACK_VENV") if name in os.environ}
    done = subprocess.run(
        [str(REPOSITORY / "examples/demo.sh")],
        env=environment | {"SPOTSTACK": str(binary), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def is_clean(folder: Path, ran: Ran) -> bool:
    """No file is left, and nobody listens where the local AWS was."""
    (port,) = re.findall(r"AWS_ENDPOINT_URL is http://127\.0\.0\.1:(\d+)", ran.out)
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) != 0 and list(folder.iterdir()) == []


def test_the_demo_shows_what_it_promises_and_leaves_nothing(tmp_path):
    """Every step happens, nothing is coloured in a pipe, and server and files are gone afterwards."""
    ran = show(tmp_path, BINARY).ok()
    assert ran.err == ""
    assert "\x1b" not in ran.out
    for words in ("scale up Spot to 1", "scale up On-Demand to 1", "$ spotstack explain", "`demo` is destroyed"):
        assert words in ran.out, ran.out
    assert is_clean(tmp_path, ran)


def test_a_demo_that_does_not_work_says_where_and_leaves_nothing(tmp_path):
    """A spotstack that deploys nothing: the demo fails at that step."""
    binary = tmp_path / "bin/spotstack"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\n[ "$1" = deploy ] && exit 1\nexec {BINARY} "$@"\n')
    binary.chmod(0o755)
    folder = tmp_path / "tmp"
    folder.mkdir()
    ran = show(folder, binary)
    assert ran.code == 1
    assert ran.err == "demo.sh: it ended in: One command makes it so\n"
    assert is_clean(folder, ran)
