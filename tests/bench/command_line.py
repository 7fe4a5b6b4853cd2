"""Whole processes in turns: medians of wall and processor time, peak memory, ratios; how rendering and simulating grow; a plot."""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPOTSTACK = str(pathlib.Path(os.environ["SPOTSTACK"]).resolve())
PAIRS = (1, 5, 10, 20)
DAYS = (1, 10, 100)


@dataclass
class Command:
    """A command, and what its runs cost."""

    name: str
    line: list[str]
    folder: pathlib.Path
    slow: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self, counts: bool) -> None:
        """Once; milliseconds are kept where it counts."""
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        ran = subprocess.run(
            self.line,
            cwd=self.folder,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        if ran.returncode:
            raise SystemExit(f"{self.line} failed:\n{ran.stderr.decode()[-2000:]}")
        if counts:
            self.wall.append(wall * 1000)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            self.processor.append(used * 1000)

    def mebibytes(self) -> float | None:
        """The peak, by GNU time: a child of this Python would count Python's own memory."""
        if not shutil.which("/usr/bin/time"):
            return None
        ran = subprocess.run(
            ["/usr/bin/time", "-f", "%M", *self.line],
            cwd=self.folder,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return int(ran.stderr.split()[-1]) / 1024

    def instructions(self) -> float | None:
        """Millions of instructions, by valgrind: the same number at every run, whatever else the machine does."""
        if self.slow or not shutil.which("valgrind"):
            return None
        ran = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *self.line],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        counted = re.search(r"Collected : (\d+)", ran.stderr.decode())
        return int(counted[1]) / 1e6 if counted else None


def spec(pairs: int) -> str:
    """A spec with a worker script, as a real one has it. Of pairs that bring queue and instance profile 20 are fewer than the 500
    resources that CloudFormation takes."""
    lines = ["stack: bench", "tags: {team: media}"]
    lines += ["network: {subnets: [subnet-0a1b2c3d], security_groups: [sg-0a1b2c3d]}", "pairs:"]
    for number in range(1, pairs + 1):
        arn = f"arn:aws:sqs:eu-west-1:111122223333:jobs-{number}"
        queue, profile = ("{name: jobs}", "") if pairs == 1 else (f'{{arn: "{arn}"}}', ", instance_profile: worker")
        image = f"image: ami-0123456789abcdef0, user_data: worker.sh{profile}"
        lines += [f"  gpu{number}:", f"    queue: {queue}", f"    launch: {{instance_type: g5.2xlarge, {image}}}"]
        lines += ["    spot: {max_price: 0.55}", "    workers: {max: 4}"]
    return "\n".join(lines) + "\n"


def own(folder: pathlib.Path) -> list[Command]:
    """What spotstack is asked most."""
    shutil.copy(ROOT / "examples/worker.sh", folder)
    for pairs in PAIRS:
        (folder / f"{pairs}.yaml").write_text(spec(pairs))
    subprocess.run([SPOTSTACK, "-q", "-f", "1.yaml", "render", "-o", "template.yaml"], cwd=folder, check=True)
    commands = [Command("spotstack --version", [SPOTSTACK, "--version"], folder)]
    for pairs in PAIRS:
        name = f"spotstack render, {pairs} pair{'s' * (pairs > 1)}"
        commands.append(Command(name, [SPOTSTACK, "-q", "-f", f"{pairs}.yaml", "render"], folder))
    check = [SPOTSTACK, "-q", "-f", "1.yaml", "check"]
    against = [SPOTSTACK, "-q", "-f", "1.yaml", "diff", "--against", "template.yaml"]
    commands += [Command("spotstack check", check, folder), Command("spotstack diff --against", against, folder)]
    for days in DAYS:
        simulate = [SPOTSTACK, "-q", "-f", "1.yaml", "simulate", "--duration", f"{days}d", "--jobs-per-hour", "12"]
        commands.append(Command(f"spotstack simulate, {days} day{'s' * (days > 1)}", simulate, folder))
    return commands


def peers(folder: pathlib.Path, installed: pathlib.Path) -> list[Command]:
    """The same twin stack through what others use."""
    sceptre = folder / "sceptre"
    (sceptre / "config").mkdir(parents=True)
    (sceptre / "templates").mkdir()
    shutil.copy(folder / "template.yaml", sceptre / "templates/twins.yaml.j2")
    (sceptre / "config/config.yaml").write_text("project_code: bench\nregion: eu-west-1\n")
    (sceptre / "config/bench.yaml").write_text(
        "template: {path: twins.yaml.j2, type: file}\nparameters: {ArtifactBucket: b, HandlerKey: k}\n"
    )
    cdk = folder / "cdk"
    cdk.mkdir()
    (cdk / "node_modules").symlink_to(installed / "cdk/node_modules")
    (cdk / "cdk.json").write_text('{"app": "node app.js"}')
    shutil.copy(folder / "template.yaml", cdk)
    (cdk / "app.js").write_text(
        "const { App, Stack } = require('aws-cdk-lib')\n"
        "const { CfnInclude } = require('aws-cdk-lib/cloudformation-include')\n"
        "const stack = new Stack(new App(), 'bench')\n"
        "new CfnInclude(stack, 'twins', { templateFile: 'template.yaml' })\n"
    )
    offline = {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "SAM_CLI_TELEMETRY": "0",
    }
    program = lambda peer, name: str(installed / peer / "bin" / name)
    return [
        Command(
            "sceptre generate", [program("sceptre", "sceptre"), "generate", "bench.yaml"], sceptre, True, offline
        ),
        Command(
            "sam validate --lint",
            [program("aws-sam-cli", "sam"), "validate", "--lint", "--template", "template.yaml"],
            folder,
            True,
            offline,
        ),
        Command(
            "cdk synth", [str(cdk / "node_modules/.bin/cdk"), "synth", "--quiet", "--no-notices"], cdk, True, offline
        ),
        Command("cfn-lint", [program("cfn-lint", "cfn-lint"), "--template", "template.yaml"], folder, True, offline),
    ]


def measure(commands: list[Command], rounds: int) -> None:
    """In turns, so that what else the machine does meets all of them. The first round warms the caches."""
    for number in range(rounds + 1):
        for command in commands:
            if not command.slow or number % 5 == 0:
                command.run(counts=number > 0 or command.slow)


def table(commands: list[Command]) -> None:
    """Medians, the fastest run beside them, and how much more than a render."""
    one = statistics.median(next(each for each in commands if each.name.endswith("1 pair")).wall)
    load = pathlib.Path("/proc/loadavg")
    busy = load.read_text().split()[0] if load.exists() else "?"
    print(f"{os.cpu_count()} cores, load {busy}; milliseconds, medians of {len(commands[0].wall)} runs (slow ones: fewer)")
    heads = ["wall", "fastest", "processor", "peak", "instructions", "wall / render of 1 pair"]
    print(" " * 28, *(f"{head:>12}" for head in heads))
    for each in commands:
        wall, peak, instructions = statistics.median(each.wall), each.mebibytes(), each.instructions()
        cells = [f"{wall:.1f}", f"{min(each.wall):.1f}", f"{statistics.median(each.processor):.1f}"]
        cells += [f"{peak:.1f} MiB" if peak else "-", f"{instructions:.1f} M" if instructions else "-", f"{wall / one:.1f}"]
        print(f"{each.name:28}", *(f"{cell:>12}" for cell in cells))


def plot(commands: list[Command], file: pathlib.Path) -> None:
    """Bars on a logarithmic axis, light and dark, with the numbers as text for those who do not see it."""
    from math import log10

    rows = [(each.name, statistics.median(each.wall)) for each in commands]
    height, left, width = 26, 215, 420
    longest = max(log10(wall) for _, wall in rows)
    describe = "; ".join(f"{name}: {wall:.1f} ms" for name, wall in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {len(rows) * height + 34}" role="img" '
        'aria-labelledby="title words" font-family="system-ui, sans-serif" font-size="13">',
        "<title id=\"title\">Wall time of whole commands, medians, logarithmic</title>",
        f'<desc id="words">{describe}</desc>',
        "<style>text{fill:#24292f}rect{fill:#8c959f}.own{fill:#1f6feb}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#6e7681}.own{fill:#58a6ff}}</style>",
    ]
    for index, (name, wall) in enumerate(rows):
        y, bar = index * height + 4, max(2, width * log10(max(wall, 1)) / longest)
        own = ' class="own"' if name.startswith("spotstack") else ""
        words = f"{wall:.1f} ms" if wall < 100 else f"{wall / 1000:.1f} s"
        lines.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name}</text>')
        lines.append(f'<rect{own} x="{left}" y="{y}" width="{bar:.0f}" height="20" rx="3"/>')
        lines.append(f'<text x="{left + bar + 6:.0f}" y="{y + 15}">{words}</text>')
    note = f"medians on {os.cpu_count()} cores, logarithmic axis"
    lines += [f'<text x="{left}" y="{len(rows) * height + 22}" font-size="11">{note}</text>', "</svg>"]
    file.write_text("\n".join(lines) + "\n")
    print(f"wrote {file}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--peers", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--plot", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        commands = own(folder)
        if arguments.peers:
            commands += peers(folder, arguments.peers)
        measure(commands, arguments.rounds)
        table(commands)
        if arguments.plot:
            plot(commands, arguments.plot)


if __name__ == "__main__":
    main()
