"""Charts side by side: the same height, the same time, and honest when there is nothing."""

from __future__ import annotations

import pytest

from tui.render.charts import beside, latency, long_span, traffic, whole, window_for


def text(lines: tuple[tuple[object, ...], ...]) -> str:
    return "\n".join("".join(cell.text for cell in line) for line in lines)  # type: ignore[attr-defined]


def test_two_charts_share_the_width_and_stand_under_their_titles() -> None:
    lines = beside((traffic((1.0, 2.0), (0.0, 1.0)), latency((5.0, 6.0), (9.0, 9.0))), 100, 7, 300)
    assert len(lines) == 7
    head = text(lines[:1])
    assert head.startswith("TRAFFIC req/s, last 5m")
    assert head.index("LATENCY") == 51
    assert all(len(line) <= 100 for line in text(lines).split("\n"))
    for name in ("all", "failed", "p95", "p50"):
        assert name in text(lines)


def test_failures_have_no_line_while_there_are_none() -> None:
    assert "failed" not in text(beside((traffic((1.0, 2.0), (0.0, 0.0)),), 60, 7, 300))


def test_nothing_known_is_said_instead_of_an_empty_frame() -> None:
    assert "no requests yet" in text(beside((latency((None,), (None,)),), 60, 7, 300))


@pytest.mark.parametrize(
    ("seen", "shown"), [(0.0, 120), (119.0, 120), (121.0, 180), (700.0, 900), (9e9, 900)]
)
def test_a_young_dashboard_shows_a_short_time(seen: float, shown: int) -> None:
    assert window_for(seen) == shown


def test_times_are_said_as_people_say_them() -> None:
    spoken = [long_span(seconds) for seconds in (120, 900, 3600, 86_400, 604_800)]
    assert spoken == ["2m", "15m", "1h", "24h", "7d"]


def test_counts_keep_no_fraction() -> None:
    assert [whole(value) for value in (0.4, 12_345.0, None)] == ["0", "12.3k", "-"]
