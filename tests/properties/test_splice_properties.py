"""Edited bytes decode to the edited object, and nothing else of them changes."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nexus.errors import BadRequest
from nexus.protocols.splice import as_stream, spans, with_model

text = st.text(max_size=12) | st.sampled_from(
    ["model", "stream", "stream_options", '"', "\\", "{", "}"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
members = st.lists(st.tuples(text, values), max_size=6)
layouts = st.tuples(st.booleans(), st.sampled_from(["", " ", "\n\t", "\r\n  "]))


def written(pairs: list[tuple[str, Any]], layout: tuple[bool, str]) -> bytes:
    """A JSON object with repeated keys kept, in one of several spellings."""
    ascii_only, space = layout
    inside = f"{space},{space}".join(
        json.dumps(key, ensure_ascii=ascii_only)
        + f"{space}:{space}"
        + json.dumps(value, ensure_ascii=ascii_only, separators=(f"{space},", f":{space}"))
        for key, value in pairs
    )
    return f"{space}{{{space}{inside}{space}}}{space}".encode()


@given(members, members, values, text, layouts)
def test_with_model_changes_the_model_and_nothing_else(
    before: list[tuple[str, Any]],
    after: list[tuple[str, Any]],
    old: object,
    new: str,
    layout: tuple[bool, str],
) -> None:
    body = written([*before, ("model", old), *after], layout)

    edited = with_model(body, new)

    assert json.loads(edited) == {**json.loads(body), "model": new}
    kept = [span for span in spans(body) if span[0] != "model"]
    assert [edited_part(edited, span) for span in spans(edited) if span[0] != "model"] == [
        edited_part(body, span) for span in kept
    ]


def edited_part(body: bytes, span: tuple[str, int, int]) -> tuple[str, bytes]:
    return span[0], body[span[1] : span[2]]


@given(members, layouts)
def test_as_stream_asks_for_a_stream_and_its_usage_and_changes_nothing_else(
    pairs: list[tuple[str, Any]], layout: tuple[bool, str]
) -> None:
    body = written(pairs, layout)
    expected = json.loads(body)
    options = expected.get("stream_options")
    usage = {"include_usage": True}
    expected["stream"] = True
    expected["stream_options"] = {**options, **usage} if isinstance(options, dict) else usage

    edited = as_stream(body)

    assert json.loads(edited) == expected
    assert as_stream(edited) == edited


@given(members, layouts)
def test_spans_cover_every_member_in_order(
    pairs: list[tuple[str, Any]], layout: tuple[bool, str]
) -> None:
    body = written(pairs, layout)

    found = [(key, json.loads(body[start:end])) for key, start, end in spans(body)]

    assert found == pairs


@given(st.binary(max_size=60))
def test_bytes_that_are_no_json_object_never_crash(body: bytes) -> None:
    try:
        as_stream(body)
    except BadRequest:
        return
    assert body.strip().startswith(b"{")
