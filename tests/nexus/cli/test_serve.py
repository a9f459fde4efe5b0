"""`nexus` on a terminal: the screen stands before the gateway, and goes before an error is told."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import pytest

from nexus.cli.serve import _on_screen
from nexus.domain.gateway import GatewayInfo
from nexus.errors import NexusError
from nexus.runtime import Gateway
from nexus.telemetry import logs
from tui.app import NexusDashboard

INFO = GatewayInfo("http://127.0.0.1:8000", "0.1.0", 1_800_000_000.0, "")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> list[str]:
    """What happens to dashboards, which paint on no terminal."""
    seen: list[str] = []
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.headless_driver:HeadlessDriver")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("NEXUS_TOUR", "0")
    run = NexusDashboard.run_async

    async def watched(app: NexusDashboard, **options: object) -> object:
        seen.append("screen opens")
        try:
            return await run(app, **options)  # type: ignore[arg-type]
        finally:
            seen.append("screen is gone")

    monkeypatch.setattr(NexusDashboard, "run_async", watched)
    return seen


async def test_a_gateway_that_cannot_start_is_told_after_the_screen_has_gone(
    shown: list[str],
) -> None:
    @contextlib.asynccontextmanager
    async def fails() -> AsyncGenerator[Gateway]:
        shown.append("gateway starts")
        raise NexusError("no room for it")
        yield

    sink = logs.configure("info", "pretty", {}, stream=None)
    with pytest.raises(NexusError, match="no room for it"):
        await _on_screen(fails(), INFO, sink)
    assert shown == ["screen opens", "gateway starts", "screen is gone"]
