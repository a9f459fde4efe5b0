"""A DNS-SD record becomes a candidate, or a reason. Pure: every byte of it is somebody's claim.

| TXT key | meaning |
|---|---|
| `type` | ollama, vllm, llamacpp, lmstudio, exo, openai; a hint, the server is asked anyway |
| `api_path` | path prefix before `/v1` |
| `version`, `models` | hints, shown until the server tells |

Saturn (`_saturn._tcp`) says `api` for what `type` says here. Its `priority` is not read: nobody
orders himself to the front.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from nexus.discovery.candidate import Candidate, Ignored
from nexus.domain.backend import BackendType, Source
from nexus.domain.text import MARK, clean
from nexus.domain.urls import normalise

MOST_TXT_BYTES = 2048
"""Longer text is not read: honest records have a few dozen bytes."""
MOST_MODELS = 64
NAME_LENGTH = 60
_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){0,6}")
_SCOPE = re.compile(r"[A-Za-z0-9._-]{1,16}")
_TYPES = {
    "ollama": BackendType.OLLAMA,
    "vllm": BackendType.VLLM,
    "llamacpp": BackendType.LLAMACPP,
    "exo": BackendType.EXO,
    "lmstudio": BackendType.LMSTUDIO,
}
"""Local dialects. The word `openai` means OpenAI's API there, which is our generic."""


@dataclass(frozen=True, slots=True)
class Record:
    """One service instance as resolved."""

    instance: str
    """Full name, `box 7._ollama._tcp.local.`."""
    service: str
    """`_ollama._tcp.local.`"""
    port: int | None
    addresses: Sequence[str]
    """Numeric, IPv6 link-local ones with their `%scope`."""
    txt: Mapping[bytes, bytes | None] = field(default_factory=dict[bytes, "bytes | None"])


def read(record: Record, is_nexus: Callable[[str, int], bool]) -> Candidate | Ignored:
    """What a record offers.

    Args:
        record: as heard.
        is_nexus: whether address and port are where this Nexus itself listens.
    """
    key = f"mdns {record.instance.lower()}"
    name = instance_name(record)

    def ignored(why: str) -> Ignored:
        return Ignored(key, name or "(no name)", why)

    port = record.port
    if not port or not 0 < port < 65536:
        return ignored(f"announces port {port or 0}")
    if sum(len(k) + len(v or b"") for k, v in record.txt.items()) > MOST_TXT_BYTES:
        return ignored(f"has more than {MOST_TXT_BYTES} bytes of TXT")
    texts = _texts(record.txt)
    path = _path(texts.get("api_path", ""))
    if path is None:
        return ignored("has an api_path that is no plain path")
    address, why = choose(record.addresses)
    if not address:
        return ignored(why)
    if is_nexus(address, port):
        return ignored("is this Nexus itself")
    host = f"[{address}]" if ":" in address else address
    try:
        url = normalise(f"http://{host}:{port}{path}")
    except ValueError as problem:
        return ignored(str(problem))
    return Candidate(
        key,
        name,
        url,
        Source.MDNS,
        f"mDNS {record.service.removesuffix('.').removesuffix('.local')}",
        type=_type(texts, record.service),
        version=clean(texts.get("version", ""), 40),
        models=tuple(
            clean(word.strip(), 100)
            for word in texts.get("models", texts.get("model", "")).split(",")[:MOST_MODELS]
            if word.strip()
        ),
    )


def instance_name(record: Record) -> str:
    """The instance's first label with blanks for underscores, fit for a screen."""
    label = record.instance
    if label.lower().endswith("." + record.service.lower()):
        label = label[: -len(record.service) - 1]
    else:
        label = label.partition("._")[0]
    return tidy_name(label.replace("_", " "))


def tidy_name(text: str) -> str:
    """A foreign name as a backend's name: clean, one line, short."""
    return clean(text, NAME_LENGTH).replace(MARK, "").strip(" .")


def choose(addresses: Sequence[str]) -> tuple[str, str]:
    """The address to use, or why there is none: IPv4 first, then IPv6, link-local last."""
    usable: list[tuple[int, str]] = []
    why = "has no address"
    for text in list(addresses)[:32]:
        plain, _, scope = text.partition("%")
        try:
            ip = ip_address(plain)
        except ValueError:
            continue
        refused = refusal(ip)
        if refused:
            why = f"announces {ip}: {refused}"
        elif ip.version == 4:
            usable.append((0, str(ip)))
        elif not ip.is_link_local:
            usable.append((1, str(ip)))
        elif _SCOPE.fullmatch(scope):
            usable.append((2, f"{ip}%{scope}"))
        else:
            why = f"announces {ip}: no interface is known for it"
    return (min(usable, key=lambda one: one[0])[1], "") if usable else ("", why)


def refusal(ip: IPv4Address | IPv6Address) -> str:
    """Why nobody on a local network can rightly say to be at this address; else empty."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        return refusal(ip.ipv4_mapped)
    if ip.is_unspecified:
        return "not an address"
    if ip.is_multicast:
        return "an address of many"
    if ip == IPv4Address("255.255.255.255"):
        return "an address of all"
    if ip.is_global:
        return "a public address, beyond the local network"
    return ""


def _texts(txt: Mapping[bytes, bytes | None]) -> dict[str, str]:
    """Keys in lower case; the first of a kind counts (RFC 6763)."""
    texts: dict[str, str] = {}
    for key, value in txt.items():
        name = key.decode("ascii", "replace").lower()
        texts.setdefault(name, (value or b"").decode("utf-8", "replace"))
    return texts


def _path(text: str) -> str | None:
    """A prefix without its `/v1`; None for what is no plain path."""
    path = "/" + text.strip().strip("/") if text.strip().strip("/") else ""
    if not _PATH.fullmatch(path) or len(path) > 200:
        return None
    return path


def _type(texts: Mapping[str, str], service: str) -> BackendType | None:
    said = texts.get("type") or texts.get("api") or ""
    word = re.sub(r"[^a-z0-9]", "", said.lower())
    if word:
        return _TYPES.get(word)
    return BackendType.OLLAMA if service.lower().startswith("_ollama.") else None
