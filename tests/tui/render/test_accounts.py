"""The page Accounts."""

from __future__ import annotations

from nexus.domain.access import Role
from tui.render.accounts import account_lines
from tui.render.numbers import clock
from tui.sources.story import Story
from tui.state import DashboardState, reduce


def text(state: DashboardState, role: Role = Role.ADMIN, now: float = 1060.0) -> str:
    lines = account_lines(state, role, now, 0)
    return "\n".join("".join(cell.text for cell in line) for line in lines)


def test_shares_of_the_zones_add_up() -> None:
    story = Story(1000.0)
    state = reduce(DashboardState(), story.opening())
    for update in story.tell(60):
        state = reduce(state, update)

    lines = [each for each in text(state).splitlines() if "%" in each]
    shares = [int(each.partition("%")[0].split()[-1]) for each in lines]
    assert len(shares) == 2
    assert sum(shares) in (99, 100, 101)


def test_what_there_is_not_is_said_and_so_is_the_role() -> None:
    said = text(DashboardState(), Role.VIEWER)
    assert "No request has been served" in said
    assert "change nothing" in said
    assert said.count("○") == 4


def test_shares_say_since_when_they_count_and_fit_into_eighty_columns() -> None:
    story = Story(1000.0)
    state = reduce(DashboardState(), story.opening())
    for update in story.tell(60):
        state = reduce(state, update)

    said = text(state, now=state.log[0].at + 125)
    assert f"Where requests went   since {clock(state.log[0].at, 0)}, 2m ago" in said
    assert max(len(each) for each in said.splitlines()) <= 80
