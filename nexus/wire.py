"""`Update` <-> JSON, for dashboards that are attached over HTTP. Pure.

An update is `["LoadChanged", {...}]`: the name of its class and its fields by name. Reading is
lenient about what is new and strict about what is known: fields nobody knows are passed over,
missing ones take their defaults, a kind nobody knows is None, and a known one with a value of the
wrong kind is `Unreadable`. So an older dashboard can follow a newer gateway.

What is read comes from a server: nothing here trusts its size, depth, numbers or words, and texts
are still to be cleaned before they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast, get_args

import msgspec

from nexus.domain import events
from nexus.domain.backend import Backend, BackendId, Load
from nexus.domain.events import FleetSeen, Update
from nexus.domain.fleet import picture
from nexus.domain.gateway import GatewayInfo

VERSION: Final = 1
"""Grows when an older reader would misunderstand, not when something is added."""

T = TypeVar("T")


class Unreadable(Exception):
    """This is not an update, or one of a kind that is known with fields that are not."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first thing an attached dashboard asks for."""

    wire: int
    """`VERSION` of the gateway."""
    info: GatewayInfo
    role: str
    """What the caller may do: `viewer`, `operator` or `admin`."""
    who: str = ""
    """As whom the caller's changes are written down."""
    now: float = 0.0
    """The gateway's clock, Unix seconds: the caller's may be wrong."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """`FleetSeen` without its indexes, which the reader makes anew."""

    version: int
    backends: tuple[Backend, ...]
    loads: Mapping[BackendId, Load]


_KINDS: Final[Mapping[str, type[Any]]] = {kind.__name__: kind for kind in get_args(events.Update)}
_READ: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    name: msgspec.json.Decoder(_Picture if kind is FleetSeen else kind)
    for name, kind in _KINDS.items()
}
_BATCH: Final = msgspec.json.Decoder(list[tuple[str, msgspec.Raw]])
_ONE: Final = msgspec.json.Decoder(tuple[str, msgspec.Raw])
_write: Final = msgspec.json.Encoder(decimal_format="number").encode


def encode(update: Update) -> bytes:
    """One update as JSON, without a line break in it."""
    return _encoded(_pair(update))


def encode_all(updates: list[Update]) -> bytes:
    """Several, in order, as one JSON array."""
    return _encoded([_pair(update) for update in updates])


def decode(data: bytes | str) -> Update | None:
    """The update that `encode` made; None for one of a kind that this version does not know.

    Raises:
        Unreadable: it is something else.
    """
    kind, rest = _guarded(_ONE.decode, data)
    return _update(kind, rest)


def decode_all(data: bytes | str) -> list[Update]:
    """What `encode_all` made, without those of unknown kinds.

    Raises:
        Unreadable: it is something else.
    """
    found = [_update(kind, rest) for kind, rest in _guarded(_BATCH.decode, data)]
    return [update for update in found if update is not None]


def dump(value: object) -> bytes:
    """Any of the domain's frozen values as JSON."""
    return _encoded(value)


def load(data: bytes | str, kind: type[T]) -> T:
    """A value of the domain from the JSON that `dump` made.

    Raises:
        Unreadable: it is something else.
    """
    return _guarded(lambda text: msgspec.json.decode(text, type=kind), data)


def plain(value: object) -> Any:
    """A value of the domain as dicts, lists, texts and numbers."""
    return msgspec.to_builtins(value)


def _pair(update: Update) -> tuple[str, object]:
    if isinstance(update, FleetSeen):
        backends = tuple(update.fleet.backends.values())
        return "FleetSeen", _Picture(update.fleet.version, backends, update.loads)
    return type(update).__name__, update


def _update(kind: str, rest: msgspec.Raw) -> Update | None:
    reader = _READ.get(kind)
    if reader is None:
        return None
    found = _guarded(reader.decode, rest)
    if isinstance(found, _Picture):
        fleet = picture(found.version, {backend.id: backend for backend in found.backends})
        return FleetSeen(fleet, found.loads)
    return found


def _encoded(value: object) -> bytes:
    try:
        return _write(value)
    except UnicodeEncodeError:  # half a surrogate pair in a text from outside: no UTF-8 for it
        return _write(_sendable(msgspec.to_builtins(value)))


def _sendable(value: Any) -> Any:
    """The same with every half of a surrogate pair as U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        return {_sendable(key): _sendable(one) for key, one in found.items()}
    if isinstance(value, (list, tuple)):
        return [_sendable(one) for one in cast("list[Any]", value)]
    return value


def _guarded(read: Callable[[Any], T], data: Any) -> T:
    """Whatever is wrong with the data is `Unreadable`."""
    try:
        return read(data)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError) as problem:
        raise Unreadable(str(problem)[:200]) from None
