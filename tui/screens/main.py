"""The fleet on one screen: tiles, what needs a look, charts, backends, models, routing log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from nexus.domain.backend import BackendId
from tui.commands import (
    BACKEND_ACTIONS,
    EVERYWHERE,
    FILTER_ACTIONS,
    FLEET_ACTIONS,
    OPEN,
    Action,
)
from tui.render import backends as backend_cells
from tui.render.cells import Cell
from tui.render.charts import beside, latency, traffic, window_for
from tui.render.empty import empty_lines
from tui.render.header import tiles
from tui.render.layout import Layout, plan
from tui.render.titles import backends_title, models_title, routing_title
from tui.screens.acting import ActingPage
from tui.screens.base import dashboard
from tui.screens.detail import ModelDetail
from tui.screens.fleet_strip import LINES, Strip
from tui.trace import STEP_S, rates_of, times_of
from tui.views import BackendView, Frame, Latencies, LogView, ModelView
from tui.widgets.live_log import LiveLog
from tui.widgets.live_table import LiveTable, gap_for
from tui.widgets.paint import GUTTER
from tui.widgets.text_lines import Bar, TextLines
from tui.window import history, rates

ORDERS = tuple(backend_cells.ORDERS)

ACTIONS = (
    OPEN,
    *BACKEND_ACTIONS,
    *FLEET_ACTIONS,
    Action(
        "trouble", "exclamation_mark", "next trouble", "Go to the next backend that needs a look."
    ),
    FILTER_ACTIONS[0],
    Action("sort", "s", "sort", "Sort the backends by the next column.", True),
    Action("pane(1)", "B", "backends pane", "Go to the backends."),
    Action("pane(2)", "M", "models pane", "Go to the model matrix."),
    Action("pane(3)", "R", "routing pane", "Go to the routing log."),
    Action("charts", "v", "charts", "Show or hide the charts of traffic and latency."),
    Action("follow", "f", "follow", "Follow the newest routing entry again."),
    Action("columns(-1)", "left,h", "earlier columns", "Matrix: earlier backends.", palette=False),
    Action("columns(1)", "right,l", "later columns", "Matrix: later backends.", palette=False),
    *FILTER_ACTIONS[1:],
    *EVERYWHERE,
)
"""In the order of the footer and of the help."""


class MainScreen(ActingPage):
    """Shows frames; asks the app for everything that touches the gateway."""

    NAME = "fleet"
    ACTIONS = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = "#backends"

    def __init__(self) -> None:
        super().__init__()
        self._order = "fleet"
        self._layout: Layout | None = None
        self._arranged: tuple[object, ...] = ()
        self._latencies = Latencies()
        self._backends = BackendView(self._latencies)
        self._models = ModelView()
        self._log = LogView()
        self._charts: bool | None = None
        """Whether charts were asked for; None is by the height."""
        self._charted: tuple[object, ...] = ()
        self._strip = Strip()

    def panes(self) -> Iterable[Widget]:
        yield TextLines(id="tiles")
        yield Container(*(Bar(classes="note") for _ in range(LINES)), id="attention")
        yield TextLines(id="charts")
        yield LiveTable(id="backends")
        with Container(id="lower"):
            yield LiveTable(id="models")
            yield LiveLog(id="routing")

    def on_resize(self) -> None:
        self._arranged = ()
        super().on_resize()

    @property
    def _table(self) -> LiveTable:
        return self.query_one("#backends", LiveTable)

    @property
    def _routing(self) -> LiveLog:
        return self.query_one("#routing", LiveLog)

    @property
    def _pane(self) -> int:
        focused = self.focused.id if self.focused else ""
        return {"models": 2, "routing": 3}.get(focused or "", 1)

    # -- one frame ---------------------------------------------------------------------------

    def small(self, small: bool) -> None:
        for name in ("tiles", "attention", "charts", "backends", "lower"):
            self.query_one(f"#{name}").display = not small
        if small:
            self._arranged = ()

    def painting(self, frame: Frame) -> Iterator[None]:
        # Beside a busy gateway: all of it at once takes seven milliseconds and more.
        if not frame.state.backends:
            self.notice(empty_lines(dashboard(self).source.info, frame.state, frame.now))
            return
        self._strip.look(frame, {action.name for action in ACTIONS if self._offered(action)})
        self._arrange(frame)
        self._show_tiles(frame, self.size.width)
        self._show_attention()
        yield
        self._show_charts(frame)
        yield
        yield from self._showing_backends(frame)
        yield
        self._show_models(frame)
        yield
        self._show_routing(frame)

    def _arrange(self, frame: Frame) -> None:
        state = frame.state
        self._models.update(frame, self.words, self._models_room(), self._models_gap())
        wanted = plan(
            self.size.width,
            self.size.height,
            len(state.backends),
            self._models.total,
            self._pane,
            notes=len(self._strip.notes),
            charts=self._charts,
        )
        if (wanted,) == self._arranged:
            return
        self._arranged = (wanted,)
        self._layout = wanted
        self.query_one("#tiles").styles.height = wanted.tiles
        self.query_one("#backends").styles.height = wanted.backends
        for name, height in (("attention", wanted.attention), ("charts", wanted.charts)):
            self.query_one(f"#{name}").display = height > 0
            self.query_one(f"#{name}").styles.height = height
        models, routing, lower = (self.query_one(f"#{n}") for n in ("models", "routing", "lower"))
        models.styles.height, routing.styles.height = wanted.models, wanted.routing
        models.styles.width = wanted.models_width if wanted.side_by_side else "100%"
        routing.styles.width = "1fr" if wanted.side_by_side else "100%"
        lower.styles.layout = "horizontal" if wanted.side_by_side else "vertical"
        self.set_class(wanted.spacers, "spaced")

    def _models_room(self) -> int:
        width = self._layout.models_width if self._layout else self.size.width
        return width - GUTTER - 1

    def _models_gap(self) -> int:
        return gap_for(self._models_room() + GUTTER + 1)

    def _show_tiles(self, frame: Frame, width: int) -> None:
        state = frame.state
        total = state.total
        self.query_one("#tiles", TextLines).show(
            tiles(
                state,
                rates(total, frame.now, frame.counted_from),
                self._latencies.of(None, total, frame.now),
                history(total, frame.now, 60, frame.unseen),
                width,
                tall=bool(self._layout and self._layout.tiles > 1),
                trend=not (self._layout and self._layout.charts),
            )
        )

    def _show_attention(self) -> None:
        height = self._layout.attention if self._layout else 0
        bars = self.query(".note").results(Bar)
        focused = self._pane == 1
        self._strip.show(bars, height, self.chosen_backend, self._ahead, focused=focused)

    @property
    def _ahead(self) -> BackendId | None:
        """The backend that `!` leads to."""
        return self._strip.ahead(self._table.keys, self.chosen_backend)

    def _show_charts(self, frame: Frame) -> None:
        height = self._layout.charts if self._layout else 0
        if not height:
            return
        trace, width = frame.state.trace, self.size.width
        mark = (
            trace.mark(frame.now), frame.state.gaps, frame.state.since, frame.end, width, height,
        )  # fmt: skip
        if mark == self._charted:
            return
        self._charted = mark
        first = next(iter((*trace.closed, trace.open))).number * STEP_S
        seconds = window_for(frame.now - first)
        plots = (
            traffic(*rates_of(trace, frame.now, seconds, frame.state.gaps)),
            latency(
                times_of(trace, frame.now, seconds, 50), times_of(trace, frame.now, seconds, 95)
            ),
        )
        since = frame.seen_from(seconds)
        lines = beside(plots, width - 4, height, seconds, end=frame.end, since=since)
        self.query_one("#charts", TextLines).show(tuple((Cell("  "), *row) for row in lines))

    def _showing_backends(self, frame: Frame) -> Iterator[None]:
        table, view = self._table, self._backends
        view.trend = table.width_of(backend_cells.TREND) or view.trend
        view.update(frame, self.words, self._order)
        total = len(frame.state.backends)
        title = backends_title(frame.state, len(view.keys), total, self.words, self._order)
        yield from table.showing(view, (*title, *table.position()), self._order)

    def _show_models(self, frame: Frame) -> None:
        table, view = self.query_one("#models", LiveTable), self._models
        folded = bool(self._layout and self._layout.models == 1)
        title = models_title(len(view.keys), view.first, view.hidden, self.words, folded=folded)
        table.show(view, (*title, *table.position()))

    def _show_routing(self, frame: Frame) -> None:
        log, view = self._routing, self._log
        view.update(frame, self.words)
        folded = bool(self._layout and self._layout.routing == 1)
        past = dashboard(self).film.held is not None
        title = routing_title(
            len(view.keys), self.words, following=log.following, folded=folded, past=past
        )
        log.show(view, title)

    # -- keys --------------------------------------------------------------------------------

    @property
    def chosen_backend(self) -> BackendId | None:
        return cast("BackendId | None", self._table.cursor)

    def action_trouble(self) -> None:
        """The cursor to the next backend of the strip; round and round."""
        ahead = self._ahead
        if ahead is None:
            dashboard(self).say("No backend needs a look.")
            return
        self._table.focus()
        self._table.go(self._table.keys.index(ahead))
        self.refresh_frame()

    def action_charts(self) -> None:
        self._charts = not (self._layout and self._layout.charts)
        self._arranged = self._charted = ()
        self.refresh_frame()
        if self._charts and not (self._layout and self._layout.charts):
            dashboard(self).say("There is no room for charts: make the terminal taller.")

    def action_sort(self) -> None:
        self._sort_by(ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)])

    def _sort_by(self, order: str) -> None:
        self._order = order
        self.refresh_frame()

    def action_pane(self, number: int) -> None:
        self.query_one(("#backends", "#models", "#routing")[number - 1]).focus()

    def action_columns(self, by: int) -> None:
        if self._pane == 2:
            shown = max(1, len(self._models.columns) - 4)
            if by < 0 or self._models.hidden > self._models.first:
                self._models.first = max(0, self._models.first + by * shown)
            self.refresh_frame()

    def action_follow(self) -> None:
        self._routing.following = True
        self.refresh_frame()

    def action_open(self) -> None:
        focused = self.focused
        if isinstance(focused, LiveTable):
            focused.action_open()

    # -- messages ----------------------------------------------------------------------------

    def on_live_table_head_clicked(self, event: LiveTable.HeadClicked) -> None:
        if event.column.sort:
            again = event.column.sort == self._order
            self._sort_by("fleet" if again else event.column.sort)

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        match event.table.id:
            case "models":
                dashboard(self).push_screen(ModelDetail(cast(str, event.key)))
            case "routing":
                if entry := self._log.entry(cast(int, event.key)):
                    dashboard(self).show_request(entry.request_id)
            case _:
                dashboard(self).show_backend(cast(BackendId, event.key))
