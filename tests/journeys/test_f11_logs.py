"""F11: one line for each request, true, safe and quiet about prompts, through the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.client import Client, Reply, ask, chat, request
from tests.fakes.gateway import face, free_port, gateway, process
from tests.fakes.logging import Page, lines_of, logging_to
from tests.fakes.servers import BROKEN, GOOD
from tests.fakes.upstream import (
    DONE,
    LAST_CHUNK,
    STREAM_HEAD,
    Script,
    Upstream,
    answer,
    chunk,
    event,
    reply,
    upstream,
)

SECRET = "the prompt that nobody may read"
ANSWER = "the answer that nobody may read"
USAGE = reply(
    json.dumps(
        {
            "choices": [{"index": 0, "message": {"content": ANSWER}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
        }
    ).encode()
)
STREAM = answer(STREAM_HEAD + chunk(event(ANSWER, "stop") + DONE) + LAST_CHUNK)


class Here:
    """A gateway whose log is read."""

    def __init__(self, url: str, stream: Page, servers: dict[str, Upstream]) -> None:
        self.url = url
        self.servers = servers
        self._stream = stream

    async def send(self, data: bytes | None = None, **body: object) -> Reply:
        """One chat request, or these bytes."""
        said = chat(messages=[{"role": "user", "content": SECRET}]) | body
        return await ask(self.url, data or request(body=said))

    async def said(self, count: int) -> list[dict[str, Any]]:
        """The lines about requests, as soon as there are so many."""
        return await self._stream.lines(count)

    @property
    def text(self) -> str:
        """Everything that was written."""
        return self._stream.getvalue()


@contextlib.asynccontextmanager
async def logged(
    tmp_path: Path | None = None, config: str = "", /, level: str = "info", **scripts: Script
) -> AsyncGenerator[Here]:
    """The gateway over servers of model `m`, in this order of preference."""
    stream = Page()
    async with contextlib.AsyncExitStack() as stack:
        sink = stack.enter_context(logging_to(stream, "json", level))
        servers = {
            name: await stack.enter_async_context(upstream(script))
            for name, script in scripts.items()
        }
        faces = [face(name, each.url, priority=n) for n, (name, each) in enumerate(servers.items())]
        made = gateway(*faces, config=config, tmp_path=tmp_path, sink=sink)
        here = await stack.enter_async_context(made)
        yield Here(here.url, stream, servers)


async def test_every_request_is_one_line_with_what_was_measured() -> None:
    async with logged(a=answer(USAGE)) as here:
        sent = await here.send()
        (line,) = await here.said(1)

    expected = {
        "target": "nexus.request",
        "level": "info",
        "request_id": sent.headers["x-nexus-request-id"],
        "model": "m",
        "backend": "a",
        "backend_type": "local",
        "status": "success",
        "status_code": 200,
        "stream": False,
        "retry_count": 0,
        "tokens_prompt": 5,
        "tokens_completion": 7,
        "tokens_total": 12,
    }
    assert line.items() >= expected.items()
    assert 0 <= line["ttft_ms"] <= line["latency_ms"] < 30_000
    assert line["route_reason"]
    assert "fallback_chain" not in line
    assert "actual_model" not in line


async def test_a_latency_is_that_of_the_backend_and_not_longer_than_the_client_waited() -> None:
    now = asyncio.get_running_loop().time
    took: list[float] = []

    async def slow(got: object, reader: object, writer: Any) -> None:
        began = now()
        await asyncio.sleep(0.1)
        took.append((now() - began) * 1000)
        writer.write(USAGE)

    async with logged(a=slow) as here:
        began = now()
        await here.send()
        waited = (now() - began) * 1000
        (line,) = await here.said(1)
    assert took[0] - 1 <= line["ttft_ms"] <= line["latency_ms"] <= waited + 1


async def test_good_bad_malformed_and_streamed_requests_all_have_their_line() -> None:
    refusing = answer(reply(b'{"error":{"message":"bad"}}', "400 Bad Request"))
    async with logged(a=STREAM) as here, upstream(refusing, ["strict"]):
        sent = [
            await here.send(stream=True),
            await here.send(model="absent"),
            await here.send(request(raw=b"{broken")),
            await here.send(request(body=chat(), headers="content-type: text/plain\r\n")),
        ]
        lines = {line["request_id"]: line for line in await here.said(4)}

    assert [lines[each.headers["x-nexus-request-id"]]["status_code"] for each in sent] == [
        each.status for each in sent
    ]
    streamed, absent, broken, typed = (lines[each.headers["x-nexus-request-id"]] for each in sent)
    assert (streamed["status"], streamed["stream"]) == ("success", True)
    assert (absent["backend"], absent["error_code"]) == ("none", "model_not_found")
    assert (broken["model"], broken["status"], broken["level"]) == ("", "error", "warn")
    assert typed["error_code"] == "unsupported_media_type"


async def test_a_model_whose_backends_are_down_is_an_error_line() -> None:
    stream = Page()
    with logging_to(stream) as sink:
        async with gateway(face("gone", f"http://127.0.0.1:{free_port()}"), sink=sink) as it:
            await Here(it.url, stream, {}).send()
            (line,) = await stream.lines(1)
    assert (line["error_code"], line["level"]) == ("no_backend_available", "error")


async def test_a_client_that_leaves_is_told_as_that() -> None:
    arrived = asyncio.Event()

    async def silent(got: object, reader: Any, writer: object) -> None:
        arrived.set()
        await reader.read()

    async with logged(a=silent) as here:
        client = await Client.to(here.url)
        client.send(request(body=chat()))
        async with asyncio.timeout(10):
            await arrived.wait()
        client.close()
        (line,) = await here.said(1)
    assert (line["status"], line["status_code"], line["level"]) == ("cancelled", 499, "info")


async def test_attempts_share_one_line_one_id_and_are_named_in_order() -> None:
    async with logged(a=BROKEN, b=BROKEN, c=GOOD) as here:
        sent = await here.send()
        (line,) = await here.said(1)

    assert line["request_id"] == sent.headers["x-nexus-request-id"]
    assert (line["retry_count"], line["fallback_chain"], line["backend"]) == (2, "a,b", "c")
    assert (line["status"], line["level"]) == ("success", "warn")


async def test_when_nobody_answers_the_line_is_an_error() -> None:
    async with logged(a=BROKEN, b=BROKEN) as here:
        assert (await here.send()).status == 500
        (line,) = await here.said(1)
    assert (line["status"], line["level"], line["retry_count"]) == ("exhausted", "error", 1)


async def test_an_alias_shows_both_names_and_a_fallback_warns(tmp_path: Path) -> None:
    config = '[routing.aliases]\ngpt = "m"\n[routing.fallbacks]\nbig = ["m"]\n'
    async with logged(tmp_path, config, a=GOOD) as here:
        await here.send(model="gpt")
        await here.send(model="big")
        alias, fallback = await here.said(2)

    assert (alias["model"], alias["actual_model"], alias["level"]) == ("gpt", "m", "info")
    assert (fallback["model"], fallback["actual_model"]) == ("big", "m")
    assert fallback["level"] == "warn"
    assert fallback["route_reason"].startswith("fallback:m:")


# ---- what is never said, and what is when it is asked for


async def test_neither_prompts_nor_answers_are_in_the_log() -> None:
    async with logged(level="trace", a=answer(USAGE)) as here:
        await here.send()
        await here.send(model="absent")
        await here.said(2)
        assert SECRET not in here.text
        assert ANSWER not in here.text


async def test_the_beginning_of_prompts_is_logged_on_a_wish_and_said_at_the_start(
    tmp_path: Path,
) -> None:
    config = "[logging]\nenable_content_logging = true\n"
    async with logged(tmp_path, config, a=answer(USAGE)) as here:
        await here.send()
        await here.send(messages=[{"role": "user", "content": "x" * 300}])
        await here.send(model="absent")
        lines = await here.said(3)
        warned = [line for line in lines_of(io.StringIO(here.text)) if line["level"] == "warn"]

    assert [line["prompt_preview"] for line in lines] == [SECRET, "x" * 100, SECRET]
    assert any("enable_content_logging" in line["message"] for line in warned)
    assert ANSWER not in here.text


# ---- formats, levels and broken sinks


def config_of(url: str, **logging: str) -> str:
    """A file with one backend."""
    told = "".join(f'{key} = "{value}"\n' for key, value in logging.items())
    return f'[logging]\n{told}[[backends]]\nname = "a"\nurl = "{url}"\n'


async def line_with(child: asyncio.subprocess.Process, text: str) -> str:
    """The next line on standard error that has this text."""
    assert child.stderr is not None
    async with asyncio.timeout(20):
        while text not in (line := (await child.stderr.readline()).decode()):
            assert line, f"the process ended without saying {text!r}"
    return line


async def test_json_lines_are_flat_objects_with_numbers_and_utc_times(tmp_path: Path) -> None:
    async with (
        upstream(answer(USAGE)) as server,
        process(tmp_path, config_of(server.url, format="json")) as (url, child),
    ):
        lines = [json.loads(await line_with(child, "backend a: healthy"))]
        await ask(url, request(body=chat()))
        lines.append(json.loads(await line_with(child, "nexus.request")))

    for line in lines:
        assert {"timestamp", "level", "target", "message"} <= line.keys()
        assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC
        assert not [value for value in line.values() if isinstance(value, dict | list)]
    assert isinstance(lines[1]["status_code"], int)


async def test_pretty_lines_can_be_read_by_a_person(tmp_path: Path) -> None:
    async with (
        upstream(answer(USAGE)) as server,
        process(tmp_path, config_of(server.url, format="pretty")) as (url, child),
    ):
        await line_with(child, "backend a: healthy")
        await ask(url, request(body=chat(model="absent")))
        line = await line_with(child, " refused ")
    assert re.match(r"\S+T\S+\+00:00 WARN    request    refused request_id=req-\S+ model=", line)
    assert "error_code=model_not_found" in line


async def test_components_have_their_own_levels_and_an_edit_changes_them(tmp_path: Path) -> None:
    async with upstream(answer(USAGE)) as server:
        quiet = (
            config_of(server.url, level="info") + '[logging.component_levels]\nrequest = "error"\n'
        )
        loud = quiet.replace('"error"', '"debug"')
        async with process(tmp_path, quiet) as (url, child):
            await line_with(child, "backend a: healthy")
            unseen = await ask(url, request(body=chat(model="absent")))
            (tmp_path / "nexus.toml").write_text(loud)
            await line_with(child, "logging.component_levels.request: error -> debug")
            seen = await ask(url, request(body=chat(model="absent")))
            line = await line_with(child, "refused")

    assert seen.headers["x-nexus-request-id"] in line
    assert unseen.headers["x-nexus-request-id"] not in line


class Broken(io.StringIO):
    """A pipe whose reader has gone, or a full disk."""

    def write(self, text: str) -> int:
        raise OSError("no space left on device")


@pytest.mark.parametrize("closed", [False, True])
async def test_a_broken_log_is_no_reason_to_refuse_anybody(closed: bool) -> None:
    stream = io.StringIO() if closed else Broken()
    if closed:
        stream.close()
    with logging_to(stream) as sink:
        async with (
            upstream(answer(USAGE)) as server,
            gateway(face("a", server.url), sink=sink) as here,
        ):
            for _ in range(3):
                assert (await ask(here.url, request(body=chat()))).status == 200
    assert sum(line.component == "request" for line in sink.ring.read()) == 3
