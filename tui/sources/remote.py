"""A gateway over HTTP: the same facts and the same wishes as in its own process.

Facts come as one event stream, which is taken up again where it broke, by itself, for as long as it
takes: the gateway may restart, the laptop may sleep. Wishes are single calls. What answers is not
trusted: sizes are bounded, redirects are not followed, no proxy is used.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

import httpx

from nexus import wire
from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import BackendId
from nexus.domain.events import LinkChanged, RequestFinished, RequestRefused, Update
from nexus.domain.gateway import BackendEdit, GatewayInfo, Json, Lately, NewBackend, Recognition
from nexus.domain.history import Metric, Point, Wanted
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, NewKey
from nexus.domain.logline import LogLevel, LogLine
from nexus.domain.routes import Preview, Routes
from nexus.domain.text import clean
from nexus.domain.urls import without_userinfo
from nexus.errors import BadRequest, Forbidden, NexusError
from tui.sources.events import EventReader, Lost, Said

T = TypeVar("T")

PREFIX: Final = "/nexus/v1"
ALL: Final = "nexus"
"""How the control API calls the level of all other components."""
CONNECT_S: Final = 5.0
ANSWER_S: Final = 30.0
LOADING_S: Final = 660.0
"""Loading a model takes as long as reading it from disk."""
SILENCE_S: Final = 15.0
"""A stream says something every five seconds; after this long it is dead."""
LARGEST_BYTES: Final = 64 * 1024 * 1024
WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before each further attempt; the last one is repeated."""


class NoAnswer(NexusError):
    """No gateway answers, or something else does."""

    code = "no_nexus"


def _family(error: type[NexusError]) -> Mapping[str, type[NexusError]]:
    found = {error.code: error}
    for child in error.__subclasses__():
        if child.__module__ == NexusError.__module__:
            found |= _family(child)
    return found


_BY_CODE: Final = _family(NexusError)


