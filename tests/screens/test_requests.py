"""Pictures of the page Requests: list, story, filter, what nobody remembers."""

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
@pytest.mark.parametrize("keys", [(), ("end", "home", "down", "enter")], ids=["list", "story"])
def test_requests(snap_compare: Snap, keys: tuple[str, ...], size: str, look: str) -> None:
    app, _ = dashboard("degraded", no_color=look == "nexus-mono")
    before = settled("4", *keys, theme=look)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


FLOWS = {
    "refused": ("slash", *"status:refused", "enter", "enter", "enter"),
    "whole-page": ("slash", *"status:ok model:llama", "enter", "down", "enter", "enter"),
    "filter": ("slash", *"bakend:gpu >2s"),
    "nothing-matches": ("slash", *"model:nobody", "enter"),
    "faults": ("exclamation_mark",),
    "cancel": ("home", "K"),
    "copy": ("y",),
    "help": ("question_mark",),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flow", FLOWS)
def test_flows(snap_compare: Snap, flow: str, size: str) -> None:
    app, _ = dashboard("degraded")
    before = settled("4", *FLOWS[flow], theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_a_request_nobody_remembers(snap_compare: Snap, size: str) -> None:
    app, source = dashboard("degraded")
    source.stories = {}
    before = settled("4", "down", "enter", theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


def test_no_request_yet(snap_compare: Snap) -> None:
    app, _ = dashboard("empty")
    before = settled("4", theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=before)


def test_a_lost_connection(snap_compare: Snap) -> None:
    app, source = dashboard("busy")
    source.end()
    before = settled("4", "down", "enter", theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES["120x36"], run_before=before)
