"""Columns come back as they were, also where parts become one."""

from __future__ import annotations

import struct
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.store.part import (
    NONE,
    Part,
    floats,
    joined,
    joined_whole,
    read_errors,
    read_floats,
    read_odd,
    read_small,
    read_texts,
    read_whole,
    small,
    sparse,
    texts,
    whole,
)

Row = tuple[int, str, tuple[str, str | None] | None]

integers = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 9) | st.just(NONE)


def a_part(numbers: list[int], ids: list[str], failed: dict[int, tuple[str, str | None]]) -> Part:
    count = len(numbers)
    zeros = whole([0] * count)
    return Part(
        size=count,
        since=float(count),
        until=10.0 + count,
        least_id=min(ids),
        greatest_id=max(ids),
        at=floats([float(n) for n in range(count)]),
        kind=whole(numbers),
        duration_ms=floats([nan] * count),
        estimate=zeros,
        most=zeros,
        ids=texts(ids),
        errors=sparse(failed),
        ended_at=floats([0.5] * count),
        ttft_ms=floats([0.5] * count),
        prompt=zeros,
        completion=zeros,
        speed=floats([0.5] * count),
        form=zeros,
        why=texts([""] * count),
        odd=sparse({place: id.encode() for place, id in enumerate(ids) if place % 2}),
        turn=zeros,
        version=zeros,
        policy=zeros,
        picture=zeros,
        planned=whole([1] * count),
        places=small(range(count)),
        told=zeros,
        loads=b"",
    )


def alike(rows: list[Row]) -> list[Row]:
    number, _, error = rows[0]
    return [(number, id, error) for _, id, _ in rows]


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    row = st.tuples(
        integers,
        st.text(st.characters(codec="utf-8"), max_size=9),
        st.none() | st.tuples(st.text(max_size=3, alphabet="é\0x"), st.none() | st.just("code")),
    )
    return draw(st.lists(row, min_size=1, max_size=40) | st.lists(row, min_size=1).map(alike))


@given(st.lists(rows(), min_size=1, max_size=5))
def test_parts_that_become_one_say_what_they_said(
    told: list[list[Row]],
) -> None:
    parts: list[Part] = []
    for some in told:
        numbers, ids, errors = zip(*some, strict=True)
        failed = {place: error for place, error in enumerate(errors) if error is not None}
        parts.append(a_part(list(numbers), list(ids), failed))
    every = [each for some in told for each in some]
    size = len(every)
    one = joined(parts)

    assert (one.size, one.since) == (size, min(each.since for each in parts))
    assert one.until == max(each.until for each in parts)
    assert one.least_id == min(id for _, id, _ in every)
    assert one.greatest_id == max(id for _, id, _ in every)
    assert list(read_whole(one.kind, size)) == [number for number, _, _ in every]
    assert read_texts(one.ids, size) == [id for _, id, _ in every]
    assert read_errors(one.errors) == {n: error for n, (*_, error) in enumerate(every) if error}
    assert list(read_floats(one.at)) == [float(n) for each in parts for n in range(each.size)]
    assert list(read_small(one.places)) == [n for each in parts for n in range(each.size)]
    assert set(read_odd(one.odd).values()) <= {id.encode() for _, id, _ in every}


def test_integers_take_no_more_than_they_need() -> None:
    assert len(joined_whole([whole([7] * 9), whole([7])], [9, 1])) == 4
    assert len(joined_whole([whole([7] * 9), whole([8])], [9, 1])) == 40
    assert len(whole([NONE, 2**31 - 1])) == 8
    assert len(whole([NONE, 2**31])) == 16


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(struct.error):
        whole([2**63])
    with pytest.raises(UnicodeEncodeError):
        texts(["m\ud800"])


@pytest.mark.parametrize("count", [1, 15, 16, 65_535, 65_536])
def test_any_number_of_texts_is_read_back(count: int) -> None:
    some = [str(n) for n in range(count)]

    assert read_texts(texts(some), count) == some
