"""The page Routing, line by line."""

from __future__ import annotations

from nexus.domain.routes import Moved, Preview
from tui.render.routes import pending_lines


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
