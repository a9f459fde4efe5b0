"""Whether what comes back from a backend is an answer, before any of it goes on to the client."""

from __future__ import annotations

import asyncio
import contextlib

from nexus.domain.request import Endpoint, Needs
from nexus.domain.text import clean
from nexus.errors import UpstreamBroken
from nexus.protocols.opening import Opening, error_in, opening
from nexus.proxy.passage import Passage

ERROR_WITHIN = 24
"""Bytes from the start of a unary answer in which its error would be named."""

ERROR_LIMIT = 64 * 1024
"""Bytes of an answer that may be an error and nothing else."""

QUOTED = 500
"""Bytes of a backend's words that are told."""

HELD_S = 10.0
"""Seconds that a stream's start is held back for its first output. Then its client hears of it."""


def quoting(text: str, said: str) -> UpstreamBroken:
    """An error with the backend's own words."""
    error = UpstreamBroken(text)
    error.quoted = clean(said, QUOTED)
    return error


def is_other(needs: Needs, passage: Passage) -> bool:
    """Whether an answer that is not of the form that was asked for can be brought into it."""
    if needs.endpoint is Endpoint.EMBEDDINGS or passage.encoding:
        return False
    return not needs.stream or b"json" in passage.kind


def check_status(passage: Passage) -> None:
    """A redirect is not followed, here or by the client: it would take its prompt elsewhere."""
    name, status = passage.connection.name, passage.status
    if 300 <= status < 400:
        raise UpstreamBroken(f"Backend '{name}' answered with a redirect (HTTP {status})")
    if status in (204, 205):
        raise UpstreamBroken(f"Backend '{name}' answered nothing (HTTP {status})")


async def check_error(passage: Passage) -> None:
    """Some servers say 200 and tell of an error: LM Studio of an unknown path, proxies of theirs.

    Raises:
        UpstreamBroken: there is an error in the answer and nothing else.
    """
    while not passage.done and passage.error is None:
        if sum(map(len, passage.pieces)) > ERROR_LIMIT:
            return
        await passage.more()
    if passage.error is not None:
        raise passage.error
    said = error_in(b"".join(passage.pieces))
    if said is not None:
        raise quoting(f"Backend '{passage.connection.name}' answered with an error", said)


def is_whole(passage: Passage) -> bool:
    """True where a good answer is here to its end, and is seen to be JSON and no error."""
    pieces = passage.pieces
    return (
        passage.done
        and len(pieces) == 1
        and passage.status == 200
        and passage.kind == b"application/json"
        and not passage.encoding
        and pieces[0][:1] == b"{"
        and pieces[0].find(b'"error"', 0, ERROR_WITHIN) < 0
    )


def is_json(passage: Passage, kind: bytes) -> bool:
    """True where the answer is seen to be JSON already: most often it came with its head."""
    return (
        kind == b"application/json"
        and bool(passage.pieces)
        and passage.pieces[0].startswith((b"{", b"["))
    )


async def check_shape(passage: Passage, kind: bytes) -> None:
    """An LLM server answers JSON or events. A captive portal or a wrong port does not."""
    name = passage.connection.name
    if kind and kind != b"text/event-stream" and b"json" not in kind:
        said = kind[:60].decode("latin-1")
        raise UpstreamBroken(f"Backend '{name}' answered {said}, which no LLM server does")
    if kind == b"text/event-stream":
        return
    await passage.started()
    if passage.error is not None:
        raise passage.error
    start = b"".join(passage.pieces).lstrip()[:1]
    if start not in (b"{", b"["):
        raise UpstreamBroken(f"Backend '{name}' answered something that is not JSON")


async def opened(passage: Passage) -> None:
    """Until a stream has begun to answer: what it says before that is held back.

    Raises:
        UpstreamError: it failed before, so that another backend may be tried.
    """
    if await _settled(passage):
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HELD_S):
            while not await _settled(passage):
                await passage.more()


async def _settled(passage: Passage) -> bool:
    """True once it has begun to answer. Waits for the first bytes only."""
    await passage.started()
    if len(passage.pieces) > 1:
        passage.pieces = [b"".join(passage.pieces)]
    found = opening(passage.pieces[0]) if passage.pieces else Opening.NOTHING
    if found is Opening.OUTPUT:
        return True
    name = passage.connection.name
    if found is Opening.ERROR:
        raise UpstreamBroken(f"Backend '{name}' failed before it had answered anything")
    if passage.error is not None:
        raise passage.error
    if passage.done:
        raise UpstreamBroken(f"Backend '{name}' ended the stream without an answer")
    return False
