"""Slowness is said once it has lasted, stays for a while, and its words hold still."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import Backend, BackendId
from tests.fakes.dashboard import START, staged
from tui.render.slow import Finding, Judge
from tui.screens.slow_watch import CLEAR_S, GAP_S, HOLD_S, SHARE, WORDS_S, SlowWatch
from tui.sources.story import Story
from tui.state import DashboardState, Link, Slow, lost, reduce

NOW = 1_800_000_000.0
GPU = BackendId("gpu-01")


@dataclass
class Told(Judge):
    """Finds what it is told to find at gpu-01."""

    why: str = ""
    judged: list[BackendId] = field(default_factory=list[BackendId])

    def find(self, backend: Backend) -> Finding | None:
        self.judged.append(backend.id)
        return Finding(self.why) if self.why and backend.id == GPU else None


class Watched:
    """A watch, its judge and a clock."""

    def __init__(self) -> None:
        self.judge = Told()
        self.watch = SlowWatch(lambda state, now: self.judge)
        self.state = reduce(DashboardState(), Story(NOW).opening())
        self.now = NOW

    def seconds(self, number: float, why: str = "") -> Slow | None:
        """Let time pass while the judge finds `why`."""
        self.judge.why = why
        for _ in range(int(number)):
            self.now += 1
            self.state = self.watch.look(self.state, self.now)
        return self.state.slow.get(GPU)


def test_it_is_said_once_it_has_lasted_and_from_when_it_began() -> None:
    watched = Watched()
    assert watched.seconds(HOLD_S, "busy") is None
    assert watched.seconds(1, "busy") == Slow(NOW + 1, "busy")


def test_a_moment_without_does_not_begin_it_anew() -> None:
    watched = Watched()
    watched.seconds(HOLD_S - 2, "busy")
    watched.seconds(GAP_S - 1)
    assert watched.seconds(2, "busy") is not None


def test_it_stays_until_there_was_none_for_a_while() -> None:
    watched = Watched()
    watched.seconds(HOLD_S + 1, "busy")
    assert watched.seconds(CLEAR_S - 1) is not None
    assert watched.seconds(1) is None


def test_its_words_hold_still() -> None:
    watched = Watched()
    watched.seconds(HOLD_S + 1, "2 wait")
    soon, later = watched.seconds(WORDS_S - 1, "3 wait"), watched.seconds(1, "4 wait")
    assert soon is not None
    assert later is not None
    assert (soon.why, later.why) == ("2 wait", "4 wait")


@given(st.lists(st.booleans(), max_size=120))
def test_it_never_flickers(found: list[bool]) -> None:
    watched = Watched()
    turned: list[float] = []
    shown = False
    for each in found:
        now = watched.seconds(1, "busy" if each else "") is not None
        if now != shown:
            turned.append(watched.now)
            shown = now
    assert all(after - before >= HOLD_S for before, after in pairwise(turned))


def test_what_was_last_known_is_not_judged() -> None:
    watched = Watched()
    watched.seconds(HOLD_S + 1, "busy")
    watched.state = lost(watched.state, NOW)
    assert watched.state.link is Link.LOST
    assert watched.seconds(CLEAR_S + 5) is not None


def test_the_state_is_the_same_object_while_nobody_is_slow() -> None:
    watched = Watched()
    before = watched.state
    watched.seconds(5)
    assert watched.state is before


def test_a_large_fleet_is_judged_by_and_by() -> None:
    watched = Watched()
    some = next(iter(watched.state.backends.values()))
    many = {
        BackendId(f"b{n}"): replace(some, face=replace(some.face, id=BackendId(f"b{n}")))
        for n in range(3 * SHARE)
    }
    watched.state = replace(watched.state, backends=many)
    watched.seconds(1)
    assert len(watched.judge.judged) == SHARE
    watched.seconds(2)
    assert sorted(watched.judge.judged) == sorted(many)


async def test_the_screen_says_which_backend_is_slow_and_why() -> None:
    story = Story(START)
    slow = Slow(START - 130, "its 8 places are taken, 4 wait inside it", "answers take 9s")
    async with staged(story.opening(), size=(80, 24)) as stage:
        stage.app.state = replace(stage.app.state, slow={GPU: slow})
        await stage.settle()
        assert "◒ gpu-01 slow  its 8 places are taken" in stage.text
        assert "◒ slow" in stage.line_with("▌ ◒")
        await stage.press("enter")
        assert "◒ slow for 2m  its 8 places are taken, 4 wait" in stage.text
        assert "it; answers take 9s" in stage.text
