"""`nexus logs`, against the real gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from nexus.cli import logs
from nexus.cli.facts import Facts
from nexus.cli.main import run
from nexus.telemetry.logs import get_logger, levels
from tests.fakes.client import ask, chat, request
from tests.fakes.gateway import gateway
from tests.fakes.logging import logging_to


class Live:
    """A running gateway; `await live("--level", "warn")` runs `nexus logs` against it."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = url
        self._capsys = capsys

    async def __call__(self, *words: str) -> tuple[int, list[str], str]:
        """Exit code, lines of stdout, stderr."""
        code = await asyncio.to_thread(run, ["logs", *words, "--url", self.url])
        said = self._capsys.readouterr()
        return code, said.out.splitlines(), said.err


@pytest.fixture
async def live(capsys: pytest.CaptureFixture[str]) -> AsyncGenerator[Live]:
    with logging_to() as sink:
        async with gateway(sink=sink) as here:
            get_logger("nexus.health").warning("backend %s: lost", "\x1b[2Jx")
            get_logger("nexus.api").info("served", extra={"fields": {"took": "1 s", "n": 2}})
            yield Live(here.url, capsys)


async def test_the_last_lines_are_printed_without_control_characters(live: Live) -> None:
    code, lines, _ = await live()
    assert code == 0
    assert not [line for line in lines if not line.isprintable()]
    assert any(line.split()[1:3] == ["WARN", "health"] for line in lines)
    assert any(line.endswith('served took="1 s" n=2') for line in lines)


async def test_lines_are_chosen_by_level_component_text_and_number(live: Live) -> None:
    _, warned, _ = await live("--level", "WARN")
    _, served, _ = await live("--component", "api")
    _, found, _ = await live("--grep", "TOOK=")
    _, one, _ = await live("-n", "1")
    assert (len(warned), len(served), len(found), len(one)) == (1, 1, 1, 1)
    assert "lost" in warned[0]
    assert "served" in served[0]
    assert served == found == one


async def test_json_is_one_object_a_line(live: Live) -> None:
    _, lines, _ = await live("--json", "--component", "api")
    (line,) = map(json.loads, lines)
    assert (line["level"], line["fields"]) == ("info", {"took": "1 s", "n": 2})


async def test_a_request_can_be_looked_up(live: Live) -> None:
    sent = await ask(live.url, request(body=chat()))
    request_id = sent.headers["x-nexus-request-id"]
    async with asyncio.timeout(10):
        found: list[str] = []
        while not found:  # each look is an exchange; the line comes some milliseconds later
            _, found, _ = await live("--grep", request_id)
    assert "error_code=model_not_found" in found[0]


async def test_a_level_is_changed_and_shown(live: Live) -> None:
    code, said, _ = await live("--set", "health=debug")
    assert (code, levels()["health"]) == (0, "debug")
    assert said == ["health logs from level debug on, until Nexus starts anew."]
    _, shown, _ = await live("--levels")
    assert any(line.split() == ["health", "debug"] for line in shown)


async def test_a_part_or_a_level_that_does_not_exist_is_refused(live: Live) -> None:
    code, _, error = await live("--set", "helth=debug")
    assert code == 1
    assert "'helth'" in error
    code, _, error = await live("--set", "health=loud")
    assert code == 1
    assert "trace, debug, info, warn, error" in error


def test_following_goes_on_after_the_last_line_and_over_a_restart() -> None:
    ring: list[int] = [1, 2]
    steps = iter(([1, 2, 3], [1, 2, 3], [1], [1, 2]))

    def read(after: int) -> list[Facts]:
        return [{"seq": number} for number in ring if number > after]

    def sleep(seconds: float) -> None:
        ring[:] = next(steps)

    coming = logs._coming(read, 2, sleep)
    assert [next(coming)["seq"] for _ in range(3)] == [3, 1, 2]
