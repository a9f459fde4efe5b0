"""Pictures of the pages Models, Routing and Accounts, in every look, empty, and cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.settled import settled
from tui.screenshots import dashboard

Snap = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
PAGES = {"models": "3", "routing": "5", "accounts": "6"}
LOOKS = ("nexus-dark", "nexus-light", "nexus-mono")

every_page = pytest.mark.parametrize("page", PAGES)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
@every_page
def test_page(snap_compare: Snap, page: str, size: str, look: str) -> None:
    app, _ = dashboard("degraded", no_color=look == "nexus-mono")
    before = settled(PAGES[page], theme=look)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@every_page
def test_without_backends(snap_compare: Snap, page: str) -> None:
    app, _ = dashboard("empty")
    before = settled(PAGES[page], theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=before)


@every_page
def test_lost_connection(snap_compare: Snap, page: str) -> None:
    app, source = dashboard("degraded")
    source.end()
    before = settled(PAGES[page], theme="nexus-dark")
    assert snap_compare(app, terminal_size=SIZES["120x36"], run_before=before)
