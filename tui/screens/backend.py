"""One backend at a time: the moment, charts, health, models, failures, settings, actions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widget import Widget

from nexus.domain.access import Role as Access
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import Backend, BackendId, Model, Residency
from nexus.errors import NexusError
from tui.clean import clean
from tui.commands import (
    BACKEND_ACTIONS,
    EVERYWHERE,
    FILTER_ACTIONS,
    FLEET_ACTIONS,
    Action,
)
from tui.render import about, health
from tui.render.attention import served
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.charts import beside, long_span
from tui.render.columns import Column
from tui.render.drain import countdown, running
from tui.render.empty import empty_lines
from tui.render.filters import backend_text, matches
from tui.render.layout_backend import PANES, BackendLayout, plan_backend
from tui.render.numbers import plural
from tui.render.status import LOOK
from tui.screens.base import dashboard
from tui.screens.modal import Confirm
from tui.screens.page import Page, fleet_footer
from tui.screens.panes import Listed
from tui.screens.series import WINDOWS, Past, ask, plots
from tui.state import EMPTY, NO_LOAD, NO_TRACE
from tui.trace import KEPT_S
from tui.views import Frame, Latencies
from tui.widgets.live_table import LiveTable
from tui.widgets.text_lines import TextLines
from tui.window import rates

ASK_AGAIN_S = 30
"""How old a series from the history may become while it is looked at, seconds."""

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


class BackendPage(Page):
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
        self._rows = {
            "models": Listed(about.MODELS),
            "failing": Listed(about.FAILING),
            "past": Listed(health.COLUMNS),
            "told": Listed(about.TOLD),
        }
        self._window = WINDOWS[0]
        self._past: Past | None = None
        self._trouble = ""
        """Why there is no history."""
        self._asking = False
        self._charted: tuple[object, ...] = ()
        self._copies: tuple[object, dict[str, int]] = (None, {})
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
    def selected(self) -> Backend | None:
        """The backend that is shown, as it is now: the page may look back."""
        picked = cast("BackendId | None", self._list.cursor)
        return dashboard(self).state.backends.get(picked) if picked is not None else None

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
        picked = cast("BackendId | None", self._list.cursor)
        backend = frame.state.backends.get(picked) if picked is not None else None
        if backend is None:
            self.query_one("#about").display = False
            return
        self.query_one("#about").display = True
        if backend.id != self._shown:
            self._shown = backend.id
            for name in PANES:  # another one's rows: from the top
                self.query_one(f"#{name}", LiveTable).start_over()
        self._take_rows(frame, backend)
        self._arrange()
        self._show_summary(frame, backend)
        self._show_charts(frame, backend)
        self._show_tables(frame, backend)

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
            mark, _, role = LOOK[backend.seen_with(load.pending)]
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

    def _take_rows(self, frame: Frame, backend: Backend) -> None:
        """Rows of the tables, so that the layout knows how many there are."""
        state, offset = frame.state, frame.utc_offset_s
        load = state.loads.get(backend.id, NO_LOAD)
        copies = self._count_copies(frame)
        self._rows["models"].take(
            {model.id: model for model in backend.models},
            lambda value: about.model_cells(
                cast(Model, value), load, copies.get(cast(Model, value).id, 0)
            ),
        )
        failed = about.failures(state, backend)
        self._rows["failing"].take(
            {one.entry.request_id: one for one in failed},
            lambda value: about.failure_cells(cast(about.Failure, value), offset),
        )
        changes = {(e.at, e.action, e.target): e for e in (*self._earlier, *state.changes)}
        turns = state.turns.get(backend.id, ())
        past = health.happenings(backend, turns, tuple(changes.values()), frame.now)
        self._rows["past"].take(
            {(one.at, one.what.text, number): one for number, one in enumerate(past)},
            lambda value: health.cells(cast(health.Happening, value), offset),
        )
        told = about.settings(backend)
        self._rows["told"].take(
            {name: (name, cell) for name, cell in told.items()},
            lambda value: (
                Cell(cast("tuple[str, Cell]", value)[0], Role.DIM),
                cast("tuple[str, Cell]", value)[1],
            ),
        )

    def _count_copies(self, frame: Frame) -> dict[str, int]:
        """How many backends could serve each model now; counted again once facts changed."""
        facts = frame.state.backends
        mark = (facts, int(frame.now))
        if self._copies[0] != mark:
            counts: dict[str, int] = {}
            for backend in facts.values():
                if backend.is_routable:
                    for model in backend.models:
                        counts[model.id] = counts.get(model.id, 0) + 1
            self._copies = (mark, counts)
        return self._copies[1]

    def _arrange(self) -> None:
        rows = {name: len(self._rows[name].keys) for name in PANES}
        wanted = plan_backend(self.size.width, self.size.height, rows, self._pane)
        if wanted == self._layout:
            return
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
            self.query_one(f"#{name}").styles.height = wanted.tables[name]

    def _show_summary(self, frame: Frame, backend: Backend) -> None:
        state = frame.state
        window = state.windows.get(backend.id, EMPTY)
        load = state.loads.get(backend.id, NO_LOAD)
        draining = ""
        if backend.status.value == "draining":
            draining = countdown(load.pending, running(state, backend.id, frame.now))
        lines = about.summary(
            backend,
            load,
            rates(window, frame.now, frame.started_at),
            self._latencies.of(backend.id, window, frame.now),
            draining,
            frame.now,
        )
        self.query_one("#summary", TextLines).show(lines)

    # -- charts ------------------------------------------------------------------------------

    def _show_charts(self, frame: Frame, backend: Backend) -> None:
        layout = self._layout
        if layout is None or layout.charts < 5:
            return
        trace = frame.state.traces.get(backend.id, NO_TRACE)
        turns = frame.state.turns.get(backend.id, ())
        past = self._past_of(frame, backend)
        mark = (
            trace.mark(frame.now), past, layout, self._window, backend.id, turns, backend.status,
            self._trouble, self._asking,
        )  # fmt: skip
        if mark == self._charted:
            return
        self._charted = mark
        width = layout.left_width - 3
        both = plots(trace, past, self._window, frame.now)
        height = layout.charts - 1  # the strip
        if self._window > KEPT_S and (past is None or not past.known):
            keys = Cell("  [ ] another time", Role.FAINT)
            lines: list[Line] = [(*self._no_history(), keys), *([BLANK] * (height - 1))]
        elif layout.abreast:
            lines = list(beside(both, width, height, self._window, "[ ]"))
        else:
            upper = (height + 1) // 2
            lines = [
                *beside(both[:1], width, upper, self._window, "[ ]"),
                *beside(both[1:], width, height - upper, self._window),
            ]
        marks = health.strip(backend, turns, frame.now, self._window, max(8, width - 9))
        lines.append((Cell("health ", Role.HEAD), *marks))
        self.query_one("#charts", TextLines).show(tuple((Cell(" "), *row) for row in lines))

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
            self.run_worker(
                partial(self._ask_past, backend.name, self._window, frame.now),
                name="series",
                exit_on_error=True,
            )
        return past if fits else None

    async def _ask_past(self, name: str, seconds: int, now: float) -> None:
        nothing = Past(name, seconds, now, (), (), (), ())
        try:
            self._past = await ask(dashboard(self).source, name, seconds, now)
            self._trouble = ""
        except NexusError as error:
            self._past, self._trouble = nothing, error.message
        finally:
            self._asking = False
        self.refresh_frame()

    def action_window(self, by: int) -> None:
        at = WINDOWS.index(self._window) + by
        if 0 <= at < len(WINDOWS):
            self._window, self._trouble = WINDOWS[at], ""
            self.refresh_frame()

    # -- tables ------------------------------------------------------------------------------

    def _show_tables(self, frame: Frame, backend: Backend) -> None:
        failing = len(self._rows["failing"].keys)
        titles: dict[str, list[Cell | str]] = {
            "models": [
                Cell("Models"),
                Cell(f" {len(backend.models)}", Role.DIM),
                *([Cell("   an old list", Role.WARN)] if backend.models_stale else []),
            ],
            "failing": [
                Cell("Failed of late"),
                Cell(f" {failing}", Role.BAD if failing else Role.DIM),
            ],
            "past": [Cell("Health and changes")],
            "told": [Cell("Configuration")],
        }
        hints = {
            "models": "L load   U unload   ↵ all copies",
            "failing": "↵ its story",
            "past": "",
            "told": "e edit" if dashboard(self).role.may(Access.ADMIN) else "",
        }
        layout = self._layout
        for name in PANES:
            table = self.query_one(f"#{name}", LiveTable)
            folded = layout is not None and layout.tables[name] == 1
            title = titles[name]
            if not self._rows[name].keys and not folded:
                title = [*title, Cell("   none", Role.DIM)]
            elif folded:
                title = [*title, Cell("   tab opens", Role.FAINT)]
            elif table.has_focus and hints[name]:
                title = [*title, Cell(f"   {hints[name]}", Role.FAINT)]
            table.show(self._rows[name], (*line(*title), *table.position()))

    # -- keys --------------------------------------------------------------------------------

    def footer_actions(self, frame: Frame) -> list[Action]:
        return fleet_footer(super().footer_actions(frame), frame.state)

    def _act(self, name: str) -> None:
        backend = self.selected
        if backend is None:
            dashboard(self).say("There is no backend here.", severity="warning")
            return
        action = next(action for action in BACKEND_ACTIONS if action.name == name)
        dashboard(self).act(action, backend.id)

    def action_drain(self) -> None:
        self._act("drain")

    def action_undrain(self) -> None:
        self._act("undrain")

    def action_check(self) -> None:
        self._act("check")

    def action_edit(self) -> None:
        self._act("edit")

    def action_remove(self) -> None:
        self._act("remove")

    def action_add(self) -> None:
        dashboard(self).add_backend()

    def action_approve(self) -> None:
        dashboard(self).approve()

    def action_rescan(self) -> None:
        dashboard(self).rescan()

    def action_open(self) -> None:
        if isinstance(self.focused, LiveTable):
            self.focused.action_open()

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        app = dashboard(self)
        match event.table.id:
            case "failing":
                app.show_request(cast(str, event.key))
            case "models":
                app.show_model(cast(str, event.key))
            case "told" if app.role.may(Access.ADMIN):
                self._act("edit")
            case "pick":
                self.query_one("#models").focus()
            case _:
                pass

    # -- models ------------------------------------------------------------------------------

    @property
    def _model(self) -> Model | None:
        """The one under the cursor, or the only one."""
        rows = self._rows["models"]
        if self._pane == "models":
            return cast("Model | None", rows.value(self.query_one("#models", LiveTable).cursor))
        return cast("Model | None", rows.value(rows.keys[0])) if len(rows.keys) == 1 else None

    def action_load(self) -> None:
        self._lifecycle("load")

    def action_unload(self) -> None:
        self._lifecycle("unload")

    def _lifecycle(self, what: str) -> None:
        app, backend, model = dashboard(self), self.selected, self._model
        if backend is None or model is None:
            app.say("Go to a model first: tab leads to the models.", severity="warning")
            return
        if what == "load" and model.residency is Residency.LOADED:
            app.say(f"{model.id} is in memory there already.")
            return
        source, name, place = app.source, clean(model.id, 60), clean(backend.name, 40)
        wish = source.load_model if what == "load" else source.unload_model
        text, said = self._foretold(what, backend, model)
        title = f"Load {name} on {place}?" if what == "load" else f"Unload {name} from {place}?"

        def answered(yes: bool | None) -> None:
            if yes:
                app.do(lambda: wish(backend.id, model.id), said)

        app.push_screen(Confirm(title, text, what.capitalize()), answered)

    def _foretold(self, what: str, backend: Backend, model: Model) -> tuple[tuple[Line, ...], str]:
        """What it will do, and what it did."""
        state = dashboard(self).state
        if what == "load":
            return (
                (
                    line("Its server brings it into memory now, which may take minutes."),
                    line("Where memory is short, it may put another model aside."),
                ),
                f"{model.id} is loaded on {backend.name}.",
            )
        there = [one for one in state.running.values() if one.backend_id == backend.id]
        there = [one for one in there if one.model == model.id]
        others = served([b for b in state.backends.values() if b.id != backend.id])
        lines = [line("Its memory is freed; the next request for it loads it again.")]
        if there:
            text = f"! {plural(len(there), 'request')} for it in flight; its server decides."
            lines.append(line(Cell(text, Role.WARN)))
        if model.id not in others:
            lines.append(line(Cell("! Nobody else has it: the next request waits.", Role.WARN)))
        return tuple(lines), f"{model.id} was unloaded from {backend.name}."
