"""The end of a drain is told once, and only where its begin was seen."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.backend import BackendId, BackendStatus, Load
from nexus.domain.events import BackendChanged, BackendRemoved, LoadChanged, Update
from tui.screens.drains import DrainWatch
from tui.sources.story import Story
from tui.state import DashboardState, reduce

NOW = 1_800_000_000.0
GPU = BackendId("gpu-01")


class Told:
    """A watch with a state to look at."""

    def __init__(self, *, degraded: bool = False) -> None:
        self.watch = DrainWatch()
        self.state = reduce(DashboardState(), Story(NOW, degraded=degraded).opening())

    def after(self, *updates: Update, at: float = NOW) -> list[str]:
        for update in updates:
            self.state = reduce(self.state, update)
        return self.watch.look(self.state, at)

    def draining(self, status: BackendStatus = BackendStatus.DRAINING) -> BackendChanged:
        backend = replace(self.state.backends[GPU], status=status, since=NOW)
        return BackendChanged(900, backend, BackendStatus.HEALTHY)


def test_the_end_of_a_drain_is_told_once_with_how_long_it_took() -> None:
    told = Told()
    busy = LoadChanged(GPU, Load(pending=2))
    assert told.after() == []
    assert told.after(busy, told.draining()) == []
    assert told.after(LoadChanged(GPU, Load(pending=1)), at=NOW + 20) == []
    assert told.after(LoadChanged(GPU, Load()), at=NOW + 41) == [
        "gpu-01 drained in 41s, safe to stop."
    ]
    assert told.after(at=NOW + 42) == []


def test_a_drain_of_an_idle_backend_is_over_at_once() -> None:
    told = Told()
    told.after()
    assert told.after(told.draining()) == ["gpu-01 drained in 0s, safe to stop."]


def test_a_drain_that_was_there_before_says_nothing() -> None:
    assert Told(degraded=True).after() == []


def test_a_drain_that_is_taken_back_or_whose_backend_leaves_says_nothing() -> None:
    for end in (Told().draining(BackendStatus.HEALTHY), BackendRemoved(950, GPU, "gpu-01")):
        told = Told()
        told.after()
        told.after(LoadChanged(GPU, Load(pending=2)), told.draining())
        assert told.after(end, LoadChanged(GPU, Load())) == []
