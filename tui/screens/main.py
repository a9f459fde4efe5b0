"""The fleet on one screen: header, tiles, backends, model matrix, routing log."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Input

from nexus.domain.backend import BackendId
from nexus.domain.gateway import GatewayInfo
from tui.commands import ACTIONS
from tui.render import backends as backend_cells
from tui.render.cells import BLANK
from tui.render.empty import empty_lines, small_lines
from tui.render.header import header_left, header_right, tiles
from tui.render.layout import SMALLEST, Layout, plan
from tui.render.titles import backends_title, footer, models_title, routing_title
from tui.screens.base import dashboard
from tui.screens.detail import BackendDetail, ModelDetail, RequestDetail
from tui.screens.help import Help
from tui.views import BackendView, Frame, Latencies, LogView, ModelView
from tui.widgets.filter_input import FilterInput
from tui.widgets.live_log import LiveLog
from tui.widgets.live_table import LiveTable, gap_for
from tui.widgets.paint import GUTTER
from tui.widgets.text_lines import Bar, TextLines
from tui.window import history, rates

ORDERS = tuple(backend_cells.ORDERS)


class MainScreen(Screen[None]):
    """Shows frames; asks the app for everything that touches the gateway."""

    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = "#backends"

    def __init__(self, info: GatewayInfo) -> None:
        super().__init__()
        self._info = info
        self._words = ""
        self._order = "fleet"
        self._layout: Layout | None = None
        self._arranged: tuple[object, ...] = ()
        self._latencies = Latencies()
        self._backends = BackendView(self._latencies)
        self._models = ModelView()
        self._log = LogView()

    def compose(self) -> ComposeResult:
        yield Bar(id="header")
        yield TextLines(id="tiles")
        yield TextLines(id="notice")
        yield LiveTable(id="backends")
        with Container(id="lower"):
            yield LiveTable(id="models")
            yield LiveLog(id="routing")
        yield FilterInput(id="filter")
        yield Bar(id="footer")

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self._refresh_frame()

    def on_resize(self) -> None:
        self._arranged = ()
        self._refresh_frame()

    def on_screen_resume(self) -> None:
        # What stood before it has hidden some frames.
        self._refresh_frame()

    def _refresh_frame(self) -> None:
        self.show_frame(dashboard(self).frame)

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

    def show_frame(self, frame: Frame) -> None:
        """Bring every visible part up to date. Each part compares and paints what changed."""
        width, height = self.size
        if not width or not height:
            return
        small = width < SMALLEST[0] or height < SMALLEST[1]
        empty = not frame.state.backends
        self._arrange(frame, small=small, empty=empty)
        if small:
            self.query_one("#notice", TextLines).show(small_lines(width, height, SMALLEST))
            return
        self.query_one("#header", Bar).show_parts(
            header_left(self._info, frame.state, width),
            header_right(self._info, frame.now, width),
        )
        self._show_footer(empty=empty, waiting=bool(frame.state.waiting))
        if empty:
            self.query_one("#notice", TextLines).show(
                empty_lines(self._info, frame.state, frame.now)
            )
            return
        self._show_tiles(frame, width)
        self._show_backends(frame)
        self._show_models(frame)
        self._show_routing(frame)

    def _arrange(self, frame: Frame, *, small: bool, empty: bool) -> None:
        state = frame.state
        self._models.update(frame, self._words, self._models_room(), self._models_gap())
        wanted = plan(
            self.size.width,
            self.size.height,
            len(state.backends),
            self._models.total,
            self._pane,
        )
        notice = small or empty
        shown = (wanted, notice, small)
        if shown == self._arranged:
            return
        self._arranged = shown
        self._layout = wanted
        for name in ("tiles", "backends", "lower"):
            self.query_one(f"#{name}").display = not notice
        typing = self.query_one("#filter").display
        self.query_one("#header").display = not small
        self.query_one("#footer").display = not small and not typing
        self.query_one("#notice").display = notice
        self.query_one("#tiles").styles.height = wanted.tiles
        self.query_one("#backends").styles.height = wanted.backends
        models, routing, lower = (self.query_one(f"#{n}") for n in ("models", "routing", "lower"))
        models.styles.height, routing.styles.height = wanted.models, wanted.routing
        models.styles.width = wanted.models_width if wanted.side_by_side else "100%"
        routing.styles.width = "1fr" if wanted.side_by_side else "100%"
        lower.styles.layout = "horizontal" if wanted.side_by_side else "vertical"
        self.set_class(wanted.tiles > 1, "tall")
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
                rates(total, frame.now, frame.started_at),
                self._latencies.of(None, total, frame.now),
                history(total, frame.now, 60),
                width,
                tall=bool(self._layout and self._layout.tiles > 1),
            )
        )

    def _show_backends(self, frame: Frame) -> None:
        table, view = self._table, self._backends
        view.trend = table.width_of(backend_cells.TREND) or view.trend
        view.update(frame, self._words, self._order)
        total = len(frame.state.backends)
        title = backends_title(frame.state, len(view.keys), total, self._words, self._order)
        table.show(view, (*title, *table.position()), self._order)

    def _show_models(self, frame: Frame) -> None:
        table, view = self.query_one("#models", LiveTable), self._models
        folded = bool(self._layout and self._layout.models == 1)
        title = models_title(len(view.keys), view.first, view.hidden, self._words, folded=folded)
        table.show(view, (*title, *table.position()))

    def _show_routing(self, frame: Frame) -> None:
        log, view = self._routing, self._log
        view.update(frame, self._words)
        folded = bool(self._layout and self._layout.routing == 1)
        title = routing_title(len(view.keys), self._words, following=log.following, folded=folded)
        log.show(view, title)

    def _show_footer(self, *, empty: bool, waiting: bool) -> None:
        alone = ("approve", "rescan", "help", "leave")
        shown = [
            a
            for a in ACTIONS
            if a.footer and (not empty or a.name in alone) and (waiting or a.name != "approve")
        ]
        self.query_one("#footer", Bar).show_parts(
            footer(shown, self._words, self.size.width), BLANK
        )

    # -- keys --------------------------------------------------------------------------------

    @property
    def selected_backend(self) -> BackendId | None:
        """The backend under the cursor."""
        return cast("BackendId | None", self._table.cursor)

    def _act(self, name: str) -> None:
        action = next(action for action in ACTIONS if action.name == name)
        app = dashboard(self)
        if self.selected_backend is None:
            app.say("There is no backend under the cursor.", severity="warning")
        else:
            app.act(action, self.selected_backend)

    def action_drain(self) -> None:
        self._act("drain")

    def action_undrain(self) -> None:
        self._act("undrain")

    def action_check(self) -> None:
        self._act("check")

    def action_approve(self) -> None:
        dashboard(self).approve()

    def action_rescan(self) -> None:
        dashboard(self).rescan()

    def action_leave(self) -> None:
        dashboard(self).ask_to_leave()

    def action_theme(self) -> None:
        dashboard(self).change_theme()

    def action_help(self) -> None:
        dashboard(self).push_screen(Help(self.active_bindings))

    def action_sort(self) -> None:
        self._sort_by(ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)])

    def _sort_by(self, order: str) -> None:
        self._order = order
        self._refresh_frame()

    def action_pane(self, number: int) -> None:
        self.query_one(("#backends", "#models", "#routing")[number - 1]).focus()

    def action_columns(self, by: int) -> None:
        if self._pane == 2:
            shown = max(1, len(self._models.columns) - 4)
            if by < 0 or self._models.hidden > self._models.first:
                self._models.first = max(0, self._models.first + by * shown)
            self._refresh_frame()

    def action_follow(self) -> None:
        self._routing.following = True
        self._refresh_frame()

    def action_filter(self) -> None:
        box = self.query_one("#filter", FilterInput)
        box.display = True
        self.query_one("#footer").display = False
        box.value = self._words
        box.focus()

    def action_clear(self) -> None:
        self._filter_by("")

    def _filter_by(self, words: str) -> None:
        self._words = words.strip()
        self._refresh_frame()

    def action_open(self) -> None:
        focused = self.focused
        if isinstance(focused, LiveTable):
            focused.action_open()

    # -- messages ----------------------------------------------------------------------------

    def on_descendant_focus(self) -> None:
        self._refresh_frame()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter_by(event.value)

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        if not event.keep:
            self._filter_by("")
        self.query_one("#filter").display = False
        self._table.focus()
        self._arranged = ()
        self._refresh_frame()

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
                    dashboard(self).push_screen(RequestDetail(entry))
            case _:
                state = dashboard(self).state
                if backend := state.backends.get(cast(BackendId, event.key)):
                    dashboard(self).push_screen(BackendDetail(backend.id, backend.name))
