"""Runs commands on a terminal that is only in memory, and writes what is on its screen in the end as an SVG."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import pathlib
import pty
import shutil
import struct
import subprocess
import tempfile
import termios

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SPOTSTACK = pathlib.Path(os.environ["SPOTSTACK"]).resolve()
COLUMNS, LINES = 100, 60

#: The spec of the pictures, and one mistake after another in it.
SPEC = """\
stack: media-workers
region: eu-west-1
network:
  subnets: [subnet-0a1b2c3d4e5f60001]
  security_groups: [sg-0a1b2c3d4e5f60001]
pairs:
  gpu:
    queue: {name: render-jobs, dead_letter_after: 2}
    launch: {instance_type: g5.2xlarge, image: ami-0123456789abcdef0}
    spot: {max_price: 0.55}
    workers: {max: 4}
"""

PICTURES = {
    "check": (["check"], "What a careful reviewer would say, under the lines of the spec"),
    "deploy": (
        ["deploy", "--replay", str(ROOT / "tests/deployments/failure-with-rollback.jsonl"), "--speed", "40"],
        "A deploy, every resource by what it is for",
    ),
    "simulate": (
        ["simulate", "--on-demand-price", "1.212"],
        "A month under the SpotManager and under what people do today",
    ),
}

#: A terminal as many have it.
THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)],
    [(110, 118, 129), (255, 161, 152), (86, 211, 100), (227, 179, 65), (121, 192, 255), (210, 168, 255), (86, 212, 221), (255, 255, 255)],
)

#: Without the web fonts that rich would have a reader fetch.
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}" role="img" aria-label="TITLE">
<style>.{unique_id}-matrix {{font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px}}
{styles}</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
<rect fill="#161b22" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def screen(words: list[str], folder: pathlib.Path) -> pyte.Screen:
    """What is on the screen when the command has ended."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color"}
    running = subprocess.Popen(
        [SPOTSTACK, *words], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(seen)
    # The end of what is said is an error on Linux.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 4096):
            stream.feed(piece)
    os.close(ours)
    if running.wait() != 0:
        raise SystemExit(f"spotstack {' '.join(words)} failed:\n" + "\n".join(seen.display))
    return seen


def color(name: str) -> str | None:
    """pyte's word for a colour as rich has it."""
    if name == "default":
        return None
    named = {"brown": "yellow"}
    bright = name.removeprefix("bright")
    if bright != name:
        return f"bright_{named.get(bright, bright)}"
    return named.get(name) or (f"#{name}" if len(name) == 6 and all(c in "0123456789abcdef" for c in name) else name)


def looks(cell: pyte.screens.Char) -> Style:
    """How a letter looks."""
    return Style(color=color(cell.fg), bgcolor=color(cell.bg), bold=cell.bold, underline=cell.underscore)


def text(seen: pyte.Screen) -> Text:
    """The screen with its colours, without the empty lines at its end."""
    used = [number for number in range(LINES) if seen.display[number].strip()]
    whole = Text()
    for number in range(max(used) + 1):
        cells = [seen.buffer[number][column] for column in range(len(seen.display[number].rstrip()))]
        for style, run in itertools.groupby(cells, looks):
            whole.append("".join(cell.data for cell in run), style)
        whole.append("\n")
    return whole


def main() -> None:
    for name, (words, title) in PICTURES.items():
        with tempfile.TemporaryDirectory() as made:
            folder = pathlib.Path(made)
            (folder / "spotstack.yaml").write_text(SPEC)
            shutil.copy(ROOT / "examples/worker.sh", folder)
            seen = screen(words, folder)
        typed = " ".join(word for word in words if "replay" not in word and "/" not in word and word not in ("--speed", "40"))
        console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))
        console.print(Text(f"$ spotstack {typed}\n", style="bold"), end="")
        console.print(text(seen), end="")
        file = HERE / f"{name}.svg"
        console.save_svg(str(file), title=title, theme=THEME, code_format=FORMAT.replace("TITLE", title), unique_id=f"spotstack-{name}")
        print(f"wrote {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
