"""Pictures of the page about one backend: every look, every size, each table open."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nexus.domain.backend import BackendStatus
from tests.fakes.settled import settled
from tui.screenshots import START, TOLD_S, dashboard
from tui.sources.story import Story

Snap = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
LOOKS = ("nexus-dark", "nexus-light", "nexus-mono")
WORKSHOP = ("2", "down", "down", "down")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_backend(snap_compare: Snap, size: str, look: str) -> None:
    app, _ = dashboard("degraded", no_color=look == "nexus-mono")
    before = settled(*WORKSHOP, theme=look)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


def test_a_large_terminal(snap_compare: Snap) -> None:
    app, _ = dashboard("degraded")
    assert snap_compare(app, terminal_size=(160, 50), run_before=settled(*WORKSHOP))


FLOWS = {
    "models": (*WORKSHOP, "tab", "down"),
    "failing": (*WORKSHOP, "tab", "tab"),
    "past": (*WORKSHOP, "tab", "tab", "tab"),
    "told": (*WORKSHOP, "tab", "tab", "tab", "tab"),
    "down": ("2", "end", "up"),
    "draining": ("2", "down"),
    "load": (*WORKSHOP, "tab", "down", "L"),
    "no-history": ("2", "right_square_bracket", "right_square_bracket"),
    "nothing-matches": ("2", "slash", *"zzz", "enter"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flow", FLOWS)
def test_flows(snap_compare: Snap, flow: str, size: str) -> None:
    app, _ = dashboard("degraded")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled(*FLOWS[flow]))


@pytest.mark.parametrize("size", SIZES)
def test_a_history_with_turns(snap_compare: Snap, size: str) -> None:
    app, source = dashboard("busy")
    story = Story(START + TOLD_S - 90)
    source.push(story.turn("gpu-01", BackendStatus.STALLED, "no byte for 60 s (2 requests)"))
    story.now += 40
    source.push(story.turn("gpu-01", BackendStatus.HEALTHY, ""))
    story.now += 30
    source.push(story.turn("gpu-01", BackendStatus.DRAINING, "drained by the operator"))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled("2"))


@pytest.mark.parametrize("story", ["empty", "nothing"])
def test_without_backends(snap_compare: Snap, story: str) -> None:
    app, _ = dashboard(story)
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=settled("2"))
