"""Who listens at an address? Recognised by fingerprint, never by port alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from nexus.backends import fingerprints
from nexus.backends.base import Outcome
from nexus.backends.fingerprints import Sureness
from nexus.backends.openai import judge
from nexus.backends.signs import MODELS
from nexus.domain.backend import BackendType
from nexus.domain.http import HttpCall, HttpReply
from nexus.errors import UpstreamError

BUDGET_S = 2.0
"""For everything that is asked of one address."""
CONNECT_S = 1.0
_AT_ONCE = 4
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0", "::"})
_HOME = {11434: BackendType.OLLAMA, 1234: BackendType.LMSTUDIO, 52415: BackendType.EXO}
"""Ports that say nothing new about a server of this type, so its name goes without."""


class Asker(Protocol):
    """What can put a question to a server: `nexus.upstream.client.ProbeClient`."""

    async def send(
        self, base_url: str, call: HttpCall, *, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply: ...


@dataclass(frozen=True, slots=True)
class Found:
    """An LLM server that answers."""

    url: str
    type: BackendType
    name: str
    version: str
    detail: str
    """`Ollama 0.33.0 (/api/version and /api/status)`."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something, or nothing, that is no backend for us."""

    why: str
    again: bool = False
    """True where asking again soon may tell more: it was silent, or in trouble."""


async def identify(
    asker: Asker, url: str, *, key: str = "", timeout_s: float = BUDGET_S
) -> Found | Stranger:
    """Ask a server who it is, within `timeout_s` in all. A key opens doors that hide the rest."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    replies: dict[str, HttpReply] = {}
    limit = asyncio.Semaphore(_AT_ONCE)
    problem = ""

    async def ask(call: HttpCall) -> None:
        nonlocal problem
        async with limit:
            left = deadline - loop.time()
            try:
                if left <= 0:
                    raise TimeoutError
                replies[call.path] = await asker.send(url, call, headers=headers, timeout_s=left)
            except TimeoutError:
                replies[call.path] = HttpReply(0)
            except UpstreamError as error:
                problem = problem or error.message
                replies[call.path] = HttpReply(0)

    while calls := fingerprints.next_calls(replies, url):
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(ask(call), name=f"fingerprint {call.path}")
    if fingerprints.is_nexus(replies):
        return Stranger("another Nexus: not used, requests could go in circles")
    seen = fingerprints.recognise(replies, url)
    if seen is not None:
        port = urlsplit(url).port
        name = seen.type.value if _HOME.get(port or 0) is seen.type else f"{seen.type}-{port}"
        title = f"{seen.product} {seen.version}".strip()
        if seen.sure is Sureness.LIKELY:
            title = f"probably {title}"
        return Found(url, seen.type, name, seen.version, f"{title} ({seen.evidence})")
    first = replies[MODELS]
    if first.status == 0:
        return Stranger(problem or f"no answer within {timeout_s:g} s", again=True)
    if judge(first).outcome is Outcome.DENIED:
        return Stranger(
            f"asks for a key (HTTP {first.status}): configure it as a backend with api_key_env"
        )
    return Stranger("answers HTTP but is no known LLM server", again=first.status >= 500)


async def listening(host: str, port: int) -> str:
    """Whether something accepts connections there: empty, or why not."""
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no connection within {CONNECT_S:g} s"
    except ConnectionRefusedError:
        return "connection refused"
    except OSError as problem:
        return (problem.strerror or "no connection").lower()
    writer.close()
    return ""


def port_of(url: str) -> int | None:
    """The port of a URL, else None."""
    try:
        parts = urlsplit(url)
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None


def local_port(url: str) -> int | None:
    """The port of a URL that means this machine, else None."""
    try:
        parts = urlsplit(url)
        if (parts.hostname or "") not in _LOCAL:
            return None
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
