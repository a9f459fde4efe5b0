"""`nexus what-if` against the real gateway, over requests that it really served."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from nexus.cli.main import run
from nexus.cli.what_if import seconds
from nexus.domain.backend import Zone
from nexus.errors import BadRequest
from tests.fakes.servers import AWAY, Server, Story, story

FREE = '[[routing.policies]]\nmodel_pattern = "m"\nprivacy = "unrestricted"\n'


async def asked(
    here: Story, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `nexus what-if`."""
    code = await asyncio.to_thread(run, ["what-if", *words, "--url", here.gateway.url])
    said = capsys.readouterr()
    return code, said.out, said.err


async def test_what_a_backend_served_would_move_to_the_next_or_be_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    servers = {
        "a": Server(("m", "only-here")),
        "b": Server(("m",), more={"priority": 90, "max_concurrent": 4}),
    }
    async with story(**servers) as here:
        for model in ("m", "m", "only-here", "nobody-has-it"):
            await here.chat(model=model)
        before = here.asked("b")
        code, out, _ = await asked(here, capsys, "--drop", "a")
        table = json.loads((await asked(here, capsys, "--drop", "a", "--json"))[1])

        assert code == 1
        assert "4 requests on record: 0 would stay, 2 would move, 1 would be refused" in out
        assert "1 would be refused as before" in out
        assert "404 model_not_found" in out
        assert [(m["model"], m["from"], m["to"], m["requests"]) for m in table["moves"]] == [
            ("m", "a", "b", 2)
        ]
        assert {each["backend"]: each["places"] for each in table["pressure"]} == {
            "a": None,
            "b": 4,
        }
        assert here.asked("b") == before  # nothing was sent


async def test_a_configuration_is_tried_on_what_was_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = {"home": Server(more={"priority": 90}), "cloud": Server(zone=AWAY)}
    async with story(**servers) as here:
        await here.chat()
        file = tmp_path / "new.toml"
        file.write_text(FREE)
        code, out, _ = await asked(here, capsys, "--config", str(file))

        assert code == 0
        assert "1 would move" in out
        assert "cloud ! zone open" in out
        assert "Note: The configuration names no backends" in out
        assert here.gateway.pools.guard.opened[Zone.OPEN] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say what would be different"),
        (("--drop", "nobody"), "No backend is called 'nobody'. Backends: a"),
        (("--drop", "a", "--since", "soon"), "'soon' is no time span"),
        (("--config", "/does/not/exist"), "cannot be read: No such file"),
    ],
)
async def test_what_cannot_be_asked_is_a_sentence(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    async with story(a=Server()) as here:
        code, _, err = await asked(here, capsys, *words)
        assert code == 1
        assert said in err


async def test_an_empty_record_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    async with story(a=Server()) as here:
        code, out, _ = await asked(here, capsys, "--drop", "a")
        assert (code, out) == (0, "No request is on record for that time.\n")


@pytest.mark.parametrize(("text", "value"), [("30m", 1800), ("24h", 86400), ("7d", 604800)])
def test_a_time_span_is_read(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "h", "24", "-1h", "nanh", "1e99d"])
def test_what_is_no_time_span_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        seconds(text)
