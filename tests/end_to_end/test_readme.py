"""Every command of spotstack in README.md, in its order, in one project against one local AWS."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from project import BINARY, CHEAP, REGION, REPOSITORY, SUBNETS, prices

README = (REPOSITORY / "README.md").read_text()
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: A command, its continued lines with it, and the remark behind it.
COMMAND = re.compile(r"^\$ (spotstack (?:.*\\\n)*.*?)(?:\s{2,}# (.*))?$", re.MULTILINE)

#: What a reader types or chooses where the README says nothing.
ANSWERS = {
    "spotstack init": f" --yes --subnets {','.join(SUBNETS)} --security-groups sg-0a1b2c3d4e5f60001 --max-price 0.55"
    f" --image ami-0123456789abcdef0 --instance-type g5.2xlarge --region {REGION}",
    "spotstack deploy": " --yes",
    "spotstack recover": " --yes",
    "spotstack destroy": " --yes",
}

#: Goes on until somebody ends it.
ENDLESS = ("--watch", "--follow")


def commands() -> list[tuple[str, str]]:
    """Each command and its remark. What destroys is for the end, whichever place it has in the README."""
    found = [match.groups(default="") for block in CONSOLE.findall(README) for match in COMMAND.finditer(block)]
    return sorted(found, key=lambda each: each[0].startswith("spotstack destroy"))


@pytest.fixture
def folder(tmp_path):
    """Where the reader is: the files that the README names, and spotstack on the PATH."""
    there = tmp_path / "reader"
    (there / "bin").mkdir(parents=True)
    (there / "bin/spotstack").symlink_to(BINARY)
    record = re.search(r"^```json\n(\{\"record\".*?)\n```", (REPOSITORY / "lambda-handler/README.md").read_text(), re.M)
    record = json.loads(record[1])
    (there / "decisions.jsonl").write_text(json.dumps(record) + "\n")
    (there / "situation.json").write_text(json.dumps(record["situation"]))
    (there / "capacity.csv").write_bytes((REPOSITORY / "examples/traces/us-west-2.capacity.csv").read_bytes())
    change = {"InstanceType": "g5.2xlarge", "ProductDescription": "Linux/UNIX", "SpotPrice": "0.41"}
    change |= {"AvailabilityZone": "us-west-2a", "Timestamp": "2026-11-01T00:00:00Z"}
    (there / "prices.json").write_text(json.dumps({"SpotPriceHistory": [change]}))
    (there / "jobs.csv").write_text("seconds,service\n0,600\n")
    return there


def test_every_command_works_as_written(folder, world):
    prices(world, CHEAP)
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "AWS_ENDPOINT_URL": world.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    ran, failed = [], []
    for command, remark in commands():
        name = " ".join(command.split()[:2])
        # One that was made once already asks for nothing more.
        typed = command + ANSWERS.get(name, "") + (" --force" if name == "spotstack init" and name in ran else "")
        if any(word in command for word in ENDLESS):
            typed = f"timeout --signal INT 5 {typed}"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", typed],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        ran.append(name)
        differences = "exits 2" in remark or "2: differences" in remark or name == "spotstack diff"
        allowed = {0} | ({2} if differences else set()) | ({124, 130} if typed.startswith("timeout") else set())
        if done.returncode not in allowed:
            failed.append(f"$ {typed}\nexit {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-1500:]}")
    assert not failed, "\n\n".join(failed)
    assert len(ran) > 15 and {"spotstack init", "spotstack deploy", "spotstack destroy"} <= set(ran)
