"""The charts of one backend, over the time that `[` and `]` choose, with its health below them."""

from __future__ import annotations

from functools import partial

from nexus.domain.backend import Backend
from nexus.errors import NexusError
from tui.render import health
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.charts import beside, long_span
from tui.render.layout_backend import BackendLayout
from tui.screens.base import dashboard
from tui.screens.page import Page
from tui.screens.series import WINDOWS, Past, ask, plots
from tui.state import NO_TRACE
from tui.trace import KEPT_S
from tui.views import Frame
from tui.widgets.text_lines import TextLines

ASK_AGAIN_S = 30
"""How old a series from the history may become while it is looked at, seconds."""
LEAST = 5
"""Lines below which there is no chart."""


class BackendCharts:
    """What the page knows of the past, and the lines it makes of it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._window = WINDOWS[0]
        self._past: Past | None = None
        self._trouble = ""
        """Why there is no history."""
        self._asking = False
        self._mark: tuple[object, ...] = ()

    def change(self, by: int) -> None:
        """A longer or a shorter time, as far as there is one."""
        at = WINDOWS.index(self._window) + by
        if 0 <= at < len(WINDOWS):
            self._window, self._trouble = WINDOWS[at], ""

    def show(self, where: TextLines, frame: Frame, backend: Backend, layout: BackendLayout) -> None:
        """Paint again if anything that is shown has changed."""
        if layout.charts < LEAST:
            return
        trace = frame.state.traces.get(backend.id, NO_TRACE)
        turns = frame.state.turns.get(backend.id, ())
        past = self._past_of(frame, backend)
        mark = (
            trace.mark(frame.now), past, layout, self._window, backend.id, turns, backend.status,
            self._trouble, self._asking, frame.state.gaps, frame.state.since, frame.end,
        )  # fmt: skip
        if mark == self._mark:
            return
        self._mark = mark
        width, height = layout.left_width - 3, layout.charts - 1  # the strip takes one
        draw = partial(
            beside,
            seconds=self._window,
            end=frame.end,
            since=frame.seen_from(self._window) if self._window <= KEPT_S else "",
        )
        both = plots(trace, past, self._window, frame.now, frame.state.gaps)
        if self._window > KEPT_S and (past is None or not past.known):
            keys = Cell("  [ ] another time", Role.FAINT)
            lines: list[Line] = [(*self._no_history(), keys), *([BLANK] * (height - 1))]
        elif layout.abreast:
            lines = list(draw(both, width, height, keys="[ ]"))
        else:
            upper = (height + 1) // 2
            lines = [
                *draw(both[:1], width, upper, keys="[ ]"),
                *draw(both[1:], width, height - upper),
            ]
        marks = health.strip(backend, turns, frame.now, self._window, max(8, width - 9))
        lines.append((Cell("health ", Role.HEAD), *marks))
        where.show(tuple((Cell(" "), *row) for row in lines))

    def _no_history(self) -> Line:
        if self._trouble:
            return line(Cell(f"✖ {self._trouble}", Role.WARN))
        if self._past is None or self._asking:
            return line(Cell("◐ asking for the history", Role.INFO))
        text = f"Nothing is kept of the last {long_span(self._window)}: no request, or no history."
        return line(Cell(text, Role.DIM))

    def _past_of(self, frame: Frame, backend: Backend) -> Past | None:
        """The history of the window; asks for it where it is missing or has become old."""
        if self._window <= KEPT_S:
            return None
        past = self._past
        fits = past is not None and (past.backend, past.seconds) == (backend.name, self._window)
        old = past is None or not fits or frame.now - past.asked_at > ASK_AGAIN_S
        if old and not self._asking:
            self._asking = True
            self._page.run_worker(
                partial(self._ask, backend.name, self._window, frame.now),
                name="series",
                exit_on_error=True,
            )
        return past if fits else None

    async def _ask(self, name: str, seconds: int, now: float) -> None:
        try:
            self._past = await ask(dashboard(self._page).source, name, seconds, now)
            self._trouble = ""
        except NexusError as error:
            self._past = Past(name, seconds, now, (), (), (), ())
            self._trouble = error.message
        finally:
            self._asking = False
        self._page.refresh_frame()
