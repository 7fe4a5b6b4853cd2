"""Pages in a real browser: no errors in its console, nothing asked of the network, and the numbers are those of the JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

SPOTSTACK = Path(os.environ.get("SPOTSTACK", Path(__file__).parents[2] / "target/debug/spotstack")).resolve()
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on PATH (on Debian: apt install chromium)")


class Page(HTMLParser):
    """The tables of a page by their captions, and its drawings' labels."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.labels: list[str] = []
        self.focusable = 0
        self.rows: list[list[str]] = []
        self.caption = ""
        self.within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "table":
            self.rows = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        elif tag == "svg":
            assert values.get("role") == "img"
            self.labels.append(values.get("aria-label") or "")
        self.focusable += values.get("tabindex") == "0"
        self.within = tag

    def handle_data(self, data: str) -> None:
        if self.within in ("th", "td"):
            self.rows[-1][-1] += data
        elif self.within == "caption":
            self.caption = data

    def handle_endtag(self, tag: str) -> None:
        self.within = ""
        if tag == "table":
            self.tables[self.caption] = self.rows


def run(folder: Path, *arguments: str) -> str:
    ran = subprocess.run([SPOTSTACK, *arguments], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Opens a page in a browser of its own, which can reach nothing else."""
    command = [CHROMIUM, "--headless", "--disable-gpu", f"--user-data-dir={page.parent / 'chromium'}"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += ["--proxy-server=127.0.0.1:9", "--enable-logging=stderr", "--v=0", *options, page.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran


@pytest.fixture
def simulated(tmp_path: Path) -> tuple[Path, dict]:
    """A page of a simulation, and the same as JSON."""
    run(tmp_path, "init", "--yes", "--quiet")
    arguments = ["simulate", "--duration", "20d", "--pattern", "bursts", "--on-demand-price", "1.212", "--format", "json"]
    report = json.loads(run(tmp_path, *arguments, "--html", "report.html"))
    return tmp_path / "report.html", report["pairs"][0]


@pytest.fixture
def priced(tmp_path: Path) -> tuple[Path, dict]:
    """A page of half a year of prices, and the same as JSON."""
    run(tmp_path, "init", "--yes", "--quiet", "--max-price", "0.55")
    history = Path(__file__).parents[2] / "examples/traces/prices.csv"
    report = json.loads(run(tmp_path, "prices", "--history", str(history), "--format", "json", "--html", "report.html"))
    return tmp_path / "report.html", report["prices"][0]


@pytest.mark.parametrize("kind", ["simulated", "priced"])
def test_a_browser_has_nothing_to_complain_of(kind: str, request: pytest.FixtureRequest) -> None:
    page, _ = request.getfixturevalue(kind)
    ran = browse(page, "--dump-dom")
    # A page of one file has nothing to load and no script to fail.
    assert "CONSOLE" not in ran.stderr, ran.stderr
    assert "<script" not in ran.stdout and "</html>" in ran.stdout


def test_the_numbers_of_the_page_are_those_of_the_json(simulated: tuple[Path, dict]) -> None:
    page, report = simulated
    seen = Page(browse(page, "--dump-dom").stdout)
    money, happened = seen.tables["Money and waiting"], seen.tables["What happened"]
    assert len(money) == len(happened) == 1 + len(report["results"])
    percent = lambda share: "-" if share is None else f"{share * 100:.1f}%"
    for row, events, result in zip(money[1:], happened[1:], report["results"], strict=True):
        assert row[0] == events[0]
        assert float(row[1]) == pytest.approx(result["cost_usd"], abs=0.006)
        assert float(row[2].rstrip("%")) == pytest.approx(100 * result["saving"], abs=0.06)
        assert row[3] in (percent(result["spot_share"]), "-") or float(row[3].rstrip("%")) == pytest.approx(
            100 * result["spot_share"], abs=0.06
        )
        assert int(events[1]) == result["jobs"]["done"]
        assert int(events[2]) == result["jobs"]["waiting"] + result["jobs"]["running"]
        assert events[4] == ("-" if result["fallbacks"] is None else str(result["fallbacks"]))
        assert int(events[5]) == result["interruptions"]
    # Whoever does not see the drawings hears what they show, and reaches wide tables by the keyboard.
    assert len(seen.labels) >= 6 and all(len(label) > 10 for label in seen.labels)
    assert f"{report['results'][0]['cost_usd']:.2f} USD" in seen.labels[0]
    assert seen.focusable >= 2


def test_the_prices_of_the_page_are_those_of_the_json(priced: tuple[Path, dict]) -> None:
    page, report = priced
    seen = Page(browse(page, "--dump-dom").stdout)
    (rows,) = seen.tables.values()
    assert [row[0] for row in rows[1:]] == [*(zone["zone"] for zone in report["zones"]), "any zone"]
    for row, zone in zip(rows[1:], report["zones"], strict=False):
        wanted = [zone[column] for column in ("now", "mean", "weighted_mean", "p95")]
        assert [float(cell) for cell in row[1:5]] == pytest.approx(wanted, abs=0.00006)
        assert float(row[5].rstrip(" %")) == pytest.approx(100 * zone["worth_it"], abs=0.51)
    assert f"{report['zones'][0]['now']:.4f}" in seen.labels[0] and seen.focusable >= 1


@pytest.mark.parametrize("kind", ["simulated", "priced"])
def test_it_is_drawn_and_printed(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    page, _ = request.getfixturevalue(kind)
    pictures = {}
    for name, options in {"light": [], "dark": ["--blink-settings=preferredColorScheme=0"], "narrow": []}.items():
        width = 400 if name == "narrow" else 1000
        browse(page, f"--window-size={width},1200", f"--screenshot={tmp_path / name}.png", *options)
        pictures[name] = (tmp_path / f"{name}.png").read_bytes()
        assert pictures[name].startswith(b"\x89PNG") and len(pictures[name]) > 20_000
    assert pictures["light"] != pictures["dark"]
    browse(page, f"--print-to-pdf={tmp_path / 'report.pdf'}")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
