"""Pictures of the page Logs: lines, one line, changes, and what is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.settled import settled
from tui.screenshots import dashboard

Snap = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
LOOKS = ("nexus-dark", "nexus-light", "nexus-mono")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [(), ("c",)], ids=["log", "changes"])
def test_logs(snap_compare: Snap, keys: tuple[str, ...], size: str, look: str) -> None:
    app, _ = dashboard("degraded", no_color=look == "nexus-mono")
    before = settled("7", *keys, theme=look)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


FLOWS = {
    "search": ("slash", *"nomic", "enter", "N"),
    "warnings": ("m", "m", "m"),
    "components": ("S",),
    "level": ("l",),
    "line": ("enter",),
    "change": ("c", "down", "enter"),
    "help": ("question_mark",),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flow", FLOWS)
def test_flows(snap_compare: Snap, flow: str, size: str) -> None:
    app, _ = dashboard("degraded")
    before = settled("7", *FLOWS[flow], theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


def test_a_traceback_unfolded_and_a_gap(snap_compare: Snap) -> None:
    app, source = dashboard("degraded")
    source.lines = (*source.lines[:3], *source.lines[40:43])
    before = settled("7", "slash", *"failed", "enter", "enter", "space", theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES["120x36"], run_before=before)


def test_an_empty_log(snap_compare: Snap) -> None:
    app, source = dashboard("empty")
    source.lines, source.made = (), ()
    before = settled("7", theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=before)
