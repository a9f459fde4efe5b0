"""What a client asks of its route, in headers, and which of them policies look at. Pure.

Wishes tighten and never loosen: a header can keep a request in the restricted zone and cannot let
it out. Anything but the exact word is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nexus.domain.backend import Zone
from nexus.domain.request import Needs
from nexus.domain.traffic import Traffic
from nexus.routing.terms import CLIENT

MAX_KEY_CHARS: Final = 256

_ZONE: Final = b"x-nexus-privacy-zone"
_STRICT: Final = b"x-nexus-strict"
_FLEXIBLE: Final = b"x-nexus-flexible"
_SESSIONS: Final = (b"x-claude-code-session-id", b"x-openwebui-chat-id")
_NAMES: Final = frozenset({_ZONE, _STRICT, _FLEXIBLE, *_SESSIONS})


_TOLD: Final = _NAMES | {b"content-encoding", b"x-nexus-dry-run"}
_JSON: Final = (b"content-type", b"application/json")


def is_plain(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """True where the headers say that the body is JSON, and nothing else that matters to us.

    Most requests of a connection have the same head, so this is worked out once for all of them.

    Args:
        headers: names in lower case.
    """
    kinds = [pair for pair in headers if pair[0] == b"content-type"]
    return kinds == [_JSON] and _TOLD.isdisjoint(name for name, _ in headers)


def with_wishes(needs: Needs, headers: Sequence[tuple[bytes, bytes]]) -> Needs:
    """The needs, with what the client's headers add.

    Args:
        headers: names in lower case.
    """
    said = [(name, value.strip()) for name, value in headers if name in _NAMES]
    if not said:
        return needs
    # Repeated headers, which a proxy may have joined by commas: each is heard, so that no second
    # one takes the first one's word back.
    zones = [word.strip() for name, value in said if name == _ZONE for word in value.split(b",")]
    restricted = any(word.lower() == b"restricted" for word in zones)
    strict = (_STRICT, b"true") in said
    affinity = needs.affinity
    if not affinity:
        session = next((value for name, value in said if name in _SESSIONS and value), b"")
        affinity = session[:MAX_KEY_CHARS].decode("latin-1")
    return replace(
        needs,
        zone=Zone.RESTRICTED if restricted else needs.zone,
        zone_by=CLIENT if restricted else needs.zone_by,
        strict=strict,
        flexible=(_FLEXIBLE, b"true") in said and not strict,
        affinity=affinity,
    )


def with_heard(needs: Needs, headers: Sequence[tuple[bytes, bytes]], traffic: Traffic) -> Needs:
    """The needs, with what the headers say that policies look at.

    Args:
        headers: names in lower case.
        traffic: asked only where it looks at any (`Traffic.heard`).
    """
    holding = traffic.holding(headers)
    return replace(needs, headers=holding) if holding else needs
