"""Renders every screen from a told story: `python -m tui.screenshots [FOLDER]`.

The same story gives the same pictures. SVG always; PNG beside it where a Chromium is installed.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nexus.domain.backend import BackendType
from nexus.domain.events import FleetSeen, Update
from nexus.domain.fleet import Fleet
from nexus.domain.gateway import GatewayInfo, Recognition
from nexus.domain.keys import Keyring
from nexus.domain.routes import Routes
from tui.app import NexusDashboard
from tui.sources.accounts import accounts, summary
from tui.sources.keyring import ANOTHER, FIRST, REVOKED, ring
from tui.sources.lines import lines, made
from tui.sources.replay import ReplaySource
from tui.sources.story import ALIASES, Story, scanned

START = 1_800_000_000.0
"""Unix seconds at which every picture's story begins."""
TOLD_S = 125.0
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: a story, a terminal, the keys pressed in it."""

    name: str
    size: tuple[int, int] = (120, 36)
    story: str = "busy"
    """`busy`, `degraded`, `empty`, or `nothing` before the first picture."""
    keys: Sequence[str] = ()
    no_color: bool = False


SHOTS = (
    Shot("fleet"),
    Shot("fleet-80x24", (80, 24)),
    Shot("fleet-160x50", (160, 50)),
    Shot("fleet-light", keys=("t",)),
    Shot("fleet-no-color", no_color=True),
    Shot("degraded", story="degraded"),
    Shot("empty", story="empty"),
    Shot("filter", keys=("slash", *"qwen")),
    Shot("charts-80x24", (80, 24), "degraded", ("v",)),
    Shot("backend", story="degraded", keys=("2", "down", "down", "down")),
    Shot("backend-80x24", (80, 24), "degraded", ("2", "down", "down", "down")),
    Shot("backend-160x50", (160, 50), "degraded", ("2", "down", "down", "down")),
    Shot("model", keys=("M", "enter")),
    Shot("request", keys=("R", "enter")),
    Shot("requests", story="degraded", keys=("4", "end", "home", "down")),
    Shot("requests-80x24", (80, 24), "degraded", ("4",)),
    Shot("story", story="degraded", keys=("4", "slash", *"llama status:ok", "enter", "enter")),
    Shot("story-80x24", (80, 24), "degraded", ("4", "slash", *"status:ok", "enter", "enter")),
    Shot("logs", story="degraded", keys=("7",)),
    Shot("changes", story="degraded", keys=("7", "c")),
    Shot("models", story="degraded", keys=("3",)),
    Shot("models-80x24", (80, 24), "degraded", ("3",)),
    Shot("routing", keys=("5",)),
    Shot("routing-80x24", (80, 24), keys=("5",)),
    Shot("alias", keys=("5", "e")),
    Shot("accounts", keys=("6",)),
    Shot("key", keys=("6", "n", *"laptop", "enter", "enter", "right", "enter")),
    Shot("revoke-80x24", (80, 24), keys=("6", "x", *"maria")),
    Shot("drain", keys=("end", "d")),
    Shot("add", keys=("n", *"http://10.0.0.44:8000")),
    Shot("edit", keys=("e", *"20")),
    Shot("remove", keys=("x",)),
    Shot("quit", keys=("q",)),
    Shot("help", keys=("question_mark",)),
    Shot("palette", keys=("ctrl+p",)),
)


def told(story: str) -> tuple[list[Update], float]:
    """Updates of one story and the moment it ends."""
    if story == "nothing":
        return [], START
    if story == "empty":
        return [FleetSeen(Fleet(), {}), *scanned(START)], START
    teller = Story(START, degraded=story == "degraded")
    return [teller.opening(), *teller.tell(TOLD_S)], teller.now


def dashboard(story: str, *, no_color: bool = False) -> tuple[NexusDashboard, ReplaySource]:
    """A dashboard whose clock stands at the end of the story."""
    updates, now = told(story)
    info = GatewayInfo(
        "http://127.0.0.1:8000", "0.1.0", START - 753, "", demo=story in ("busy", "degraded")
    )
    source = ReplaySource(info, updates)
    source.stories = accounts(updates)
    source.past = tuple(map(summary, reversed(source.stories.values())))
    source.lines = lines(updates, now)
    source.made = made(now)
    source.found = {
        url: Recognition(url, BackendType.VLLM, "vLLM 0.11.0 (/v1/models owned_by)")
        for url in ("http://10.0.0.44:8000",)
    }
    source.table = Routes("1", aliases=ALIASES)
    source.ring = ring(now) if story in ("busy", "degraded") else Keyring(version="1")
    source.key_impact = ANOTHER if source.ring.keys else FIRST
    source.revoke_impact = REVOKED
    return NexusDashboard(source, clock=lambda: now, utc_offset_s=0, no_color=no_color), source


async def take(shot: Shot, folder: Path) -> Path:
    """Paint one picture; returns its file."""
    app, _ = dashboard(shot.story, no_color=shot.no_color)
    async with app.run_test(size=shot.size) as pilot:
        await pilot.pause(0.5)
        await pilot.press(*shot.keys)
        await pilot.pause(0.5)
        app.save_screenshot(f"{shot.name}.svg", str(folder))
    return folder / f"{shot.name}.svg"


def to_png(svg: Path, chromium: str) -> None:
    """The picture as a browser paints it: simpler converters let columns drift."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text())
    width, height = (int(float(side)) + 1 for side in box.groups()) if box else (1400, 900)
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={svg.with_suffix('.png').absolute()}",
                svg.absolute().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )


async def take_all(folder: Path, names: Sequence[str]) -> list[Path]:
    """Every picture, or those named."""
    return [await take(shot, folder) for shot in SHOTS if not names or shot.name in names]


def main(arguments: Sequence[str]) -> None:
    """Write the pictures into `screenshots/`, or into the folder named first."""
    folder = Path(arguments[0]) if arguments else Path("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    files = asyncio.run(take_all(folder, arguments[1:]))
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        sys.stdout.write("no Chromium found: SVG only\n")
    for svg in files:
        if chromium:
            to_png(svg, chromium)
        sys.stdout.write(f"{svg}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
