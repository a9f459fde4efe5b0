"""The header line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexus.domain.events import FleetSeen, LinkChanged
from nexus.domain.fleet import Fleet
from nexus.domain.gateway import GatewayInfo
from tui.render.header import header_left
from tui.state import DashboardState, Link, reduce

INFO = GatewayInfo("http://127.0.0.1:8000", "0.1.0", 0.0, "")


def said(state: DashboardState, width: int) -> str:
    return "".join(cell.text for cell in header_left(INFO, state, width))


@pytest.mark.parametrize("width", [80, 120])
def test_a_lost_gateway_says_what_comes_next_until_it_is_back(width: int) -> None:
    state = reduce(DashboardState(), FleetSeen(Fleet(), {}))
    why = LinkChanged(1.0, False, "reconnecting in 4 s: connection refused")
    lost = reduce(state, why)
    assert "reconnecting in 4 s" in said(lost, width)
    assert ("connection refused" in said(lost, width)) == (width >= 110)

    again = reduce(reduce(lost, LinkChanged(2.0, True, "")), FleetSeen(Fleet(), {}))
    assert "lost" not in said(again, width)


def test_a_source_that_ended_without_a_word_is_lost_too() -> None:
    assert "last known state" in said(replace(DashboardState(), link=Link.LOST), 120)
    assert "✖ lost" in said(replace(DashboardState(), link=Link.LOST), 80)
