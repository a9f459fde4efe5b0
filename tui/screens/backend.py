"""One backend at a time: the moment, charts, health, models, failures, settings, actions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widget import Widget

from nexus.domain.access import Role as Access
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import Backend, BackendId, BackendStatus, Model
from nexus.errors import NexusError
from tui.commands import (
    BACKEND_ACTIONS,
    EVERYWHERE,
    FILTER_ACTIONS,
    FLEET_ACTIONS,
    Action,
)
from tui.render import about
from tui.render.cells import Cell, Role, line
from tui.render.columns import Column
from tui.render.drain import countdown, running
from tui.render.empty import empty_lines
from tui.render.filters import backend_text, matches
from tui.render.layout_backend import PANES, BackendLayout, plan_backend, side_of
from tui.render.status import look
from tui.screens.acting import ActingPage
from tui.screens.backend_charts import BackendCharts
from tui.screens.backend_tables import BackendTables
from tui.screens.base import dashboard
from tui.screens.levers import Ask, ask_to_load, ask_to_unload
from tui.screens.panes import Listed
from tui.state import EMPTY, NO_LOAD, DashboardState
from tui.views import Frame, Latencies
from tui.widgets.live_table import LiveTable
from tui.widgets.text_lines import TextLines
from tui.window import rates

LIST = (
    Column("", 1),
    Column("", 1),
    Column("BACKEND", 10, widest=40),
    Column("INFL", 4, right=True, drop=1),
)

ACTIONS = (
    Action(
        "open", "enter", "open", "Open the row: the failed request, the model, the settings.", True
    ),
    *BACKEND_ACTIONS,
    Action(
        "load",
        "L",
        "load",
        "Bring the model under the cursor into the backend's memory.",
        role=Access.OPERATOR,
    ),
    Action(
        "unload",
        "U",
        "unload",
        "Free the memory of the model under the cursor.",
        role=Access.OPERATOR,
    ),
    Action("window(-1)", "left_square_bracket", "shorter", "Charts: a shorter time."),
    Action("window(1)", "right_square_bracket", "longer", "Charts: a longer time, up to 7 days."),
    *FLEET_ACTIONS,
    *FILTER_ACTIONS,
    *EVERYWHERE,
)


class BackendPage(ActingPage):
    """The list at the left says which; everything beside it follows its cursor."""

    NAME = "backend"
    ACTIONS = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = "#pick"

    def __init__(self) -> None:
        super().__init__()
        self._wanted: BackendId | None = None
        self._shown: BackendId | None = None
        self._layout: BackendLayout | None = None
        self._latencies = Latencies()
        self._pick = Listed(LIST)
        self._charts = BackendCharts(self)
        self._tables = BackendTables()
        self._earlier: tuple[AuditEntry, ...] = ()
        """Changes made before this dashboard looked."""

    def panes(self) -> Iterable[Widget]:
        with Horizontal(id="backend-page"):
            yield LiveTable(id="pick")
            with Vertical(id="about"):
                yield TextLines(id="summary")
                with Container(id="columns"):
                    with Vertical(id="left"):
                        yield TextLines(id="charts")
                        yield LiveTable(id="models")
                    with Vertical(id="right"):
                        yield LiveTable(id="failing")
                        yield LiveTable(id="past")
                        yield LiveTable(id="told")

    # -- which -------------------------------------------------------------------------------

    def pick(self, backend_id: BackendId) -> None:
        """Show that backend."""
        self._wanted = backend_id
        if self.words and self.is_mounted:
            self.words = ""
        self.refresh_frame()

    @property
    def _list(self) -> LiveTable:
        return self.query_one("#pick", LiveTable)

    @property
    def chosen_backend(self) -> BackendId | None:
        return cast("BackendId | None", self._list.cursor)

    @property
    def selected(self) -> Backend | None:
        """The backend that is shown, as it is now: the page may look back."""
        return _of(dashboard(self).state, self.chosen_backend)

    def _table(self, name: str) -> LiveTable:
        return self.query_one(f"#{name}", LiveTable)

    @property
    def _pane(self) -> str:
        return (self.focused.id or "") if self.focused else ""

    # -- one frame ---------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.run_worker(self._ask_changes, name="changes", exit_on_error=True)

    async def _ask_changes(self) -> None:
        """What people changed before. The page works without."""
        try:
            self._earlier = await dashboard(self).source.changes(100)
        except NexusError:
            return
        self.refresh_frame()

    def small(self, small: bool) -> None:
        self.query_one("#backend-page").display = not small

    def paint(self, frame: Frame) -> None:
        if not frame.state.backends:
            self.notice(empty_lines(dashboard(self).source.info, frame.state, frame.now))
            return
        self._show_list(frame)
        backend = _of(frame.state, self.chosen_backend)
        if backend is None:
            self.query_one("#about").display = False
            return
        self.query_one("#about").display = True
        if backend.id != self._shown:
            self._shown = backend.id
            for name in PANES:  # another one's rows: from the top
                self._table(name).start_over()
        self._tables.take(frame, backend, self._earlier)
        layout = self._arrange(self._show_summary(frame, backend))
        self._charts.show(self.query_one("#charts", TextLines), frame, backend, layout)
        self._tables.show(self._table, layout.tables, dashboard(self).role)

    def _show_list(self, frame: Frame) -> None:
        state, words = frame.state, self.words
        chosen: dict[Hashable, object] = {
            backend.id: backend
            for backend in state.backends.values()
            if not words or matches(words, backend_text(backend))
        }
        table = self._list
        if self._wanted is not None and self._wanted in chosen:
            table.cursor = self._wanted

        def paint(value: object) -> tuple[Cell, ...]:
            backend = cast(Backend, value)
            load = state.loads.get(backend.id, NO_LOAD)
            mark, _, role = look(backend, load.pending, slow=backend.id in state.slow)
            here = backend.id == table.cursor
            return (
                Cell("▸" if here else " ", Role.ACCENT),
                Cell(mark, role),
                Cell(backend.name, Role.STRONG if here else Role.TEXT),
                Cell(str(load.pending), Role.TEXT if load.pending else Role.FAINT),
            )

        self._pick.take(chosen, paint)
        total = len(state.backends)
        title: list[Cell | str] = [Cell("Backends"), Cell(f" {total}", Role.DIM)]
        if words:
            title = [Cell(f"{len(chosen)} of {total}"), Cell(f" {words}", Role.WARN)]
        table.show(self._pick, (*line(*title), *table.position()))
        if self._wanted is not None and self._wanted == table.cursor:
            table.go(table.keys.index(self._wanted))
            self._wanted = None

    def _arrange(self, summary: int) -> BackendLayout:
        rows = {name: len(self._tables.rows[name].keys) for name in PANES}
        wanted = plan_backend(self.size.width, self.size.height, rows, self._pane, summary)
        self.query_one("#summary").styles.height = summary
        if wanted == self._layout:
            return wanted
        self._layout = wanted
        self._list.styles.width = wanted.list_width
        left, right = self.query_one("#left"), self.query_one("#right")
        self.query_one("#columns").styles.layout = (
            "horizontal" if wanted.two_columns else "vertical"
        )
        left.styles.width = wanted.left_width if wanted.two_columns else "100%"
        right.styles.width = "1fr" if wanted.two_columns else "100%"
        left.styles.height = wanted.charts + wanted.tables["models"]
        right.styles.height = sum(wanted.tables[name] for name in PANES[1:])
        self.query_one("#charts").display = wanted.charts > 0
        self.query_one("#charts").styles.height = wanted.charts
        for name in PANES:
            self._table(name).styles.height = wanted.tables[name]
        return wanted

    def _show_summary(self, frame: Frame, backend: Backend) -> int:
        """Returns its lines."""
        state = frame.state
        window = state.windows.get(backend.id, EMPTY)
        load = state.loads.get(backend.id, NO_LOAD)
        draining = ""
        if backend.status is BackendStatus.DRAINING:
            draining = countdown(load.pending, running(state, backend.id, frame.now))
        text = self.query_one("#summary", TextLines)
        lines = about.summary(
            backend,
            load,
            rates(window, frame.now, frame.counted_from),
            self._latencies.of(backend.id, window, frame.now),
            draining,
            frame.now,
            text.size.width,
        )
        if slow := state.slow.get(backend.id):
            room = self.size.width - side_of(self.size.width) - 4
            lines = (*lines, *about.slowness(slow, frame.now, room))
        text.show(lines)
        return len(lines)

    # -- keys --------------------------------------------------------------------------------

    def action_window(self, by: int) -> None:
        self._charts.change(by)
        self.refresh_frame()

    def action_load(self) -> None:
        self._with_model(ask_to_load)

    def action_unload(self) -> None:
        self._with_model(ask_to_unload)

    def _with_model(self, ask: Ask) -> None:
        """Ask about the model under the cursor, or about the only one."""
        backend, rows = self.selected, self._tables.rows["models"]
        model: object = None
        if self._pane == "models":
            model = rows.value(self._table("models").cursor)
        elif len(rows.keys) == 1:
            model = rows.value(rows.keys[0])
        if backend is None or not isinstance(model, Model):
            text = "Go to a model first: tab leads to the models."
            dashboard(self).say(text, severity="warning")
        else:
            ask(dashboard(self), backend, model)

    def action_open(self) -> None:
        if isinstance(self.focused, LiveTable):
            self.focused.action_open()

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        app = dashboard(self)
        match event.table.id:
            case "failing":
                app.show_request(cast(str, event.key))
            case "models":
                app.show_model(cast(str, event.key), self._shown)
            case "told" if app.role.may(Access.ADMIN):
                self.act("edit")
            case "pick":
                self.query_one("#models").focus()
            case _:
                pass


def _of(state: DashboardState, id: BackendId | None) -> Backend | None:
    return None if id is None else state.backends.get(id)
