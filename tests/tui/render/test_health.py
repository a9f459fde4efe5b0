"""How a backend has been: statuses with their length and why, and who changed what."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.audit import AuditEntry
from nexus.domain.backend import Backend, BackendId, BackendStatus
from nexus.domain.events import BackendChanged
from tui.render.health import cells, happenings, strip
from tui.sources.story import Story
from tui.state import DashboardState, Turn, reduce

NOW = 1_800_000_000.0
GPU = BackendId("gpu-01")
DOWN = BackendStatus.UNREACHABLE


def backend(status: BackendStatus = BackendStatus.HEALTHY, since: float = NOW - 600) -> Backend:
    found = reduce(DashboardState(), Story(NOW).opening()).backends[GPU]
    return replace(found, status=status, since=since, reason="refused" if status is DOWN else "")


TURNS = (
    Turn(NOW - 300, BackendStatus.HEALTHY, DOWN, "connection refused", NOW - 900),
    Turn(NOW - 200, DOWN, BackendStatus.HEALTHY, "", NOW - 300),
)


def test_each_status_is_told_with_how_long_it_lasted_and_why() -> None:
    rows = [cells(one, 0) for one in happenings(backend(since=NOW - 200), TURNS, (), NOW)]
    told = [(row[1].text, row[2].text, row[3].text) for row in rows]
    assert told == [
        ("● healthy", "3m", ""),
        ("✖ down", "1m", "connection refused"),
        ("● healthy", "10m", ""),
    ]


def test_without_a_change_the_present_status_is_told() -> None:
    (only,) = happenings(backend(DOWN), (), (), NOW)
    assert only.what.text == "✖ down"
    assert only.lasted_s == 600
    assert only.why == "refused"


def test_changes_by_people_stand_among_them_with_who_and_what() -> None:
    entry = AuditEntry(
        NOW - 250, "cli", "admin", "edit", "gpu-01", {"priority": 20}, {"priority": 10}
    )
    refused = replace(entry, at=NOW - 10, outcome="not now")
    other = replace(entry, target="gpu-02")
    rows = happenings(backend(since=NOW - 200), TURNS, (entry, other, refused), NOW)
    assert [row.what.text for row in rows] == [
        "* edit", "● healthy", "* edit", "✖ down", "● healthy",
    ]  # fmt: skip
    assert rows[2].why == "by cli: priority 20 → 10"
    assert rows[0].why.endswith("refused: not now")


def test_the_strip_shows_the_worst_of_each_slice_and_what_nobody_saw() -> None:
    text = "".join(cell.text for cell in strip(backend(since=NOW - 200), TURNS, NOW, 1000, 10))
    assert text == "·●●●●●●✖●●"


def test_the_state_remembers_turns_in_order_and_drops_those_of_a_backend_that_left() -> None:
    state = reduce(DashboardState(), Story(NOW).opening())
    down = replace(state.backends[GPU], status=DOWN, reason="gone", since=NOW)
    state = reduce(state, BackendChanged(900, down, BackendStatus.HEALTHY))
    state = reduce(state, BackendChanged(901, replace(down, checked_at=NOW), DOWN))
    (turn,) = state.turns[GPU]
    assert (turn.was, turn.status, turn.reason, turn.at) == (
        BackendStatus.HEALTHY, DOWN, "gone", NOW,
    )  # fmt: skip
