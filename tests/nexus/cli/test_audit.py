"""A change in a line."""

from __future__ import annotations

import pytest

from nexus.cli.audit import _change  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"before": {"priority": 50, "zone": "open"}, "after": {"priority": 7, "zone": "open"}},
            "priority 50 -> 7",
        ),
        ({"before": {"tier": None}, "after": {"tier": 2}}, "tier none -> 2"),
        ({"before": None, "after": {"url": "http://b", "tier": None}}, "url http://b"),
        ({"before": {"aliases": {"a": "b"}}, "after": None}, 'aliases {"a": "b"}'),
        ({"outcome": "somebody was faster", "after": {"x": 1}}, "somebody was faster"),
        ({"outcome": "done", "before": 3, "after": [4]}, ""),
        ({"after": {"x": "\x1b[2J"}}, "x \N{REPLACEMENT CHARACTER}[2J"),
    ],
)
def test_what_changed_is_said_and_nothing_else(entry: dict[str, object], said: str) -> None:
    assert _change(entry) == said
