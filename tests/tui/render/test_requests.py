"""Which rows stand in the list of requests, and in what order."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.events import RequestFinished, RequestRefused, RequestRouted, Update
from tests.fakes.dashboard import START
from tui.render.asked import Request
from tui.render.query import parse
from tui.render.requests import COLUMNS, RECENT, RequestsView, cells
from tui.sources.story import Story
from tui.state import DashboardState, reduce


def told(*updates: Update, state: DashboardState | None = None) -> DashboardState:
    state = state or DashboardState()
    for update in updates:
        state = reduce(state, update)
    return state


def story(seconds: float = 60) -> tuple[list[Update], Story]:
    teller = Story(START)
    return [teller.opening(), *teller.tell(seconds)], teller


def seen(view: RequestsView, state: DashboardState, most: int = 8) -> list[str]:
    view.update(state, START, 0, most)
    return list(view.keys)


def old(number: int) -> Request:
    return Request(f"old-{number}", START - 100 - number, "m", "m", "b", 200)


def test_running_ones_come_first_oldest_on_top_then_the_ended_newest_first() -> None:
    state = told(*story()[0])
    keys = seen(RequestsView(), state, 99)
    running = list(state.running)
    assert keys[: len(running)] == running
    assert keys[len(running) :] == [entry.request_id for entry in reversed(state.log)]


def test_a_crowd_of_running_ones_leaves_room_for_the_others_unless_asked_for() -> None:
    one = next(u for u in story()[0] if isinstance(u, RequestRouted))
    crowd = told(*(replace(one, request_id=f"r{n}") for n in range(50)))
    view = RequestsView()
    assert seen(view, crowd, 8) == [f"r{n}" for n in range(8)]
    assert view.hidden_running == 42
    view.filter(parse("status:running"))
    assert len(seen(view, crowd, 8)) == 50


def test_rows_outlive_the_routing_log_and_the_past_joins_without_doubles() -> None:
    updates, teller = story(20)
    view, state = RequestsView(), told(*updates)
    before = seen(view, state)
    assert view.until is not None
    doubled = replace(old(0), id=before[-1])
    assert view.append([doubled, old(1), old(2)], last=False) == 2
    assert seen(view, state)[-3:] == [before[-1], "old-1", "old-2"]
    assert view.until == old(2).at
    for _ in range(20):  # the log keeps 500 entries; these are about 3,600
        state = told(*teller.tell(30), state=state)
        seen(view, state)
    assert len(view.keys) > len(state.log)


def test_more_rows_than_are_kept_forget_the_past_so_that_no_gap_stands() -> None:
    updates, _ = story(5)
    done = next(u for u in updates if isinstance(u, RequestFinished))
    state = told(*updates)
    view = RequestsView()
    seen(view, state)
    view.append([old(1)], last=True)
    assert view.complete
    for batch in range(RECENT // 400 + 1):
        many = (replace(done, request_id=f"n{batch}-{n}") for n in range(400))
        state = told(*many, state=state)
        seen(view, state)
    assert "old-1" not in view.keys
    assert not view.complete


def test_a_reader_keeps_the_rows_that_are_looked_at_and_new_ones_wait() -> None:
    updates, _ = story(5)
    done = next(u for u in updates if isinstance(u, RequestFinished))
    state, view = told(*updates), RequestsView()
    number = 0

    def more(held: bool) -> None:
        nonlocal state, number
        for _ in range(400):
            number += 1
            state = told(replace(done, request_id=f"n{number}"), state=state)
        view.update(state, START, 0, 8, held=held)

    for _ in range(8):
        more(held=True)
    assert len(view.keys) >= RECENT
    first = view.keys[-1]
    for _ in range(4):
        more(held=True)
    assert view.keys[-1] == first
    assert view.newer > 4 * 400
    more(held=False)
    assert view.newer == 0
    assert view.keys[-1] != first  # too many went by: begun anew, the past is read again
    assert f"n{number}" in view.keys
    assert not view.complete


def test_a_page_that_was_hidden_for_long_has_no_gap() -> None:
    updates, teller = story(20)
    view, state = RequestsView(), told(*updates)
    early = seen(view, state)[-1]
    for _ in range(6):
        state = told(*teller.tell(60), state=state)
    keys = seen(view, state)
    assert early not in keys
    assert keys[-1] == state.log[0].request_id


def test_a_moment_that_is_looked_back_at_shows_what_was_known_then() -> None:
    updates, teller = story(20)
    then = told(*updates)
    now = told(*teller.tell(20), state=then)
    view = RequestsView()
    newest = seen(view, now)
    past = seen(view, then)
    assert past[-1] == then.log[0].request_id
    assert now.log[-1].request_id not in past
    assert seen(view, now) == newest


def test_what_only_the_gateway_knows_replaces_what_is_heard() -> None:
    state = told(*story(20)[0])
    view = RequestsView()
    view.filter(parse("tenant:team-a"))
    assert seen(view, state) == []
    theirs = [replace(old(n), tenant="team-a") for n in range(3)]
    view.show_asked([replace(old(9), tenant="team-a", status=None), *theirs, old(5)])
    assert seen(view, state) == ["old-9", "old-0", "old-1", "old-2"]
    view.filter(parse(""))
    assert len(seen(view, state)) > 50


def test_every_row_has_a_cell_per_column_and_unknown_is_not_zero() -> None:
    view, state = RequestsView(), told(*story(20)[0])
    refused = RequestRefused("r", START, "m", 404, "model_not_found", "no such model")
    state = told(refused, state=state)
    for key in seen(view, state):
        assert len(view.cells(key)) == len(COLUMNS)
    texts = [cell.text for cell in view.cells("r")]
    assert texts.count("-") == 7
    assert "no such model" in texts
    assert [cell.text for cell in view.cells("gone")] == ["-"] * len(COLUMNS)


def test_the_time_of_a_running_one_moves_and_never_below_zero() -> None:
    runs = Request("r", START, "m", "m", "b")
    assert cells(runs, START + 2, 0)[5].text == "▶2.0s"
    assert cells(runs, START - 2, 0)[5].text == "▶0ms"
