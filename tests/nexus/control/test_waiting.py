"""Servers that discovery found, without any transport."""

from __future__ import annotations

from tests.fakes.desk import Desk


async def test_scanning_scans() -> None:
    desk = Desk()
    await desk.control.waiting.scan()

    assert desk.scans.count == 1
