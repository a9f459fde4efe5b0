"""`nexus cancel` against the real gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nexus.domain.events import RequestRouted
from tests.fakes.commands import Commands
from tests.fakes.servers import Server, story


async def test_a_request_that_runs_ends_and_its_client_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    async with story(tmp_path, a=Server(("m",), never)) as here, asyncio.TaskGroup() as group:
        nexus = Commands(here.gateway.url, capsys)
        asked = group.create_task(here.chat(model="m"), name="client")
        async for update in here.gateway.control.view.updates():
            if isinstance(update, RequestRouted):
                break
        (one,) = (await nexus.json("explain", "--status", "running"))["requests"]

        code, out, _ = await nexus("cancel", one["request_id"])

        assert (code, out) == (0, f"Cancelled {one['request_id']}.\n")
        assert (await asked).status == 503
        code, _, err = await nexus("cancel", one["request_id"])
        assert (code, err.endswith("does not run (any more)\n")) == (1, True)
