"""Whatever is sent to an attached dashboard arrives as it was, and adds up to the same picture."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus import wire
from nexus.domain import events
from nexus.domain.backend import Backend, BackendId, BackendStatus, Load, Model
from nexus.domain.events import FleetSeen, LoadChanged, Update
from nexus.domain.fleet import picture
from nexus.registry.registry import Registry
from tests.fakes.gateway import face
from tui.state import DashboardState, reduce

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63 - 1)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: WHOLE,
    float: NUMBERS,
    str: st.text(max_size=20),
    type(None): st.none(),
    object: st.none() | st.booleans() | WHOLE | st.lists(st.text(max_size=5), max_size=2),
}
"""`object` is what JSON holds: facts of a change."""


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that an update may hold."""
    if isinstance(kind, typing.NewType):
        return values(kind.__supertype__)
    if kind in LEAVES:
        return LEAVES[kind]
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, inside))
    if origin is tuple and inside[-1] is Ellipsis:
        return st.lists(values(inside[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, inside))
    if origin is Mapping:
        return st.dictionaries(values(inside[0]), values(inside[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    assert dataclasses.is_dataclass(kind), kind
    hints = typing.get_type_hints(kind)
    fields = {field.name: values(hints[field.name]) for field in dataclasses.fields(kind)}
    return st.deferred(lambda: st.builds(kind, **fields))


@st.composite
def pictures(draw: st.DrawFn) -> FleetSeen:
    backends = draw(st.lists(values(Backend), max_size=2))
    loads = draw(values(Mapping[BackendId, Load]))
    return FleetSeen(picture(draw(WHOLE), {backend.id: backend for backend in backends}), loads)


KINDS = [kind for kind in get_args(events.Update) if kind is not FleetSeen]
updates = st.one_of(pictures(), *map(values, KINDS))


@given(updates)
def test_every_update_comes_back_as_it_was(update: Update) -> None:
    sent = wire.encode(update)

    assert wire.decode(sent) == update
    assert b"\n" not in sent


@given(st.lists(updates, max_size=3))
def test_several_come_back_in_order(several: list[Update]) -> None:
    assert wire.decode_all(wire.encode_all(several)) == several


@given(
    st.binary(max_size=60) | st.text(alphabet='[]{}",:0123456789eE.-LoadChanged\\u ', max_size=60)
)
def test_anything_else_is_unreadable_or_unknown_and_nothing_worse(data: bytes | str) -> None:
    try:
        found = wire.decode(data)
    except wire.Unreadable:
        return
    assert found is None or type(found) in get_args(events.Update)


def test_half_a_surrogate_pair_in_a_name_is_sent_as_a_replacement() -> None:
    update = LoadChanged(BackendId("a\ud800b"), Load())

    assert wire.decode(wire.encode(update)) == LoadChanged(BackendId("a\ufffdb"), Load())


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "drain", "undrain", "check", "lease", "finish"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([s for s in BackendStatus if s is not BackendStatus.DRAINING]),
        st.sampled_from([(), ("m",), ("m", "n")]),
    ),
    min_size=10,
    max_size=40,
)


def told(deeds: list[tuple[str, str, BackendStatus, tuple[str, ...]]]) -> list[list[Update]]:
    """What a registry publishes while this is done to it, deed by deed; its picture at the end."""
    said: list[Update] = []
    times = iter(range(1_000_000))
    registry = Registry(  # with something in it, so that most deeds find somebody
        said.append,
        lambda: float(next(times)),
        lambda whose, load: said.append(LoadChanged(whose, load.seen())),
    )
    held: list[Any] = []
    steps: list[list[Update]] = []
    for deed, name, status, models in deeds:
        id = BackendId(name)
        match deed:
            case "add":
                registry.add(face(name, f"http://{name}"))
            case "remove":
                registry.remove(id)
            case "drain" | "undrain":
                registry.set_draining(id, deed == "drain")
            case "check":
                registry.set_health(id, status, models=tuple(Model(model) for model in models))
            case "lease":
                held += [lease] if (lease := registry.lease(id)) else []
            case _:
                if held:
                    held.pop().finish(ttft_ms=12.5)
        steps.append(said.copy())
        said.clear()
    return [*steps, [registry.seen()]]


def shown(several: list[Update]) -> tuple[object, ...]:
    state = DashboardState()
    for update in [FleetSeen(picture(0, {}), {}), *several]:
        state = reduce(state, update)
    loads = {id: load for id, load in state.loads.items() if load != Load()}
    return state.version, state.backends, loads


@given(DEEDS)
def test_changes_folded_one_by_one_equal_the_whole_picture(
    deeds: list[tuple[str, str, BackendStatus, tuple[str, ...]]],
) -> None:
    *steps, whole = told(deeds)
    sent = [wire.encode_all(step) for step in steps]
    arrived = [update for step in sent for update in wire.decode_all(step)]

    assert shown(arrived) == shown(whole)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_a_newer_gateway_adds_is_passed_over(kind: type) -> None:
    """Fields and kinds that this version does not know do no harm."""
    assert wire.decode(b'["SomethingNew", {"kind": ["of", "thing"]}]') is None

    def one(update: Update) -> None:
        name = kind.__name__.encode()
        sent = wire.encode(update).replace(b'["%b",{' % name, b'["%b",{"new":[1,{}],' % name, 1)
        assert wire.decode(sent) == update

    given(values(kind))(one)()
