"""Traces and metrics reach a collector over OTLP, in the words of the GenAI conventions."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from nexus.telemetry.otel import exporter
from tests.fakes.client import Reply, ask, chat, request
from tests.fakes.collector import Collector, collector, plain
from tests.fakes.gateway import face, free_port, gateway
from tests.fakes.logging import Page, logging_to
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

SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
SECRET = "the prompt that nobody may read"
USAGE = answer(
    reply(
        b'{"choices":[{"message":{"content":"the answer"}}],'
        b'"usage":{"prompt_tokens":5,"completion_tokens":7}}'
    )
)
STREAM = answer(STREAM_HEAD + chunk(event("hi", "stop") + DONE) + LAST_CHUNK)
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Traced:
    """A gateway whose traces are collected. They are complete when the context has closed."""

    def __init__(self, url: str, servers: dict[str, Upstream], into: Collector) -> None:
        self.url = url
        self.servers = servers
        self.into = into

    async def send(self, headers: str = "", **body: object) -> Reply:
        said = chat(messages=[{"role": "user", "content": SECRET}]) | body
        lines = f"content-type: application/json\r\n{headers}"
        return await ask(self.url, request(body=said, headers=lines))


@contextlib.asynccontextmanager
async def traced(tmp_path: Path, config: str = "", /, **scripts: Script) -> AsyncGenerator[Traced]:
    """The gateway over servers of model `m`, in this order of preference, and a collector."""
    async with contextlib.AsyncExitStack() as stack:
        into = await stack.enter_async_context(collector())
        servers = {
            name: await stack.enter_async_context(upstream(script))
            for name, script in scripts.items()
        }
        faces = [face(name, each.url, priority=n) for n, (name, each) in enumerate(servers.items())]
        config += f'[telemetry]\notlp_endpoint = "{into.url}"\n'
        here = await stack.enter_async_context(gateway(*faces, config=config, tmp_path=tmp_path))
        yield Traced(here.url, servers, into)


async def test_a_request_is_a_span_and_its_attempt_a_span_below(tmp_path: Path) -> None:
    async with traced(tmp_path, a=USAGE) as here:
        sent = await here.send()
        port = int(here.servers["a"].url.rpartition(":")[2])

    whole, attempt = here.into.span(SERVER), here.into.span(CLIENT)
    assert len(here.into.spans) == 2
    assert (whole.name, attempt.name) == ("chat m", "chat m")
    assert (attempt.trace_id, attempt.parent_span_id) == (whole.trace_id, whole.span_id)
    assert whole.parent_span_id == b""
    said = plain(whole.attributes)
    expected: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "generic",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 7,
        "http.response.status_code": 200,
        "nexus.request_id": sent.headers["x-nexus-request-id"],
        "nexus.backend": "a",
    }
    assert said.items() >= expected.items()
    below = plain(attempt.attributes)
    assert (below["server.address"], below["server.port"]) == ("127.0.0.1", port)
    assert whole.start_time_unix_nano <= attempt.start_time_unix_nano
    assert attempt.start_time_unix_nano < attempt.end_time_unix_nano
    assert attempt.end_time_unix_nano == whole.end_time_unix_nano
    (resource,) = here.into.resources
    assert resource["service.name"] == "nexus"


async def test_a_client_s_trace_goes_on_to_the_backend(tmp_path: Path) -> None:
    async with traced(tmp_path, a=GOOD) as here:
        await here.send(f"traceparent: 00-{TRACE}-{PARENT}-01\r\n")
        told = here.servers["a"].got[0].headers["traceparent"]

    whole, attempt = here.into.span(SERVER), here.into.span(CLIENT)
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)
    assert told == f"00-{TRACE}-{attempt.span_id.hex()}-01"


async def test_a_client_that_does_not_sample_is_obeyed(tmp_path: Path) -> None:
    async with traced(tmp_path, a=GOOD) as here:
        await here.send(f"traceparent: 00-{TRACE}-{PARENT}-00\r\n")
        told = here.servers["a"].got[0].headers["traceparent"]

    assert here.into.spans == []
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-00", told)
    assert here.into.points["gen_ai.server.request.duration"]


async def test_each_attempt_has_its_span_and_its_backend_knows_it(tmp_path: Path) -> None:
    async with traced(tmp_path, a=BROKEN, b=GOOD) as here:
        await here.send()
        told = [each.got[0].headers["traceparent"].split("-") for each in here.servers.values()]

    whole = here.into.span(SERVER)
    first = here.into.span(CLIENT, {"nexus.backend": "a"})
    second = here.into.span(CLIENT, {"nexus.backend": "b"})
    assert [parts[2] for parts in told] == [first.span_id.hex(), second.span_id.hex()]
    assert {parts[1] for parts in told} == {whole.trace_id.hex()}
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert first.status.message == "answered 500"
    assert plain(first.attributes)["error.type"] == "attempt_failed"
    assert first.end_time_unix_nano <= second.start_time_unix_nano
    assert whole.status.code == second.status.code == Status.STATUS_CODE_UNSET
    assert plain(whole.attributes)["nexus.attempts"] == 2


async def test_failures_and_refusals_are_errors_of_their_kind(tmp_path: Path) -> None:
    async with traced(tmp_path, a=BROKEN) as here:
        assert (await here.send()).status == 500
        assert (await here.send(model="absent")).status == 404

    failed = here.into.span(SERVER, {"http.response.status_code": 500})
    refused = here.into.span(SERVER, {"error.type": "model_not_found"})
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert plain(failed.attributes)["error.type"] == "500"
    assert refused.status.code == Status.STATUS_CODE_UNSET
    assert plain(refused.attributes)["gen_ai.request.model"] == "absent"


async def test_metrics_are_those_of_the_conventions(tmp_path: Path) -> None:
    async with traced(tmp_path, a=USAGE, b=STREAM) as here:
        await here.send()
        here.servers["a"].script = STREAM
        await here.send(stream=True)

    points = here.into.points
    assert sum(point.count for point in points["gen_ai.server.request.duration"]) == 2
    assert sum(point.count for point in points["gen_ai.client.operation.duration"]) == 2
    assert sum(point.count for point in points["gen_ai.server.time_to_first_token"]) == 1
    tokens: Counter[object] = Counter()
    for point in points["gen_ai.client.token.usage"]:  # one for each server
        tokens[plain(point.attributes)["gen_ai.token.type"]] += point.sum
    assert tokens == {"input": 5, "output": 7 + 2}
    (point, *_) = points["gen_ai.client.operation.duration"]
    said = plain(point.attributes)
    assert (said["gen_ai.operation.name"], said["gen_ai.request.model"]) == ("chat", "m")
    assert (said["server.address"], list(point.explicit_bounds)[:2]) == ("127.0.0.1", [0.01, 0.02])


async def test_names_that_clients_invent_make_no_time_series(tmp_path: Path) -> None:
    async with traced(tmp_path, a=GOOD) as here:
        for number in range(20):
            await here.send(model=f"invented-{number}")
    assert len(here.into.points["gen_ai.server.request.duration"]) == 1


async def test_a_request_s_line_names_its_trace(tmp_path: Path) -> None:
    page = Page()
    with logging_to(page) as sink:
        async with collector() as into, upstream(GOOD) as server:
            config = f'[telemetry]\notlp_endpoint = "{into.url}"\n'
            its_face = face("a", server.url)
            async with gateway(its_face, config=config, tmp_path=tmp_path, sink=sink) as here:
                await ask(here.url, request(body=chat()))
    (line,) = await page.lines(1)
    assert line["trace_id"] == into.span(SERVER).trace_id.hex()


async def test_neither_prompts_nor_answers_are_sent(tmp_path: Path) -> None:
    async with traced(tmp_path, a=USAGE) as here:
        await here.send()
        await here.send(model="absent")
    told = "".join(str(span) for span in here.into.spans)
    assert SECRET not in told
    assert "the answer" not in told


async def test_without_a_collector_backends_are_told_nothing() -> None:
    lines = f"content-type: application/json\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n"
    async with upstream(GOOD) as server, gateway(face("a", server.url)) as here:
        await ask(here.url, request(body=chat(), headers=lines))
    assert "traceparent" not in server.got[0].headers


@pytest.mark.parametrize("dead", [False, True])
async def test_a_collector_that_does_not_answer_holds_nobody_up(
    tmp_path: Path, dead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "PATIENCE_S", 0.1)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with upstream(GOOD) as server, collector(silent=True) as into:
        url = f"http://127.0.0.1:{free_port()}" if dead else into.url
        config = f'[telemetry]\notlp_endpoint = "{url}"\n'
        async with gateway(face("a", server.url), config=config, tmp_path=tmp_path) as here:
            for _ in range(5):
                assert (await ask(here.url, request(body=chat()))).status == 200
