"""What both doors do with a hot request: check its envelope, carry it, and tell of what failed."""

from __future__ import annotations

import asyncio
import secrets
import zlib
from collections.abc import Callable, Sequence
from itertools import count

from nexus.api.errors import JSON_LINE, render
from nexus.domain.events import Event, RequestRefused
from nexus.domain.request import Endpoint
from nexus.errors import (
    BadRequest,
    BodyTooLarge,
    NexusError,
    ShuttingDown,
    WrongMediaType,
)
from nexus.proxy.carrier import FAILED_INSIDE, Carrier
from nexus.proxy.exchange import Exchange
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.api")

JSON_KIND = b"application/json"

Began = Callable[[str, Sequence[tuple[bytes, bytes]], Endpoint], None]

_NO = frozenset({b"", b"0", b"false", b"no", b"off"})


class Hot:
    """Serves the relayed endpoints.

    Args:
        carrier: the data path.
        publish: where refusals are told.
        unix: Unix seconds.
        body_limit: bytes a request body may have, also after decoding.
        rehearsed: a decision and all that it followed from, as JSON, for a dry run.
        preview: told of every body, by its request's id; None where no body is to be looked at.
        began: told of every request as it comes; None where nobody wants to know.
    """

    def __init__(
        self,
        carrier: Carrier,
        publish: Callable[[Event], None],
        unix: Callable[[], float],
        body_limit: int,
        rehearsed: Callable[..., bytes],
        preview: Callable[[str, bytes], None] | None = None,
        began: Began | None = None,
    ) -> None:
        self._began = began
        self._preview = preview
        self._rehearsed = rehearsed
        self._carrier = carrier
        self._publish = publish
        self._unix = unix
        self._body_limit = body_limit
        self._prefix = secrets.token_hex(4)  # ids are unique over restarts and cheap to make
        self._ids = count(1)

    async def answer(self, exchange: Exchange, endpoint: Endpoint) -> None:
        """Answer one request. Raises nothing but cancellation."""
        request_id = f"req-{self._prefix}-{next(self._ids):06x}"
        if self._began is not None:
            self._began(request_id, exchange.headers, endpoint)
        try:
            if not exchange.plain and self._check_envelope(exchange):
                await self._rehearse(exchange, endpoint, request_id)
            else:
                if self._preview is not None:
                    self._preview(request_id, exchange.body)
                await self._carrier.carry(exchange, endpoint, request_id)
        except NexusError as error:
            self._refuse(exchange, error, request_id)
        except asyncio.CancelledError:
            if not exchange.disconnected:  # it is we who are leaving
                leaving = ShuttingDown("Nexus is shutting down")
                leaving.told = True
                self._refuse(exchange, leaving, request_id)
            raise
        except Exception:
            log.exception("request %s failed inside Nexus", request_id)
            self._refuse(exchange, NexusError(f"{FAILED_INSIDE} ({request_id})"), request_id)

    async def _rehearse(self, exchange: Exchange, endpoint: Endpoint, request_id: str) -> None:
        """Answer with the decision. Nothing is sent to a backend, and nothing is recorded."""

        def tell(*decided: object) -> None:
            exchange.reply(200, JSON_LINE, self._rehearsed(*decided))

        await self._carrier.carry(exchange, endpoint, request_id, tell)

    def _refuse(self, exchange: Exchange, error: NexusError, request_id: str) -> None:
        if not error.told:
            self._publish(
                RequestRefused(
                    request_id, self._unix(), error.model, error.status, error.code, error.message
                )
            )
        if exchange.response_started:
            exchange.abort()
            return
        status, lines, body = render(error, request_id)
        exchange.reply(status, lines, body)

    def _check_envelope(self, exchange: Exchange) -> bool:
        """Content type and coding. JSON must be named: a page in a browser cannot, unasked.

        True when the request is a dry run (`X-Nexus-Dry-Run: 1`).
        """
        kind = coding = dry = b""
        for name, value in exchange.headers:
            if name == b"content-type":
                known = value == JSON_KIND  # most often
                kind = value if known else value.partition(b";")[0].strip().lower()
            elif name == b"content-encoding":
                coding = value.strip().lower()
            elif name == b"x-nexus-dry-run":
                dry = value.strip().lower()
        if kind != JSON_KIND and not kind.endswith(b"+json"):
            said = f"not '{kind.decode('latin-1')[:60]}'" if kind else "but none was sent"
            raise WrongMediaType(
                f"Content-Type must be application/json, {said}: "
                "send the header 'Content-Type: application/json'"
            )
        if coding and coding != b"identity":
            exchange.body = self._decoded(exchange.body, coding)
        return dry not in _NO

    def _decoded(self, body: bytes, coding: bytes) -> bytes:
        if coding not in (b"gzip", b"x-gzip", b"deflate"):
            said = coding.decode("latin-1")[:60]
            raise WrongMediaType(
                f"Content-Encoding '{said}' is not supported: send gzip, deflate or plain JSON"
            )
        decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            decoded = decoder.decompress(body, self._body_limit + 1)
        except zlib.error as exc:
            raise BadRequest("The request body is not valid gzip data") from exc
        if len(decoded) > self._body_limit:
            raise BodyTooLarge(f"The decoded request body is larger than {self._body_limit} bytes")
        return decoded
