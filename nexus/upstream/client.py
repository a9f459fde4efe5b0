"""Small questions to backends: probes, model lists. The only home of httpx.

Rules kept here, whatever the other end does:
- A question ends within its time, in all: connecting, a slow head, a dripping body.
- A body is read to `MAX_BODY` and no further, also when it is compressed.
- No redirects, no proxies and no .netrc from the environment, no cookies.
- Every question has a connection of its own. httpx loses a slot of its pool when a call is cut
  short, so there is no pool to lose slots of; probes are rare.
- Every failure is a `nexus.errors.UpstreamError` that says what happened, never with the URL in it
  (a URL can carry a password).

httpx is imported with the first question, since it costs 5 MB and nobody needs it before.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from nexus.domain.http import HttpCall, HttpReply
from nexus.errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable

if TYPE_CHECKING:
    import httpx

MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes of an answer, before and after decompression."""
_GRACE_S: Final = 0.25
"""httpx's own timeouts fire first; the deadline around them is for what they cannot see."""
_UNREACHABLE: Final = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "host unreachable",
    errno.EHOSTDOWN: "host down",
    errno.ENETUNREACH: "network unreachable",
    errno.ETIMEDOUT: "no answer to the connection attempt",
    errno.ECONNRESET: "connection reset",
    errno.EACCES: "connection not permitted",
}


def _load_httpx() -> None:
    """Import httpx without its command line, which brings rich, click and pygments: 4 MB.

    httpx does without by itself where those are not installed.
    """
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]  # "not importable"


class ProbeClient:
    """Sends one `HttpCall` at a time to anybody. Safe to share; holds no connections.

    Args:
        tls: certificates to trust; by default those of certifi, or of SSL_CERT_FILE.
        max_body: bytes.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, max_body: int = MAX_BODY) -> None:
        self._tls = tls
        self._no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._max_body = max_body

    async def send(
        self, base_url: str, call: HttpCall, *, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply:
        """Ask, and read the whole answer. `timeout_s` bounds everything together.

        Raises UpstreamUnreachable (no connection), UpstreamTimeout (connected, then silent or too
        slow), UpstreamBroken (cut short, too long, or not HTTP).
        """
        _load_httpx()
        import httpx

        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_s + _GRACE_S):
                return await self._exchange(
                    base_url + call.path, call, headers, timeout_s, progress
                )
        except (TimeoutError, httpx.TimeoutException):
            raise _too_slow(progress, timeout_s) from None
        except httpx.ConnectError as problem:
            raise UpstreamUnreachable(_why_not_connected(problem)) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as problem:
            raise UpstreamUnreachable(f"the URL cannot be used: {problem}") from None
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            raise UpstreamBroken("a header or key has characters that cannot be sent") from None
        except httpx.RemoteProtocolError as problem:
            raise UpstreamBroken(_broken(problem, progress)) from None
        except (httpx.TransportError, OSError) as problem:
            # Resets while writing or reading, TLS alerts after the handshake.
            why = _reason(problem) or "connection lost"
            raise (UpstreamBroken if progress.connected else UpstreamUnreachable)(why) from None

    async def _exchange(
        self,
        url: str,
        call: HttpCall,
        headers: Mapping[str, str],
        timeout_s: float,
        progress: _Progress,
    ) -> HttpReply:
        import httpx

        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        async with (
            httpx.AsyncClient(
                verify=self._context(url),
                trust_env=False,
                follow_redirects=False,
                timeout=timeout_s,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            ) as client,
            client.stream(
                call.method,
                url,
                json=call.json,
                headers={
                    "accept": "application/json",
                    "accept-encoding": "identity",
                    "user-agent": "nexus",
                    **call.headers,
                    **headers,
                },
                extensions={"trace": progress.trace},
            ) as response,
        ):
            body = await self._read(response, deadline)
            kept = {name.lower(): value for name, value in response.headers.items()}
            return HttpReply(response.status_code, body, kept)

    async def _read(self, response: httpx.Response, deadline: float) -> bytes:
        """The whole body, decompressed where the server compressed it unasked."""
        loop = asyncio.get_running_loop()
        raw = bytearray()
        async for chunk in response.aiter_raw():
            raw += chunk
            if len(raw) > self._max_body:
                raise self._too_long()
            if loop.time() > deadline:
                raise TimeoutError
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("", "identity"):
            return bytes(raw)
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise UpstreamBroken("the answer is compressed in a way that was not asked for")
        unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            plain = unpack.decompress(bytes(raw), self._max_body)
        except zlib.error:
            raise UpstreamBroken("the answer's compression is broken") from None
        if unpack.unconsumed_tail:
            raise self._too_long()
        if not unpack.eof:
            raise UpstreamBroken("the answer was cut short")
        return plain

    def _too_long(self) -> UpstreamBroken:
        return UpstreamBroken(f"the answer is longer than {self._max_body // (1024 * 1024)} MB")

    def _context(self, url: str) -> ssl.SSLContext:
        """Certificates, read once and only for https: that takes 30 ms."""
        if not url.lower().startswith("https:"):
            return self._no_tls
        if self._tls is None:
            import httpx

            self._tls = httpx.create_ssl_context()
        return self._tls


class _Progress:
    """How far a question got, to tell a dead address from a silent server."""

    connected = False
    answered = False

    async def trace(self, event: str, info: object) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.started"):
            self.connected = True
        elif event.endswith("receive_response_headers.complete"):
            self.answered = True


def _too_slow(progress: _Progress, timeout_s: float) -> UpstreamError:
    within = f"within {timeout_s:g} s"
    if not progress.connected:
        return UpstreamUnreachable(f"no connection {within}")
    if not progress.answered:
        return UpstreamTimeout(f"connected, but no answer {within}")
    return UpstreamTimeout(f"the answer did not end {within}")


def _why_not_connected(problem: BaseException) -> str:
    return _reason(problem) or "no connection"


def _reason(problem: BaseException) -> str:
    """The innermost cause that an operator can do something about."""
    causes = list(_causes(problem))
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "the host name does not resolve"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"TLS: certificate not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "handshake failed").lower().replace("_", " ")
            return f"TLS: {reason}"
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return _UNREACHABLE[cause.errno]
    return ""


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """An exception, what it came from, and the members of groups among them."""
    waiting: list[BaseException | None] = [problem]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += list(one.exceptions)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


def _broken(problem: Exception, progress: _Progress) -> str:
    text = str(problem).lower()
    if "disconnected" not in text and "closed" not in text:
        return "the answer is not HTTP"
    if progress.answered:
        return "the answer was cut short"
    return "closed the connection without an answer"
