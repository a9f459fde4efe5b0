"""Why it went there, and what would be: three questions answered without FastAPI.

Whoever asks them wants to know now, and FastAPI takes a quarter of a second and 11 MB at its first
request. So what is plainly one of these questions is answered here. The control surface has them
too, for its page; and what is odd about a question, such as a body that is no JSON or has a field
too many, is left to it, so that both say the same.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Awaitable, Mapping
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nexus.api.asgi_door import Message, Receive, Scope, Send
from nexus.api.errors import JSON_LINE, header_pairs, render
from nexus.control.control import Control
from nexus.errors import NexusError

REQUESTS: Final = "/nexus/v1/requests/"
WHAT_IF: Final = "/nexus/v1/what-if"
POLICY_TEST: Final = "/nexus/v1/policy/test"

LARGEST: Final = 16 << 20
"""Bytes of a question; what is longer is left to FastAPI."""
COMPRESSED: Final = 2000
"""Bytes of an answer from which on it is compressed for whoever takes that."""
GZIP: Final = zlib.MAX_WBITS | 16
"""zlib's word for the gzip format."""


class WhatIf(BaseModel):
    """What would be different."""

    model_config = ConfigDict(extra="forbid")

    drop: list[str] = Field([], max_length=1000, description="Backends that would not be there")
    config: str | None = Field(None, description="Text of the configuration that would be in force")
    since_s: float = Field(86_400.0, gt=0, le=1e9, description="How far back, seconds")


class Expectations(BaseModel):
    """What the policies are to keep."""

    expect: list[dict[str, Any]] = Field(description="See docs/guides/policy-tests.md")


async def answered(control: Control, scope: Scope, receive: Receive, send: Send) -> Receive | None:
    """Answer, where it is plainly one of the questions; else what is left to be received.

    None when the answer was sent. Not read is nothing of a request that is none of the questions.
    """
    method, path = scope["method"], scope["path"]
    if method == "GET" and path.startswith(REQUESTS):
        id_ = path[len(REQUESTS) :]
        if not id_ or "/" in id_:
            return receive
        await _answer(control.requests.story(id_), scope, send)
        return None
    if method != "POST" or path not in (WHAT_IF, POLICY_TEST) or not _is_json(scope):
        return receive
    body, again = await _body(receive)
    try:
        told = json.loads(body)
        if path == WHAT_IF:
            asked = WhatIf.model_validate(told)
            answer = control.requests.foresight.what_if(asked.drop, asked.config, asked.since_s)
        else:
            expect = Expectations.model_validate(told).expect
            answer = control.requests.foresight.policy_test({"expect": expect})
    except (ValueError, RecursionError, ValidationError):
        return again
    await _answer(answer, scope, send)
    return None


async def _answer(answer: Awaitable[Mapping[str, Any]], scope: Scope, send: Send) -> None:
    try:
        status, lines, body = 200, JSON_LINE, _dump(await answer)
    except NexusError as error:
        status, lines, body = render(error)
    if len(body) >= COMPRESSED:
        lines += b"vary: Accept-Encoding\r\n"
        if b"gzip" in _header(scope, b"accept-encoding"):
            body = zlib.compress(body, 5, wbits=GZIP)
            lines += b"content-encoding: gzip\r\n"
    headers = [*header_pairs(lines), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


async def _body(receive: Receive) -> tuple[bytes, Receive]:
    """The body as far as it is read, and a way to receive the same once more."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if not message.get("more_body", False) or size > LARGEST:
            break
    left = iter(messages)

    async def again() -> Message:
        return next(left, None) or await receive()

    return b"".join(each.get("body", b"") for each in messages), again


def _is_json(scope: Scope) -> bool:
    return _header(scope, b"content-type").partition(b";")[0].strip() == b"application/json"


def _header(scope: Scope, name: bytes) -> bytes:
    headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
    return next((value.lower() for key, value in headers if key == name), b"")
