from __future__ import annotations

import pytest

from nexus.simulator.wire import Reply, Request, event, reply_json


@pytest.mark.parametrize(
    ("query", "wanted"),
    [("x=1", True), ("x=true", True), ("x=0", False), ("x=", False), ("y=1", False), ("", False)],
)
def test_a_query_flag_is_set_by_anything_but_nothing_and_zero(query: str, wanted: bool) -> None:
    assert Request("GET", "/", query).wants("x") is wanted


@pytest.mark.parametrize(
    ("header", "key"),
    [("Bearer abc", "abc"), ("bearer abc", "abc"), ("Basic abc", None), ("", None)],
)
def test_the_key_is_that_of_a_bearer(header: str, key: str | None) -> None:
    assert Request("GET", "/", headers={"authorization": header}).bearer() == key


def test_json_is_compact_utf8() -> None:
    assert reply_json({"é": [1, 2]}, 201, retry_after="1") == Reply(
        201, '{"é":[1,2]}'.encode(), headers=(("retry-after", "1"),)
    )
    assert event({"a": 1}) == b'data: {"a":1}\n\n'
