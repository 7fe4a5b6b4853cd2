"""`init` on a terminal: its questions, the choices from an account, and the command that needs no questions."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from project import BINARY, REGION, SECONDS, SUBNETS, Listener, Ran

FILES = ["spotstack.schema.json", "spotstack.yaml", "worker.sh"]


def run(folder: Path, environment: dict[str, str], *words: str, talk: Sequence[tuple[str, str]] | None = None) -> Ran:
    """Runs the binary on a terminal and types each text once what it waits for has been said; what was said is in `err`."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm", "NO_COLOR": "1"} | environment
    running = subprocess.Popen(
        [str(BINARY), *words],
        cwd=folder,
        env=environment | {"AWS_EC2_METADATA_DISABLED": "true"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: os.ttyname(0) and os.close(os.open(os.ttyname(0), os.O_RDWR)),  # the controlling terminal
    )
    os.close(theirs)
    said, heard = "", 0

    def plain() -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", said)

    with contextlib.suppress(OSError):  # the end of what is said is an error on Linux
        for wanted, typed in talk or ():
            while wanted not in plain()[heard:]:
                assert select.select([ours], [], [], SECONDS)[0], f"«{wanted}» was not said after:\n{plain()}"
                said += os.read(ours, 4096).decode()
            heard = plain().index(wanted, heard) + len(wanted)
            os.write(ours, typed.encode())
        while piece := os.read(ours, 4096):
            said += piece.decode()
    os.close(ours)
    return Ran(running.wait(SECONDS), "", plain())


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with nothing in it."""
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    return folder


#: A credential of the local AWS.
WHO = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

ENTER = "\r"


def test_the_account_is_offered_and_the_same_is_written_without_questions(world, folder):
    """By number and by name; a wrong answer is refused where it is given; the command that is printed does it all again."""
    world.client("sqs").create_queue(QueueName="render-jobs")
    world.client("ec2").create_key_pair(KeyName="media")
    world.client("iam").create_instance_profile(InstanceProfileName="worker")
    arn = f"arn:aws:sqs:{REGION}:000000000000:render-jobs"
    talk = [
        ("Name of the CloudFormation stack [spot-workers]:", "1st" + ENTER),
        ("`1st` cannot be a stack's name", "studio" + ENTER),
        (f"Region [{REGION}]:", ENTER),
        ("Name of the pair [gpu]:", ENTER),
        (f"1  {arn}", ""),
        ("Queue of jobs, by number or in words [render-jobs]:", "1" + ENTER),
        ("Launch templates or configurations, by number or in words [1]:", ENTER),
        ("Instance type [g5.2xlarge]:", "big" + ENTER),
        ("`big` is not an instance type", "c7g.large" + ENTER),
        ("1  Amazon Linux 2023  ssm:/aws/service", ""),
        ("Image, by number or in words [1]:", ENTER),
        (f"{SUBNETS[0]}  {REGION}a  vpc-", ""),
        ("Subnets, by number or id, with commas", ""),
        ("]:", ",".join(SUBNETS) + ENTER),
        ("sg-0a1b2c3d4e5f60001  workers  vpc-", ""),
        ("Security groups, by number or id, with commas", ""),
        ("]:", "sg-0a1b2c3d4e5f60001" + ENTER),
        ("EC2 key pair, by number or in words [none]:", "media" + ENTER),
        ("Instance profile, by number or in words [none]:", ENTER),
        ("Max price of a Spot instance-hour in USD [none]:", "0.05" + ENTER),
        ("Workers at most [4]:", "2" + ENTER),
        ("Protect busy workers [no]:", "y" + ENTER),
        ("A workflow for GitHub Actions [no]:", "yes" + ENTER),
    ]
    environment = WHO | {"AWS_REGION": REGION}
    ran = run(folder, environment, "init", "--endpoint-url", world.endpoint, talk=talk).ok()
    assert written(folder) == [".github/workflows/spotstack.yml", *FILES]
    spec = yaml.safe_load((folder / "spotstack.yaml").read_text())
    pair = spec["pairs"]["gpu"]
    assert (spec["stack"], spec["region"], spec["network"]["subnets"]) == ("studio", REGION, SUBNETS)
    assert (pair["queue"], pair["launch"]["key_name"]) == ({"arn": arn}, "media")
    assert (pair["spot"], pair["workers"]) == ({"max_price": 0.05}, {"max": 2, "protect": True})

    command = ran.err.partition("The same without questions:\n")[2].partition("\n\n")[0].replace("\\\n", " ")
    again = folder / "again"
    again.mkdir()
    program, *words = shlex.split(command)
    assert program == "spotstack"
    run(again, {}, *words, "--force").ok()
    assert (again / "spotstack.yaml").read_text() == (folder / "spotstack.yaml").read_text()
    workflow = yaml.safe_load((folder / ".github/workflows/spotstack.yml").read_text())
    assert workflow["env"]["SPEC"] == "again/spotstack.yaml"


def test_without_an_account_the_same_is_asked(folder):
    """No credentials and no Region: examples instead of choices, and no word about what is missing."""
    ran = run(folder, {}, "init", "--max-price", "0.4", talk=[("]:", ENTER)] * 14).ok()
    assert written(folder) == FILES
    assert "14 of 14" in ran.err and "Max price" not in ran.err and "credentials" not in ran.err
    spec = yaml.safe_load((folder / "spotstack.yaml").read_text())
    assert "region" not in spec and spec["pairs"]["gpu"]["queue"]["name"] == "render-jobs"


def test_nobody_waits_long_for_an_account_that_is_silent(folder):
    """The questions come, without choices."""
    with Listener() as silent:
        flags = ["--region", REGION, "--endpoint-url", silent.url]
        run(folder, WHO, "init", *flags, talk=[("]:", ENTER)] * 14).ok()
        assert silent.calls() > 0
    assert written(folder) == FILES


def test_whoever_leaves_early_has_nothing_written(folder):
    """Ctrl-C ends it as it ends any program; nothing is written before the last answer."""
    ran = run(folder, {}, "init", talk=[("]:", "studio" + ENTER), ("Region", "\x03")])
    assert ran.code == -signal.SIGINT, ran.err
    assert written(folder) == []


def test_what_is_there_is_said_before_anything_is_asked(folder):
    """So are flags that no spec can be made of."""
    (folder / "worker.sh").write_text("mine")
    run(folder, {}, "init").failed("`worker.sh` exists already", "--force")
    run(folder, {}, "init", "--force", "--instance-type", "big").failed("`big` is not an instance type")
    assert written(folder) == ["worker.sh"]
