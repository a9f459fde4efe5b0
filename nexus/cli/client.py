"""Asking a running Nexus over HTTP, with nothing but the standard library (start-up time).

What answers is not trusted: bodies are bounded in size and time, redirects are not followed, no
proxy is used, and something that is not Nexus is told apart from Nexus.
"""

from __future__ import annotations

import http.client
import json
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import cast
from urllib.parse import unquote, urlsplit

from nexus.cli.facts import Facts, part, text
from nexus.domain.text import clean
from nexus.domain.urls import without_userinfo
from nexus.errors import NexusError

TIMEOUT_S = 10.0
LARGEST_BYTES = 32 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_WITH = "--key-file FILE or NEXUS_CONTROL_KEY"


class NoAnswer(NexusError):
    """No Nexus answered: nothing there, or something else."""

    code = "no_nexus"


class Refused(NexusError):
    """Nexus answered with an error; the message is its own."""


class Gateway:
    """One running Nexus.

    Args:
        url: base URL, normalised.
        timeout_s: for connecting, for each read, and for the whole body.
        key: opens its control API; empty for none.
    """

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S, key: str = "") -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._key = key

    @property
    def url(self) -> str:
        """The base URL as it may be shown."""
        return clean(without_userinfo(self._url))

    def get(self, path: str) -> Facts:
        """The JSON object at a path. Raises NoAnswer or Refused."""
        return self.ask("GET", path)

    def rows(self, path: str) -> list[object]:
        """The JSON list at a path. Raises NoAnswer or Refused."""
        status, _, raw = self._exchange("GET", path, None, {})
        if status < 300:
            try:
                found = json.loads(raw)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, list):
                return cast("list[object]", found)
        self.get(path)  # says what is wrong
        raise NoAnswer(f"{self.url} answered something else than a list")

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Facts:
        """Send one request and read its JSON object. Raises NoAnswer or Refused."""
        payload = json.dumps(body or {}).encode() if method in ("POST", "PATCH") else None
        return self.send(method, path, payload)

    def maybe(self, method: str, path: str, body: Mapping[str, object]) -> Facts | None:
        """Like `ask`, where the answer may be null. Raises NoAnswer or Refused."""
        payload = json.dumps(body).encode()
        status, _, raw = self._exchange(method, path, payload, {})
        if status < 300 and raw.strip() == b"null":
            return None
        return self._read(status, raw)

    def send(
        self,
        method: str,
        path: str,
        payload: bytes | None,
        headers: Mapping[str, str] | None = None,
    ) -> Facts:
        """Send these bytes as JSON and read the JSON object. Raises NoAnswer or Refused."""
        status, _, raw = self._exchange(method, path, payload, headers or {})
        return self._read(status, raw)

    def _read(self, status: int, raw: bytes) -> Facts:
        """The object of an answer. Raises NoAnswer or Refused."""
        facts = _object(raw)
        if facts is not None and status < 300:
            return facts
        error = part(facts or {}, "error")
        message = error.get("message")
        # Other OpenAI-like servers have 404s of the same shape, so a 404 alone proves nothing.
        if not isinstance(message, str) or status == 404:
            self.must_be_nexus()
        if not isinstance(message, str):
            raise Refused(f"{self.url} answered {status} without saying why")
        refused = Refused(clean(message, 2000) + self._remedy(status, message))
        refused.code = text(error, "code") or "error"
        raise refused

    def _remedy(self, status: int, message: str) -> str:
        """What to do about a key that is missing, wrong or too weak, where Nexus does not say."""
        if "--key-file" in message:
            return ""
        if status == 401 and self._key:
            return f". Give another one with {_WITH}"
        if status == 403 and "takes the role" in message:
            return f". Give a key of that role with {_WITH}"
        return ""

    def must_be_nexus(self) -> None:
        """Raises NoAnswer when what answers here is something else."""
        _, server, raw = self._exchange("GET", "/health", None, {})
        facts = _object(raw)
        if facts is None or facts.get("service") != "nexus":
            calls_itself = f" (it calls itself '{clean(server.strip(), 60)}')" if server else ""
            raise NoAnswer(
                f"Something else than Nexus answers at {self.url}{calls_itself}. "
                "Name the running Nexus with --url"
            )

    def _exchange(
        self, method: str, path: str, payload: bytes | None, more: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        """Status, `Server` header and body of one exchange on its own connection."""
        parts = urlsplit(self._url)
        kind = http.client.HTTPConnection
        if parts.scheme == "https":
            kind = http.client.HTTPSConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout_s)
        headers = {"Accept": "application/json", "User-Agent": "nexus-cli"}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if payload is not None:
            headers["Content-Type"] = "application/json"
        headers |= more
        try:
            connection.request(method, parts.path + path, payload, headers)
            reply = connection.getresponse()
            return reply.status, reply.headers.get("Server", ""), self._body(reply)
        except http.client.HTTPException as problem:
            if isinstance(problem, ConnectionError):
                raise self._absent(problem) from None
            raise NoAnswer(
                f"What answers at {self.url} does not speak HTTP. Name the running Nexus with --url"
            ) from None
        except (OSError, UnicodeError) as problem:
            raise self._absent(problem) from None
        finally:
            connection.close()

    def _body(self, reply: http.client.HTTPResponse) -> bytes:
        """The whole body, unless it is too large or comes too slowly."""
        deadline = time.monotonic() + self._timeout_s
        pieces: list[bytes] = []
        size = 0
        while piece := reply.read1(_PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_BYTES:
                raise NoAnswer(f"{self.url} answered more than {LARGEST_BYTES >> 20} MB")
            if time.monotonic() > deadline:
                raise TimeoutError
        return b"".join(pieces)

    def _absent(self, problem: Exception) -> NoAnswer:
        why = ""
        if isinstance(problem, TimeoutError):
            why = f" within {self._timeout_s:g} s"
        elif isinstance(problem, OSError) and not isinstance(problem, ConnectionRefusedError):
            why = f" ({clean(problem.strerror or type(problem).__name__)})"
        return NoAnswer(
            f"No Nexus answers at {self.url}{why}. "
            "Start one with `nexus`, or name another with --url"
        )


def _object(raw: bytes) -> Facts | None:
    """A JSON object, or None for anything else."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast("Facts", value) if isinstance(value, dict) else None
