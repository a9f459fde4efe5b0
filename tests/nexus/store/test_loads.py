"""Loads that are packed one after the other are packed as if each were the first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, Load, Speed
from nexus.store.loads import PackedLoads, Thinned, replayed
from nexus.telemetry.records import Then

IDS = [BackendId(each) for each in "abc"]
SLOTS = {id: place for place, id in enumerate(IDS)}
MODELS = {IDS[0]: ("m",), IDS[1]: ("m", "n"), IDS[2]: ()}

numbers = st.none() | st.floats(0, 1e6)
speeds = st.builds(Speed, numbers, numbers, st.integers(0, 100_000))
loads = st.builds(
    Load,
    pending=st.integers(0, 100_000),
    latency_ms=numbers,
    speeds=st.none() | st.dictionaries(st.sampled_from("mno"), speeds, max_size=3),
)


@given(st.lists(st.dictionaries(st.sampled_from(IDS), loads), min_size=1, max_size=6), st.data())
def test_what_was_packed_before_changes_nothing(
    seen: list[dict[BackendId, Load]], data: st.DataObject
) -> None:
    one_after_the_other = PackedLoads(SLOTS, MODELS)
    now: dict[BackendId, Load] = {}
    for some in seen:
        now |= some  # the other loads are the same objects as before
        if data.draw(st.booleans()):
            now.pop(IDS[0], None)
        as_first = PackedLoads(SLOTS, MODELS)
        pairs = tuple(now.items())

        assert one_after_the_other.pack(Then.of(pairs)) == as_first.pack(pairs)


@given(st.lists(st.dictionaries(st.sampled_from(IDS), loads), min_size=1, max_size=6), st.data())
def test_what_changed_tells_as_much_as_the_whole(
    seen: list[dict[BackendId, Load]], data: st.DataObject
) -> None:
    packed, alone, thinned = (PackedLoads(SLOTS, MODELS), PackedLoads(SLOTS, MODELS), Thinned())
    told: list[bytes] = []
    anew: list[bytes] = []
    now: dict[BackendId, Load] = {}
    chunk = 1
    for some in seen:
        now |= some
        if data.draw(st.booleans()):
            now.pop(IDS[0], None)
        if data.draw(st.booleans()):
            chunk += 1
        pairs = tuple(now.items())
        told.append(packed.since(Then.of(pairs), chunk))
        anew.append(thinned.since(7, told[-1]))

        assert replayed(told) == replayed(anew) == alone.pack(pairs)
    assert sum(map(len, anew)) <= sum(map(len, told))
