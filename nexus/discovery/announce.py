"""Announcing a server of this machine: what to say of it, and whether anybody could reach it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nexus.discovery.identify import Found, Stranger, identify, listening
from nexus.discovery.mdns import announcing, own_addresses
from nexus.discovery.records import Record, read
from nexus.domain.text import clean
from nexus.errors import BadRequest
from nexus.upstream.client import ProbeClient

HOW_TO_OPEN = {
    "ollama": "start it with OLLAMA_HOST=0.0.0.0",
    "llamacpp": "start it with --host 0.0.0.0",
    "vllm": "start it with --host 0.0.0.0",
    "lmstudio": "turn on 'Serve on Local Network'",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What is announced."""

    service: str
    name: str
    type: str
    port: int
    addresses: tuple[str, ...]
    texts: dict[str, str]
    warnings: tuple[str, ...]


async def announce(
    port: int,
    *,
    type: str,
    name: str,
    api_path: str,
    addresses: Sequence[str],
    told: Callable[[Offer, str], None],
    interfaces: Sequence[str] = (),
) -> None:
    """Announce until cancelled.

    Args:
        port: where the server listens.
        type: what it is; empty asks it.
        name: of the instance; empty takes the host's.
        api_path: what comes before `/v1`.
        addresses: of this machine; none means all where the server can be reached.
        told: called once it is announced, with the offer and the name in use.
        interfaces: for mDNS; none means all.

    Raises:
        BadRequest: nobody could reach the server, or what is said of it makes no sense.
        MdnsUnavailable: mDNS does not work here.
    """
    offer = await make_offer(port, type=type, name=name, api_path=api_path, addresses=addresses)
    async with announcing(
        offer.service, offer.name, port, offer.addresses, offer.texts, interfaces=interfaces
    ) as full_name:
        told(offer, full_name.removesuffix(f".{offer.service}"))
        await asyncio.Event().wait()


async def make_offer(
    port: int, *, type: str, name: str, api_path: str, addresses: Sequence[str]
) -> Offer:
    """What to announce. Raises BadRequest; see `announce`."""
    if not 1 <= port <= 65535:
        raise BadRequest(f"{port} is no port: 1 to 65535")
    candidates = tuple(addresses) or own_addresses()
    refused = await asyncio.gather(*(listening(address, port) for address in candidates))
    reachable = tuple(a for a, why in zip(candidates, refused, strict=True) if not why)
    if not reachable:
        raise BadRequest(await _why_not(port, type, candidates))
    asked = f"[{reachable[0]}]" if ":" in reachable[0] else reachable[0]
    found = await identify(ProbeClient(), f"http://{asked}:{port}{api_path.rstrip('/')}")
    warnings: list[str] = []
    if isinstance(found, Stranger):
        warnings.append(f"what listens on port {port} is not recognised: {found.why}")
    elif type and found.type.value != type:
        warnings.append(f"it is announced as {type}, but looks like {found.detail}")
    kind = type or (found.type.value if isinstance(found, Found) else "generic")
    texts = {"type": kind}
    if api_path:
        texts["api_path"] = api_path
    if isinstance(found, Found) and found.version:
        texts["version"] = clean(found.version, 40)
    service = "_ollama._tcp.local." if kind == "ollama" else "_llm._tcp.local."
    label = (name or socket.gethostname().partition(".")[0] or "server").replace(".", " ")
    label = clean(label, 60).encode()[:60].decode("utf-8", "ignore")
    record = Record(
        f"{label}.{service}", service, port, reachable,
        {key.encode(): value.encode() for key, value in texts.items()},
    )  # fmt: skip
    understood = read(record, lambda host, its_port: False)
    if not hasattr(understood, "url"):
        raise BadRequest(f"nobody would use that: it {getattr(understood, 'why', '')}")
    return Offer(service, label, kind, port, reachable, texts, tuple(warnings))


async def _why_not(port: int, type: str, candidates: Sequence[str]) -> str:
    if not candidates:
        return "this machine has no address on a network, so nobody else could reach its servers"
    if await listening("127.0.0.1", port):
        return f"nothing listens on port {port}; start the server first"
    how = HOW_TO_OPEN.get(type, "let it listen on 0.0.0.0 or on the address of this machine")
    return (
        f"the server on port {port} listens on loopback only, so nobody else could reach it "
        f"(tried {', '.join(candidates[:4])}); {how}"
    )