class RemoteSource:
    """See the module. Made by `open_remote`."""

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        first: tuple[wire.Hello, list[Update], str],
        *,
        read_only: bool,
        unix: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._url = without_userinfo(url)
        self._client = client
        self._hello, self._opening, self._mark = first
        self._read_only = read_only
        self._unix = unix
        self._sleep = sleep
        self._skew = 0.0
        self._heard(self._hello)

    # ---- facts

    @property
    def info(self) -> GatewayInfo:
        return replace(self._hello.info, url=self._url)

    @property
    def role(self) -> Role:
        return Role.VIEWER if self._read_only else Role(self._hello.role)

    def clock(self) -> float:
        """Unix seconds by the gateway's clock, which its facts are dated by."""
        return self._unix() + self._skew

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def updates(self) -> AsyncIterator[Update]:
        """What is so, what changes, and what becomes of the connection. Ends only by raising.

        Raises:
            NoAnswer: the gateway speaks a newer language.
        """
        opening, self._opening = self._opening, []
        for update in opening:
            yield update
        failures = 0
        connected = True
        while True:
            why = "the gateway ended the connection"
            try:
                async for said in self._stream():
                    failures = 0
                    if isinstance(said, wire.Hello):
                        self._heard(said)
                        if not connected:
                            connected = True
                            yield LinkChanged(self.clock(), True, "")
                        continue
                    for update in said:
                        yield update
            except Lost as lost:
                why = str(lost)
            except NexusError as error:
                if isinstance(error, NoAnswer):
                    raise
                why = error.message
            connected = False
            wait = WAITS_S[min(failures, len(WAITS_S) - 1)]
            failures += 1
            left = wait * random.uniform(
                0.8, 1.2
            )  # many dashboards of one gateway: not all at once
            while left > 0:
                said_s = f"{left:.0f}" if left >= 1 else "1"
                yield LinkChanged(self.clock(), False, f"reconnecting in {said_s} s: {clean(why)}")
                await self._sleep(min(1.0, left))
                left -= 1.0
            yield LinkChanged(self.clock(), False, f"reconnecting: {clean(why)}")

    async def _stream(self) -> AsyncIterator[wire.Hello | list[Update]]:
        """One connection's worth of events. Raises Lost when it breaks."""
        headers = {"accept": "text/event-stream", "accept-encoding": "gzip"}
        if self._mark:
            headers["last-event-id"] = self._mark
        timeout = httpx.Timeout(CONNECT_S, read=SILENCE_S)
        try:
            async with self._client.stream(
                "GET", f"{PREFIX}/events", headers=headers, timeout=timeout
            ) as reply:
                if reply.status_code != 200:
                    raise _error(reply.status_code, await _bounded(reply), self._url)
                reader = EventReader(reply.headers.get("content-encoding", ""), LARGEST_BYTES)
                async for piece in reply.aiter_raw():
                    for event in reader.feed(piece):
                        if event.kind == "bye":
                            raise Lost("the gateway stopped")
                        if (said := self._read(event)) is not None:
                            yield said
        except (httpx.HTTPError, OSError) as problem:
            raise Lost(_why(problem)) from None

    def _read(self, event: Said) -> wire.Hello | list[Update] | None:
        try:
            if event.kind == "hello":
                return _understood(wire.load(event.data, wire.Hello), self._url)
            if event.kind != "message":
                return None
            updates = wire.decode_all(event.data)
        except wire.Unreadable as problem:
            raise Lost(f"what came cannot be read ({problem})") from None
        self._mark = event.id
        # What becomes of the connection is for this end to say.
        return [update for update in updates if not isinstance(update, LinkChanged)]

    def _heard(self, hello: wire.Hello) -> None:
        self._hello = hello
        skew = hello.now - self._unix() if hello.now else 0.0
        self._skew = skew if abs(skew) > 2 else 0.0  # less is the way's delay

    # ---- questions

    async def lately(self) -> Lately:
        found = await self._ask("GET", "/lately", dict[str, Any])
        try:
            told = wire.decode_all(wire.dump(found["updates"]))
            since = wire.load(wire.dump(found["since"]), float)
        except (wire.Unreadable, KeyError) as problem:
            raise NoAnswer(f"{self._url} answered what cannot be read ({problem})") from None
        ended = (each for each in told if isinstance(each, (RequestFinished, RequestRefused)))
        return Lately(since, tuple(ended))

    async def requests(self, wanted: Wanted, limit: int = 100) -> tuple[Json, ...]:
        usual = Wanted()
        asked = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
        params = {key: value for key, value in asked.items() if value != getattr(usual, key)}
        found = await self._ask("GET", "/requests", dict[str, Any], params | {"limit": limit})
        return tuple(cast("list[Json]", found.get("requests", [])))

    async def story(self, request_id: str) -> Json:
        return await self._ask("GET", f"/requests/{_part(request_id)}", dict[str, Any])

    async def decide_again(self, request_id: str) -> Json:
        return await self._ask("GET", f"/requests/{_part(request_id)}/now", dict[str, Any])

    async def series(
        self, metric: Metric, since: float, step_s: int, *, backend: str = "", model: str = ""
    ) -> tuple[Point, ...]:
        params = {"metric": metric.value, "since": since, "step_s": step_s}
        params |= {key: value for key, value in (("backend", backend), ("model", model)) if value}
        return await self._ask("GET", "/series", tuple[Point, ...], params)

    async def changes(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        return await self._ask("GET", "/changes", tuple[AuditEntry, ...], {"limit": limit})

    async def logs(self, after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
        return await self._ask("GET", "/log", tuple[LogLine, ...], {"after": after, "limit": limit})

    async def log_levels(self) -> Mapping[str, LogLevel]:
        found = await self._ask("GET", "/log/levels", dict[str, LogLevel])
        return {"" if name == ALL else name: level for name, level in found.items()}

    async def routes(self) -> Routes:
        return await self._ask("GET", "/routing", Routes)

    async def preview(self, routes: Routes) -> Preview:
        return await self._ask("PUT", "/routing", Preview, {"dry_run": "1"}, wire.dump(routes))

    async def keys(self) -> Keyring:
        return await self._ask("GET", "/keys", Keyring)

    async def preview_key(self, new: NewKey) -> KeyImpact:
        said = wire.dump({"name": new.name, "role": new.role})
        return await self._ask("POST", "/keys", KeyImpact, {"dry_run": "1"}, said)

    async def preview_revoke(self, name: str) -> KeyImpact:
        return await self._ask("DELETE", f"/keys/{_part(name)}", KeyImpact, {"dry_run": "1"})

    async def recognise(self, url: str) -> Recognition | None:
        found: Recognition | None = await self._wish("POST", "/recognise", {"url": url}, _MAYBE)
        return found

    # ---- wishes

    async def drain(self, backend_id: BackendId) -> None:
        await self._wish("POST", f"/backends/{_part(backend_id)}/drain")

    async def undrain(self, backend_id: BackendId) -> None:
        await self._wish("POST", f"/backends/{_part(backend_id)}/undrain")

    async def check(self, backend_id: BackendId) -> None:
        await self._wish("POST", f"/backends/{_part(backend_id)}/check")

    async def scan(self) -> None:
        await self._wish("POST", "/scan")

    async def approve(self, backend_id: BackendId) -> None:
        await self._wish("POST", f"/discovered/{_part(backend_id)}/approve")

    async def dismiss(self, backend_id: BackendId) -> None:
        await self._wish("POST", f"/discovered/{_part(backend_id)}/dismiss")

    async def cancel(self, request_id: str) -> None:
        await self._wish("POST", f"/requests/{_part(request_id)}/cancel")

    async def add(self, backend: NewBackend) -> str:
        said = {key: value for key, value in wire.plain(backend).items() if value is not None}
        added = await self._wish("POST", "/backends", said)
        name, kind = added.get("name", ""), added.get("backend_type", "")
        return f"{clean(str(name))} is {kind}: {clean(str(added.get('recognised_by', '')))}"

    async def edit(self, backend_id: BackendId, edit: BackendEdit) -> None:
        told = wire.plain(edit)
        cleared = told.pop("cleared")  # null takes back what was said
        said = {key: value for key, value in told.items() if value is not None or key in cleared}
        await self._wish("PATCH", f"/backends/{_part(backend_id)}", said)

    async def remove(self, backend_id: BackendId) -> None:
        await self._wish("DELETE", f"/backends/{_part(backend_id)}")

    async def load_model(self, backend_id: BackendId, model_id: str) -> None:
        await self._wish("POST", f"/backends/{_part(backend_id)}/load", {"model": model_id})

    async def unload_model(self, backend_id: BackendId, model_id: str) -> None:
        await self._wish("POST", f"/backends/{_part(backend_id)}/unload", {"model": model_id})

    async def apply(self, routes: Routes) -> Routes:
        self._may_wish()
        return await self._ask("PUT", "/routing", Routes, None, wire.dump(routes))

    async def undo(self) -> Routes:
        return await self._wish("POST", "/routing/undo", {}, Routes)

    async def create_key(self, new: NewKey) -> KeyMade:
        self._may_wish()
        said = wire.dump({"name": new.name, "role": new.role})
        return await self._ask("POST", "/keys", KeyMade, None, said, new.version)

    async def revoke_key(self, name: str, version: str = "") -> KeyGone:
        self._may_wish()
        return await self._ask("DELETE", f"/keys/{_part(name)}", KeyGone, version=version)

    async def set_log_level(self, component: str, level: LogLevel) -> None:
        path = f"/log/levels/{_part(component or ALL)}"
        await self._wish("PUT", path, {"level": level.value})

    # ---- one call

    def _may_wish(self) -> None:
        if self._read_only:
            raise Forbidden("This dashboard was attached with --read-only")

    async def _wish(
        self, method: str, path: str, body: object = None, kind: Any = dict[str, Any]
    ) -> Any:
        self._may_wish()
        content = None if method == "DELETE" else wire.dump(body or {})
        return await self._ask(method, path, kind, None, content)

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        version: str = "",
    ) -> T:
        """Raises the error that the gateway answered, or NoAnswer.

        Args:
            version: of what was looked at; another one there is refused.
        """
        answer_s = LOADING_S if path.endswith(("/load", "/unload")) else ANSWER_S
        status, body = await _exchange(
            self._client, self._url, method, path, params, content, answer_s, version
        )
        if status >= 300:
            raise _error(status, body, self._url)
        try:
            return wire.load(body, kind)
        except wire.Unreadable as problem:
            raise NoAnswer(f"{self._url} answered what cannot be read ({problem})") from None


_MAYBE: Final[Any] = Recognition | None


async def open_remote(
    url: str,
    key: str = "",
    *,
    read_only: bool = False,
    unix: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> RemoteSource:
    """A source over the gateway at a base URL.

    Args:
        key: a control key; empty for none.
        read_only: wish nothing, whatever the key allows.

    Raises:
        NoAnswer: no Nexus answers there.
        Unauthorized, Forbidden: it does, and lets nobody in without a (better) key.
    """
    headers = {"user-agent": "nexus-attach"}
    if key:
        if not key.isascii() or not key.isprintable():
            raise BadRequest("The key has characters that cannot be sent")
        headers["authorization"] = f"Bearer {key}"
    client = httpx.AsyncClient(
        base_url=url,
        headers=headers,
        trust_env=False,
        follow_redirects=False,
        # A kept connection may be dead after a sleep, and its first question lost.
        limits=httpx.Limits(max_connections=16, keepalive_expiry=4),
    )
    shown = without_userinfo(url)
    try:
        status, body = await _exchange(client, shown, "GET", "/snapshot", None, None, ANSWER_S)
        if status != 200:
            raise _error(status, body, shown)
        first = _snapshot(body, shown)
    except BaseException:
        await client.aclose()
        raise
    return RemoteSource(url, client, first, read_only=read_only, unix=unix, sleep=sleep)


def _snapshot(body: bytes, url: str) -> tuple[wire.Hello, list[Update], str]:
    try:
        found: dict[str, Any] = wire.load(body, dict[str, Any])
        hello = _understood(wire.load(wire.dump(found["hello"]), wire.Hello), url)
        return hello, wire.decode_all(wire.dump(found["updates"])), str(found["id"])
    except (wire.Unreadable, KeyError) as problem:
        raise NoAnswer(f"{url} answered what no Nexus says ({problem})") from None


def _understood(hello: wire.Hello, url: str) -> wire.Hello:
    if hello.wire > wire.VERSION or hello.role not in list(Role):
        raise NoAnswer(
            f"{url} runs Nexus {clean(hello.info.version, 40)}, which this version cannot follow: "
            "update Nexus here"
        )
    return hello


async def _exchange(
    client: httpx.AsyncClient,
    url: str,
    method: str,
    path: str,
    params: Mapping[str, Any] | None,
    content: bytes | None,
    answer_s: float,
    version: str = "",
) -> tuple[int, bytes]:
    """Status and body of one call. Raises NoAnswer."""
    headers = {} if content is None else {"content-type": "application/json"}
    if version:
        headers["if-match"] = f'"{version}"'
    timeout = httpx.Timeout(CONNECT_S, read=answer_s)
    try:
        async with client.stream(
            method, PREFIX + path, params=params, content=content, headers=headers, timeout=timeout
        ) as reply:
            return reply.status_code, await _bounded(reply)
    except (httpx.HTTPError, OSError) as problem:
        hint = ". Start one with `nexus`, or name another address" if path == "/snapshot" else ""
        raise NoAnswer(f"No Nexus answers at {url}: {_why(problem)}{hint}") from None


async def _bounded(reply: httpx.Response) -> bytes:
    body = b""
    async for piece in reply.aiter_bytes():
        body += piece
        if len(body) > LARGEST_BYTES:
            raise NoAnswer(f"The answer is longer than {LARGEST_BYTES >> 20} MB")
    return body


def _error(status: int, body: bytes, url: str) -> NexusError:
    """The gateway's own error, as if it had been raised here."""
    try:
        envelope = json.loads(body)["error"]
        message, code = str(envelope["message"]), str(envelope["code"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return NoAnswer(f"What answers at {url} is not Nexus (status {status})")
    kind = _BY_CODE.get(code, NexusError)
    param, context = envelope.get("param"), envelope.get("context")
    return kind(
        "\n".join(clean(each, 500) for each in message.splitlines()[:100]),
        param=param if isinstance(param, str) else None,
        context=cast("dict[str, object]", context) if isinstance(context, dict) else None,
    )


def _why(problem: BaseException) -> str:
    """What happened to a connection, in words."""
    if isinstance(problem, httpx.ConnectTimeout):
        return f"no connection within {CONNECT_S:g} s"
    if isinstance(problem, httpx.ReadTimeout):
        return "it is silent"
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        cause = cause.__cause__ or cause.__context__
    if isinstance(problem, httpx.ConnectError):
        return clean(str(problem), 200) or "no connection"
    return "the connection broke"


def _part(text: str) -> str:
    """One segment of a path."""
    return quote(text, safe="")
