"""Small questions to backends: probes, model lists, loads.

Rules kept here, whatever the other end does:
- A question ends within its time, in all: connecting, a slow head, a dripping body.
- A body is read to `MAX_BODY` and no further, also when it is compressed.
- No redirects, no proxies and no .netrc from the environment, no cookies.
- Every question has a connection of its own, and a cancelled one leaves nothing behind.
- Every failure is a `nexus.errors.UpstreamError` that says what happened, never with the URL in it
  (a URL can carry a password).

Written for a fleet of hundreds: a general client costs about three times as much for each question,
and its import and its certificates hold the loop.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import re
import socket
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from nexus.domain.http import HttpCall, HttpReply
from nexus.errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from nexus.upstream.answer import Answer, too_long

MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes of an answer, before and after decompression."""
_UNREACHABLE: Final = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "host unreachable",
    errno.EHOSTDOWN: "host down",
    errno.ENETUNREACH: "network unreachable",
    errno.ETIMEDOUT: "no answer to the connection attempt",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EACCES: "connection not permitted",
}
_ERRNO: Final = re.compile(r"\[Errno (-?\d+)\]")
"""In the text of an error that stands for several: one for each address of a name."""


class ProbeClient:
    """Sends one `HttpCall` at a time to anybody. Safe to share; holds no connections.

    Args:
        tls: certificates to trust; by default those of the system, or of SSL_CERT_FILE.
        max_body: bytes.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, max_body: int = MAX_BODY) -> None:
        self._tls = tls
        self._reading_tls = asyncio.Lock()
        self._max_body = max_body

    async def send(
        self, base_url: str, call: HttpCall, *, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply:
        """Ask, and read the whole answer. `timeout_s` bounds everything together.

        Raises UpstreamUnreachable (no connection), UpstreamTimeout (connected, then silent or too
        slow), UpstreamBroken (cut short, too long, or not HTTP).
        """
        url, host, port = _address(base_url + call.path)
        request = _request(url, call, headers)
        answer = Answer(self._max_body)
        transport: asyncio.Transport | None = None
        try:
            async with asyncio.timeout(timeout_s):
                transport = await _connected(host, port, answer)
                if url.scheme == "https":
                    transport = await self._secured(transport, answer, host)
                transport.write(request)
                return self._unpacked(await answer.done)
        except TimeoutError:
            raise _too_slow(transport is not None, answer.headed, timeout_s) from None
        except OSError as problem:
            # Resets while writing or reading, TLS alerts after the handshake.
            why = _reason(problem) or "connection lost"
            raise (UpstreamBroken if transport else UpstreamUnreachable)(why) from None
        finally:
            answer.leave()
            if transport is not None:
                transport.abort()

    async def _secured(
        self, transport: asyncio.Transport, answer: Answer, host: str
    ) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport, answer, await self._context(), server_hostname=host
            )
        except OSError as problem:
            transport.abort()
            why = _reason(problem) or "TLS: the connection was closed"
            raise UpstreamUnreachable(why) from None
        except BaseException:
            transport.abort()
            raise
        if secured is None:
            raise UpstreamUnreachable("TLS: the connection was closed")
        answer.connection_made(secured)
        return secured

    async def _context(self) -> ssl.SSLContext:
        """Certificates, read once and only for https: that takes 30 ms, so a thread does it."""
        async with self._reading_tls:
            if self._tls is None:
                self._tls = await asyncio.to_thread(ssl.create_default_context)
            return self._tls

    def _unpacked(self, reply: HttpReply) -> HttpReply:
        """The body, decompressed where the server compressed it unasked."""
        encoding = reply.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("", "identity") or not reply.body:
            return reply
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise UpstreamBroken("the answer is compressed in a way that was not asked for")
        unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            plain = unpack.decompress(reply.body, self._max_body)
        except zlib.error:
            raise UpstreamBroken("the answer's compression is broken") from None
        if unpack.unconsumed_tail:
            raise too_long(self._max_body)
        if not unpack.eof:
            raise UpstreamBroken("the answer was cut short")
        return replace(reply, body=plain)


_PORTS: Final = {"http": 80, "https": 443}


def _address(text: str) -> tuple[SplitResult, str, int]:
    """A URL's parts, host and port. Raises UpstreamUnreachable where it is none."""
    try:
        url = urlsplit(text)
        usual = _PORTS[url.scheme]
        host, port = url.hostname, url.port or usual
    except (ValueError, KeyError):
        raise UpstreamUnreachable("the URL cannot be used") from None
    if not host:
        raise UpstreamUnreachable("the URL cannot be used")
    return url, host, port


async def _connected(host: str, port: int, answer: Answer) -> asyncio.Transport:
    """A connection to the first address of a name that takes one."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_connection(lambda: answer, host, port)
    except UnicodeError:
        raise UpstreamUnreachable("the host name does not resolve") from None
    except OSError as problem:
        raise UpstreamUnreachable(_reason(problem) or "no connection") from None
    return transport


def _request(url: SplitResult, call: HttpCall, headers: Mapping[str, str]) -> bytes:
    """The whole request. Raises UpstreamBroken for what no header may have."""
    user, at, host = url.netloc.rpartition("@")
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = {
        "host": host,
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "nexus",
        "connection": "close",
        **{name.lower(): value for name, value in call.headers.items()},
        **{name.lower(): value for name, value in headers.items()},
    }
    if at and "authorization" not in lines:
        lines["authorization"] = f"Basic {base64.b64encode(unquote(user).encode()).decode()}"
    body = b""
    if call.json is not None:
        body = json.dumps(call.json, separators=(",", ":"), ensure_ascii=False).encode()
        lines["content-type"] = "application/json"
    if body or call.method != "GET":
        lines["content-length"] = str(len(body))
    sendable = (call.method, target, *lines, *lines.values())
    if " " in target or not all(text.isascii() and text.isprintable() for text in sendable):
        raise UpstreamBroken("a header or key has characters that cannot be sent")
    head = [f"{call.method} {target} HTTP/1.1", *(f"{name}: {v}" for name, v in lines.items())]
    return "\r\n".join([*head, "", ""]).encode("ascii") + body


def _too_slow(connected: bool, answered: bool, timeout_s: float) -> UpstreamError:
    within = f"within {timeout_s:g} s"
    if not connected:
        return UpstreamUnreachable(f"no connection {within}")
    if not answered:
        return UpstreamTimeout(f"connected, but no answer {within}")
    return UpstreamTimeout(f"the answer did not end {within}")


def _reason(problem: OSError) -> str:
    """What an operator can do something about; empty where nothing is known."""
    if isinstance(problem, socket.gaierror):
        return "the host name does not resolve"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"TLS: certificate not trusted ({problem.verify_message})"
    if isinstance(problem, ssl.SSLError):
        reason = (problem.reason or "handshake failed").lower().replace("_", " ")
        return f"TLS: {reason}"
    numbers = [problem.errno, *map(int, _ERRNO.findall(str(problem)))]
    return next((_UNREACHABLE[number] for number in numbers if number in _UNREACHABLE), "")
