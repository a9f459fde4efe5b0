"""The film of the last fifteen minutes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tui.film import KEPT_S, STEP_S, Film
from tui.state import DashboardState


def shot(seconds: int) -> Film:
    """A film of that many seconds, a look every second; each state says its second."""
    film = Film()
    for second in range(seconds):
        film.record(float(second), replace(DashboardState(), version=second))
    return film


def test_a_film_that_runs_holds_nothing() -> None:
    film = shot(30)
    assert film.held is None
    assert film.step(-1) is False
    assert film.held is None


def test_steps_go_back_and_forward_through_what_was() -> None:
    film = shot(30)
    film.stop(29.5, replace(DashboardState(), version=99))
    seen: list[int] = []
    for frames in (-1, -1, 1, -2):
        assert film.step(frames)
        assert film.held is not None
        seen.append(film.held.state.version)
    assert seen == [27, 24, 27, 21]


def test_both_ends_hold() -> None:
    film = shot(30)
    film.stop(29.5, DashboardState())
    assert film.step(-99) is False
    assert film.held is not None
    assert film.held.at == 0
    assert film.step(99) is False
    assert film.held.at == 27
    film.run()
    assert film.held is None


def test_only_the_last_minutes_are_kept() -> None:
    film = shot(2 * KEPT_S)
    film.stop(2 * KEPT_S, DashboardState())
    film.step(-(10**6))
    assert film.held is not None
    assert KEPT_S - STEP_S <= film.held.at <= KEPT_S + STEP_S


def test_the_film_goes_on_while_it_is_stopped() -> None:
    film = shot(10)
    film.stop(9.5, DashboardState())
    for second in range(10, 20):
        film.record(float(second), replace(DashboardState(), version=second))
    assert film.step(2)
    assert film.held is not None
    assert film.held.state.version == 15


@given(st.lists(st.integers(-30, 30), max_size=20), st.floats(0, 60))
def test_any_walk_stays_on_frames_that_were(walk: list[int], at: float) -> None:
    film = shot(40)
    film.stop(at, DashboardState())
    for frames in walk:
        film.step(frames)
        assert film.held is not None
        assert film.held.at == at or film.held.at % STEP_S == 0
