"""F09: what Prometheus and `/v1/stats` are told is what happened, through the gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from nexus.domain.backend import BackendId, BackendType, Model
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.client import Client, ask, chat, request
from tests.fakes.gateway import face, gateway
from tests.fakes.scrape import OPEN_METRICS, fetch, scrape
from tests.fakes.servers import AWAY, BROKEN, Server, Story, story
from tests.fakes.upstream import DONE, LAST_CHUNK, STREAM_HEAD, answer, chunk, event, reply

USAGE = b'{"id":"c1","choices":[],"usage":{"prompt_tokens":40,"completion_tokens":700}}'
STREAM = answer(STREAM_HEAD + chunk(event("hi", "stop") + DONE) + LAST_CHUNK)


async def stats(here: Story) -> dict[str, Any]:
    found = await ask(here.gateway.url, request("/v1/stats", method="GET", headers=""))
    return json.loads(found.body)


async def test_every_outcome_has_its_labels() -> None:
    refusing = answer(reply(b'{"error":{"message":"bad"}}', "400 Bad Request"))
    servers = {
        "good": Server(),
        "broken": Server(("b",), script=BROKEN),
        "strict": Server(("s",), script=refusing),
    }
    async with story(**servers) as here:
        for model in ("m", "b", "s", "absent"):
            await here.chat(model=model)
        await ask(here.gateway.url, request(raw=b"{broken"))
        page = await scrape(here.gateway.url)
        told = (await stats(here))["requests"]

    assert page.value("requests_total", model="m", backend="good", status="200") == 1
    assert page.value("requests_total", model="b", backend="broken", status="500") == 1
    assert page.value("requests_total", model="s", backend="strict", status="400") == 1
    assert page.value("requests_total", model="unknown", backend="none", status="404") == 1
    assert page.value("requests_total", model="unknown", backend="none", status="400") == 1
    assert page.value("requests_total") == 5
    assert page.value("errors_total", error_type="backend_error") == 2
    assert page.value("errors_total", error_type="model_not_found", model="unknown") == 1
    assert page.value("errors_total", error_type="invalid_request", model="unknown") == 1
    assert (told["total"], told["success"], told["errors"]) == (5, 1, 4)


async def test_what_has_no_backend_is_told_apart_from_what_does_not_exist() -> None:
    async with story(a=Server(up=False)) as here:
        await here.chat()
        page = await scrape(here.gateway.url)

    assert page.value("errors_total", error_type="no_healthy_backend") == 1
    assert page.value("requests_total", backend="none", status="503") == 1


async def test_durations_first_bytes_and_tokens_land_in_buckets() -> None:
    async with story(a=Server(script=answer(reply(USAGE)))) as here:
        for _ in range(3):
            await here.chat()
        page = await scrape(here.gateway.url)

    at = {"model": "m", "backend": "a"}
    assert page.value("request_duration_seconds_count", **at) == 3
    assert page.value("request_duration_seconds_bucket", **at, le="+Inf") == 3
    assert 0 < page.value("request_duration_seconds_sum", **at) < 30
    assert page.value("agent_ttft_seconds_count", agent_id="a") == 3
    assert page.value("tokens_total_bucket", **at, type="prompt", le="10.0") == 0
    assert page.value("tokens_total_bucket", **at, type="prompt", le="50.0") == 3
    assert page.value("tokens_total_sum", **at, type="completion") == 2100


async def test_streams_are_counted_like_other_requests() -> None:
    async with story(a=Server(script=STREAM)) as here:
        assert (await here.chat(stream=True)).status == 200
        page = await scrape(here.gateway.url)
        told = await stats(here)

    assert page.value("requests_total", model="m", backend="a", status="200") == 1
    assert page.value("tokens_total_count", type="completion") == 1
    assert told["requests"]["success"] == told["backends"][0]["requests"] == 1


async def test_a_stream_that_is_cut_short_is_an_error_of_its_backend() -> None:
    cut = answer(STREAM_HEAD + chunk(event("hi")))

    async def cutting(got: Any, reader: Any, writer: Any) -> None:
        await cut(got, reader, writer)
        writer.close()

    async with story(a=Server(script=cutting)) as here:
        assert (await here.chat(stream=True)).status == 200
        page = await scrape(here.gateway.url)
        told = (await stats(here))["requests"]

    assert page.value("requests_total", model="m", backend="a", status="200") == 1
    assert page.value("errors_total", error_type="backend_error", model="m") == 1
    assert page.value("agent_error_rate", agent_id="a") == 1
    assert (told["success"], told["errors"]) == (0, 1)


async def test_health_checks_are_timed_by_backend() -> None:
    async with story(up=Server(), gone=Server(up=False)) as here:
        before = await scrape(here.gateway.url)
        await here.gateway.control.backends.check(BackendId("up"))
        after = await scrape(here.gateway.url)

    assert before.value("backend_latency_seconds_count", backend="up") == 1
    assert after.value("backend_latency_seconds_count", backend="up") == 2
    assert after.value("backend_latency_seconds_count", backend="gone") == 1  # while it was there


async def test_a_fallback_and_a_failover_are_counted(tmp_path: Path) -> None:
    config = '[routing.fallbacks]\nm = ["n"]\n'
    async with story(tmp_path, config, a=Server(script=BROKEN), b=Server(("n",))) as here:
        assert (await here.chat()).headers["x-nexus-fallback-model"] == "n"
        page = await scrape(here.gateway.url)
        told = {each["name"]: each for each in (await stats(here))["backends"]}

    assert page.value("fallbacks_total", from_model="m", to_model="n") == 1
    assert page.value("attempts_failed_total", backend="a") == 1
    assert page.value("agent_error_rate", agent_id="a") == 1
    assert page.value("agent_success_rate_24h", agent_id="b") == 1
    assert (told["a"]["error_rate_1h"], told["b"]["error_rate_1h"]) == (1.0, 0.0)
    assert told["b"]["avg_ttft_ms"] > 0


async def test_requests_in_flight_are_a_gauge_that_comes_back_to_zero() -> None:
    spec = SimSpec("slow", BackendType.VLLM, (Model("m", 8192),), slots=64)
    async with SimFleet((spec,)) as fleet:
        (server,) = fleet.servers
        async with gateway(face("slow", server.url, BackendType.VLLM)) as here:
            server.faults.stall_before_reply = True
            server.faults.inference_only = True
            clients = [await Client.to(here.url) for _ in range(20)]
            for client in clients:
                client.send(request(body=chat()))
            async with asyncio.timeout(10):
                await server.seen.until(lambda seen: seen.by_path["/v1/chat/completions"] == 20)
            during = await scrape(here.url)
            for client in clients:
                client.close()
            async with asyncio.timeout(10):
                await here.carrier.idle()
            after = await scrape(here.url)

    assert during.value("pending_requests", backend="slow") == 20
    assert after.value("pending_requests", backend="slow") == 0
    assert after.value("requests_total", backend="slow", status="499") == 20
    assert after.value("errors_total") == 0


async def test_fleet_gauges_follow_the_fleet() -> None:
    async with story(a=Server(), b=Server(("n",)), gone=Server(("o",), up=False)) as here:
        three = await scrape(here.gateway.url)
        await here.gateway.control.backends.drain(BackendId("a"))
        drained = await scrape(here.gateway.url)
        await here.gateway.control.backends.remove(BackendId("a"))
        two = await scrape(here.gateway.url)

    assert (three.value("backends_total"), three.value("backends_healthy")) == (3, 2)
    assert (drained.value("backends_total"), drained.value("backends_healthy")) == (3, 1)
    assert (two.value("backends_total"), two.value("backends_healthy")) == (2, 1)
    assert three.value("models_available") > two.value("models_available") > 0


async def test_counters_survive_their_backend() -> None:
    async with story(a=Server(), b=Server(("n",))) as here:
        await here.chat()
        await here.gateway.control.backends.remove(BackendId("a"))
        await here.chat(model="n")
        page = await scrape(here.gateway.url)
        told = {each["id"]: each["requests"] for each in (await stats(here))["backends"]}

    assert page.value("requests_total", backend="a") == 1
    assert told == {"a": 1, "b": 1}


@pytest.mark.parametrize("accept", ["", OPEN_METRICS])
async def test_a_gateway_without_backends_and_requests_can_be_scraped(accept: str) -> None:
    async with gateway() as here:
        page = await scrape(here.url, accept)
        found = await fetch(here.url, accept)

    assert page.value("backends_total") == page.value("requests_total") == 0
    kind = "application/openmetrics-text" if accept else "text/plain; version=0.0.4; charset=utf-8"
    assert found.headers["content-type"].startswith(kind)
    assert page.text.endswith("# EOF\n" if accept else "\n")


async def test_openmetrics_names_a_request_that_can_be_looked_up() -> None:
    async with story(a=Server()) as here:
        sent = await here.chat()
        page = await scrape(here.gateway.url, OPEN_METRICS)

    assert f'# {{request_id="{sent.headers["x-nexus-request-id"]}"}}' in page.text


async def test_a_scrape_in_the_midst_of_traffic_contradicts_itself_nowhere() -> None:
    async with story(a=Server(), b=Server()) as here:
        sending = True

        async def send() -> None:
            while sending:
                await here.chat()

        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(send(), name=f"client {number}")
            pages = [await scrape(here.gateway.url, OPEN_METRICS) for _ in range(10)]
            sending = False

    for page in pages:
        requests = page.value("requests_total")
        assert requests == page.value("request_duration_seconds_count")
        assert requests == page.value("request_duration_seconds_bucket", le="+Inf")
    counts = [page.value("requests_total") for page in pages]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


async def test_odd_names_do_no_harm() -> None:
    odd = 'we"ird\\ modèl {}'
    async with story(a=Server((odd,))) as here:
        assert (await here.chat(model=odd)).status == 200
        for number in range(30):
            await here.chat(model=f"invented {number}\x1b[2J")
        page = await scrape(here.gateway.url)
        await scrape(here.gateway.url, OPEN_METRICS)

    models = {each["model"] for each in page.labels("requests_total")}
    assert models == {'we"ird\\ modèl {}', "unknown"}


async def test_numbers_begin_anew_with_the_process() -> None:
    async with story(a=Server()) as first:
        await first.chat()
    async with story(a=Server()) as second:
        page = await scrape(second.gateway.url)
    assert page.value("requests_total") == 0


async def test_decisions_rules_and_exclusions_are_measured_after_the_fact() -> None:
    async with story(a=Server(), b=Server(up=False)) as here:
        await here.chat()
        page = await scrape(here.gateway.url)
        async with asyncio.timeout(10):
            while not page.value("pipeline_duration_seconds_count"):
                await asyncio.sleep(0)  # the batch of events comes some milliseconds later
                page = await scrape(here.gateway.url)

    assert page.value("pipeline_duration_seconds_count") == 1
    assert page.value("reconciler_duration_seconds_count", reconciler="health") == 1
    assert page.value("reconciler_exclusions_total", reconciler="health") == 1


async def test_sockets_are_counted_by_the_zone_they_lead_to() -> None:
    async with story(home=Server(), cloud=Server(("big",), zone=AWAY)) as here:
        await here.chat()
        await here.chat(model="big")
        page = await scrape(here.gateway.url)

    assert page.value("sockets_opened_total", zone="restricted") == 1
    assert page.value("sockets_opened_total", zone="open") == 1
    assert page.value("zone_breaches_total") == 0
