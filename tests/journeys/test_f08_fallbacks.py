"""F08: what serves when a model cannot, and what a client hears when nothing can."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nexus.domain.backend import Zone
from tests.fakes.servers import BROKEN, GOOD, Server, Story, context, story
from tests.fakes.upstream import (
    DONE,
    LAST_CHUNK,
    STREAM_HEAD,
    Script,
    answer,
    chunk,
    event,
    reply,
)

CHAIN = '[routing.fallbacks]\nm = ["n", "o"]\nn = ["p"]\n'
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
STREAM = answer(STREAM_HEAD + chunk(event("hi", "stop") + DONE) + LAST_CHUNK)


def error(status: str, text: str, headers: str = "") -> Script:
    body = b'{"error":{"message":"%b"}}' % text.encode()
    return answer(reply(body, status, f"content-type: application/json\r\n{headers}"))


async def test_the_first_fallback_that_can_serves_and_is_named(tmp_path: Path) -> None:
    servers = {"a": Server(up=False), "b": Server(("n",)), "c": Server(("o",))}
    async with story(tmp_path, CHAIN, **servers) as here:
        found = await here.chat()
        assert found.headers["x-nexus-fallback-model"] == "n"
        assert found.headers["x-nexus-route-reason"] == "failover"
        assert (here.asked("b"), here.asked("c")) == (1, 0)


async def test_a_stream_names_it_too(tmp_path: Path) -> None:
    servers = {"a": Server(up=False), "b": Server(("n",), script=STREAM)}
    async with story(tmp_path, CHAIN, **servers) as here:
        assert (await here.chat(stream=True)).headers["x-nexus-fallback-model"] == "n"


async def test_the_model_itself_names_none(tmp_path: Path) -> None:
    async with story(tmp_path, CHAIN, a=Server(), b=Server(("n",))) as here:
        assert "x-nexus-fallback-model" not in (await here.chat()).headers


async def test_a_fallbacks_own_fallback_is_not_followed(tmp_path: Path) -> None:
    servers = {"a": Server(up=False), "b": Server(("n",), up=False), "p": Server(("p",))}
    async with story(tmp_path, CHAIN, **servers) as here:
        found = await here.chat()
        assert (found.status, here.asked("p")) == (503, 0)
        assert "Tried: m, n, o" in str(found.error()["message"])
        assert context(found)["available_backends"] == ["p"]


async def test_a_fallback_must_be_able(tmp_path: Path) -> None:
    config = CHAIN + '[[models]]\npattern = "n"\ntools = false\n'
    servers = {"a": Server(up=False), "b": Server(("n",)), "c": Server(("o",))}
    async with story(tmp_path, config, **servers) as here:
        found = await here.chat(tools=[{"type": "function", "function": {"name": "f"}}])
        assert found.headers["x-nexus-fallback-model"] == "o"


async def test_a_fallback_must_be_of_the_tier_that_the_original_asks_for(tmp_path: Path) -> None:
    config = CHAIN + '[[routing.policies]]\nmodel_pattern = "m"\nmin_tier = 3\n'
    servers = {
        "a": Server(up=False),
        "b": Server(("n",), more={"tier": 2}),
        "c": Server(("o",), more={"tier": 4}),
    }
    async with story(tmp_path, config, **servers) as here:
        found = await here.chat()
        assert found.headers["x-nexus-fallback-model"] == "o"
        assert here.asked("b") == 0


async def test_a_policy_can_forbid_fallbacks(tmp_path: Path) -> None:
    config = CHAIN + '[[routing.policies]]\nmodel_pattern = "m"\nfallback_allowed = false\n'
    async with story(tmp_path, config, a=Server(up=False), b=Server(("n",))) as here:
        assert ((await here.chat()).status, here.asked("b")) == (503, 0)


async def dead(got: object, reader: object, writer: object) -> None:
    writer.transport.abort()  # type: ignore[attr-defined]


@pytest.mark.parametrize("script", [dead, BROKEN])
async def test_a_fallback_serves_too_when_every_attempt_failed(
    tmp_path: Path, script: Script
) -> None:
    async with story(tmp_path, CHAIN, a=Server(script=script), b=Server(("n",))) as here:
        found = await here.chat()
        assert (found.status, found.headers["x-nexus-fallback-model"]) == (200, "n")
        assert found.headers["x-nexus-tried"] == "a"
        assert here.servers["b"].got[-1].json()["model"] == "n"
        told = await here.gateway.control.requests.story(found.headers["x-nexus-request-id"])
        over = told["took_over"]
        assert (over["model"], over["backend"], over["why"]) == ("n", "b", "only_healthy_backend")
        assert over["decision"]["order"] == ["b"]
        assert [(each["model"], each["place"]) for each in over["candidates"]] == [("n", 1)]
        assert told["decision"]["order"] == ["a"]
        assert any("the fallback 'n' took over on b" in each for each in told["sentences"])


async def test_a_fallback_after_a_failure_keeps_to_the_policy_of_the_original(
    tmp_path: Path,
) -> None:
    config = CHAIN + '[[routing.policies]]\nmodel_pattern = "m"\nprivacy = "restricted"\n'
    servers = {"a": Server(script=dead), "b": Server(("n",), zone=Zone.OPEN)}
    async with story(tmp_path, config, **servers) as here:
        assert (await here.chat()).status == 502
        assert here.asked("b") == 0


# ---- failover: the same model elsewhere


def two(first: Script, second: Script = GOOD) -> dict[str, Server]:
    return {
        "a": Server(script=first, more={"priority": 0}),
        "b": Server(script=second, more={"priority": 100}),
    }


@pytest.mark.parametrize(
    "first",
    [BROKEN, error("503 Busy", "busy"), error("429 Slow", "slow", "retry-after: 9\r\n"), dead],
)
async def test_a_failure_moves_on_and_says_where_it_was(first: Script) -> None:
    async with story(**two(first)) as here:
        found = await here.chat()
        assert (found.status, found.headers["x-nexus-backend"]) == (200, "b")
        assert found.headers["x-nexus-route-reason"] == "failover"
        assert found.headers["x-nexus-tried"] == "a"


@pytest.mark.parametrize("status", ["400 Bad", "403 No", "404 What", "422 Odd"])
async def test_a_4xx_passes_untouched_and_is_asked_of_nobody_else(status: str) -> None:
    async with story(**two(error(status, "mine"))) as here:
        found = await here.chat()
        assert found.status == int(status[:3])
        assert found.body == b'{"error":{"message":"mine"}}'
        assert here.asked("b") == 0


async def test_a_stream_that_has_said_nothing_yet_still_moves() -> None:
    started = answer(STREAM_HEAD + chunk(b": wait\n\n" + ROLE))

    async def starts_and_dies(got: object, reader: object, writer: object) -> None:
        await started(got, reader, writer)  # type: ignore[arg-type]
        writer.close()  # type: ignore[attr-defined]

    async with story(**two(starts_and_dies, STREAM)) as here:
        found = await here.chat(stream=True)
        assert found.headers["x-nexus-backend"] == "b"
        assert found.body == event("hi", "stop") + DONE


async def test_a_stream_that_has_spoken_does_not_move() -> None:
    spoken = answer(STREAM_HEAD + chunk(event("he")))

    async def speaks_and_dies(got: object, reader: object, writer: object) -> None:
        await spoken(got, reader, writer)  # type: ignore[arg-type]
        writer.close()  # type: ignore[attr-defined]

    async with story(**two(speaks_and_dies, STREAM)) as here:
        found = await here.chat(stream=True)
        assert found.headers["x-nexus-backend"] == "a"
        assert found.body.startswith(event("he"))
        assert b'"upstream_' in found.body
        assert here.asked("b") == 0


async def test_what_was_held_back_arrives_byte_for_byte() -> None:
    pieces = b": hello\n\n" + ROLE + event("hi", "stop") + DONE
    script = answer(
        STREAM_HEAD
        + b"".join(chunk(pieces[n : n + 7]) for n in range(0, len(pieces), 7))
        + LAST_CHUNK
    )
    async with story(a=Server(script=script)) as here:
        assert (await here.chat(stream=True)).body == pieces


@pytest.mark.parametrize(
    ("first", "second", "status", "text"),
    [
        (BROKEN, error("429 Slow", "slow down"), 429, b"slow down"),
        (error("429 Slow", "slow down"), BROKEN, 429, b"slow down"),
        (error("401 Key", "bad key"), BROKEN, 500, b"out of memory"),
        (dead, BROKEN, 500, b"out of memory"),
    ],
)
async def test_the_most_useful_of_all_errors_is_told(
    first: Script, second: Script, status: int, text: bytes
) -> None:
    async with story(**two(first, second)) as here:
        found = await here.chat()
        assert found.status == status
        assert text in found.body
        assert "x-nexus-tried" in found.headers


async def test_when_nobody_answers_the_error_lists_who_was_tried() -> None:
    async with story(**two(dead, dead)) as here:
        found = await here.chat()
        assert found.status == 502
        assert context(found)["tried"] == ["a", "b"]
        assert found.headers["x-nexus-backend"] == "b"
        assert found.headers["x-nexus-tried"] == "a, b"


async def silent(got: object, reader: asyncio.StreamReader, writer: object) -> None:
    await reader.read()  # until the other side has enough of it


async def test_one_deadline_covers_all_attempts(tmp_path: Path) -> None:
    config = "[server]\nrequest_timeout_seconds = 0.5\n"
    servers = {**two(silent, GOOD), "c": Server(script=GOOD, more={"priority": 90})}
    async with story(tmp_path, config, **servers) as here:
        found = await here.chat()
        assert (found.status, context(found)["tried"]) == (504, ["a"])
        assert "did not finish in the time allowed" in str(found.error()["message"])
        assert (here.asked("b"), here.asked("c")) == (0, 0)


async def test_retries_do_not_become_a_storm() -> None:
    """Busy servers answer 503 to all: nearly every request is sent once and not twice."""

    async def load(here: Story) -> None:
        for _ in range(40):
            await here.chat()

    busy = error("400 Bad", "no")  # counted below by what the second server got
    async with story(**two(error("529 Overloaded", "busy"), busy)) as here:
        await load(here)
        assert here.asked("a") + here.asked("b") <= 40 + 8 + 3
