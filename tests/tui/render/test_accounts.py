"""The page Accounts."""

from __future__ import annotations

from nexus.domain.access import Role
from tui.render.accounts import account_lines
from tui.sources.story import Story
from tui.state import DashboardState, reduce


def text(state: DashboardState, role: Role = Role.ADMIN) -> str:
    return "\n".join("".join(cell.text for cell in line) for line in account_lines(state, role))


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
