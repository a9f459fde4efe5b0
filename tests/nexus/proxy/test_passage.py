"""One attempt holds its connection until its answer has ended, and not a moment longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from nexus.proxy.passage import Passage
from nexus.upstream.pool import Pool, Timeouts
from tests.fakes.upstream import Upstream, answer, reply, upstream


@pytest.fixture
async def up() -> AsyncIterator[Upstream]:
    async with upstream(answer(reply(b'{"a":1}'))) as here:
        yield here


def sent(pool: Pool, passage: Passage) -> Passage:
    """Its request is on its way."""
    now = asyncio.get_running_loop().time()
    request = pool.request("/v1/x", b"{}")
    passage.connection.send(request, passage, first_byte_s=5, idle_s=5, total_ends=now + 5)
    return passage


async def answered(passage: Passage) -> bytes:
    async with asyncio.timeout(5):
        await passage.finished()
    assert passage.error is None
    return b"".join(passage.pieces)


@pytest.mark.parametrize("act", [Passage.abort, Passage.pause])
async def test_an_answer_that_has_ended_leaves_its_connection_to_the_next_request(
    up: Upstream, act: object
) -> None:
    """A client leaves, or reads slowly, in the moment in which its answer has come whole."""
    now = asyncio.get_running_loop().time
    pool = Pool("gpu", up.url, {}, Timeouts())
    first = sent(pool, Passage(await pool.connect(), now))
    await answered(first)
    kept = pool.idle()
    assert kept is first.connection
    second = sent(pool, Passage(kept, now))
    act(first)  # type: ignore[operator]

    assert await answered(second) == b'{"a":1}'
    assert pool.idle() is kept
    pool.close()
    kept.abort()


async def test_an_answer_that_still_comes_is_let_go_with_its_connection(up: Upstream) -> None:
    now = asyncio.get_running_loop().time
    pool = Pool("gpu", up.url, {}, Timeouts())
    passage = sent(pool, Passage(await pool.connect(), now))
    passage.abort()
    async with asyncio.timeout(5):
        await up.closed_by_client.wait()

    assert (passage.done, passage.error, pool.idle()) == (False, None, None)
