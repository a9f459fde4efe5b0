"""The page Routing, line by line."""

from __future__ import annotations

from nexus.domain.routes import Moved, Preview, Routes
from tui.drafts import RowKey
from tui.render.routes import RoutesView, pending_lines
from tui.sources.story import Story
from tui.state import DashboardState, reduce


def said(preview: Preview | None) -> str:
    return "\n".join("".join(cell.text for cell in line) for line in pending_lines(preview))


def test_requests_that_would_be_refused_do_not_count_as_moved() -> None:
    text = said(
        Preview(
            decided=20, since_s=60, newly_refused=7, newly_served=2,
            moved=(
                Moved("fast", "", "(model_not_found)", 7),
                Moved("gpt-4", "gpu-01", "gpu-02", 3),
                Moved("old", "(refused)", "gpu-01", 2),
            ),
        )
    )  # fmt: skip
    assert "20 requests decided again: 3 would move" in text
    assert "7 would be refused" in text
    assert "2 would no longer be refused" in text
    assert "served → (model_not_found)" in text


def test_nothing_on_record_and_nothing_moved_are_told_apart() -> None:
    assert "No request is on record" in said(Preview())
    assert "none would move" in said(Preview(decided=3))
    assert "deciding" in said(None)


def test_the_most_frequent_moves_are_shown_and_the_rest_counted() -> None:
    moved = tuple(Moved(f"m{n}", "a", "b", 9 - n) for n in range(7))
    text = said(Preview(decided=99, moved=moved))
    assert "m3" in text
    assert "m4" not in text
    assert "and 3 more" in text


def test_a_request_changes_the_row_of_the_name_it_asked_for_and_no_other() -> None:
    story = Story(1000.0)
    routes = Routes("1", aliases={"gpt-4": "llama3.3:70b", "idle": "qwen3:32b"})
    view, state = RoutesView(), reduce(DashboardState(), story.opening())
    view.update(state, routes, routes, "")
    busy, idle = RowKey("alias", "gpt-4"), RowKey("alias", "idle")
    before, keys = (view.cells(busy), view.cells(idle)), view.keys
    for update in story.tell(30):
        state = reduce(state, update)
    view.update(state, routes, routes, "")
    assert view.cells(busy) != before[0]
    assert view.cells(busy)[3].text == str(sum(e.requested == "gpt-4" for e in state.log))
    assert view.cells(idle) is before[1]
    assert view.keys == keys
    view.update(state, routes, routes, "idle")
    assert view.keys == (idle,)
