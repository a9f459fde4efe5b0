"""Pictures of the page Fleet: every look, every size, and what stands before it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nexus.domain.backend import BackendId
from nexus.domain.events import LinkChanged, ServerFound, ZoneBreached
from tests.fakes.settled import settled
from tests.tui.test_app import found
from tui.screenshots import START, dashboard

Snap = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
LOOKS = ("nexus-dark", "nexus-light", "nexus-mono")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("story", ["busy", "degraded", "empty"])
def test_fleet(snap_compare: Snap, story: str, size: str, look: str) -> None:
    app, _ = dashboard(story, no_color=look == "nexus-mono")
    before = settled(theme=look)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("size", [(160, 50), (200, 40)], ids=["160x50", "200x40"])
def test_a_large_terminal(snap_compare: Snap, size: tuple[int, int]) -> None:
    app, _ = dashboard("degraded")
    assert snap_compare(app, terminal_size=size, run_before=settled())


FLOWS = {
    "trouble": ("exclamation_mark", "exclamation_mark"),
    "models": ("M",),
    "charts": ("v",),
    "sorted-and-filtered": ("s", "slash", *"qwen", "enter"),
    "drain": ("d",),
    "drain-the-only-copy": ("end", "d", *"open"),
    "add": ("n", *"gpu-9"),
    "edit": ("e", *"9"),
    "remove": ("x",),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flow", FLOWS)
def test_flows(snap_compare: Snap, flow: str, size: str) -> None:
    app, _ = dashboard("degraded")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled(*FLOWS[flow]))


@pytest.mark.parametrize("look", ["nexus-light", "nexus-mono"])
def test_a_dialog_in_the_other_looks(snap_compare: Snap, look: str) -> None:
    app, _ = dashboard("degraded", no_color=look == "nexus-mono")
    before = settled("end", "d", theme=look)
    assert snap_compare(app, terminal_size=SIZES["120x36"], run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_alarms(snap_compare: Snap, size: str) -> None:
    app, source = dashboard("degraded")
    waiting = found()
    assert isinstance(waiting, ServerFound)
    openai = BackendId("openai")
    source.push(
        waiting,
        ZoneBreached(START + 100, "req_1", openai, "openai", "openai now leads to 203.0.113.9"),
        LinkChanged(START + 120, False, "reconnecting in 4 s: connection refused"),
    )
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled())


def test_lost_connection(snap_compare: Snap) -> None:
    app, source = dashboard("busy")
    source.end()
    assert snap_compare(app, terminal_size=SIZES["120x36"], run_before=settled())


def test_before_the_first_picture(snap_compare: Snap) -> None:
    app, _ = dashboard("nothing")
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=settled())


def test_a_terminal_that_is_too_small(snap_compare: Snap) -> None:
    app, _ = dashboard("busy")
    assert snap_compare(app, terminal_size=(50, 12), run_before=settled())
