"""The log, followed and searched; levels by component; and what people changed.

Lines are asked for once a second, and only while this page is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.widget import Widget

from nexus.domain.access import Role as Access
from nexus.domain.audit import AuditEntry
from nexus.domain.logline import LogLevel
from nexus.errors import NexusError
from tui.commands import EVERYWHERE, EXPORT, Action
from tui.render.cells import Cell, Line, Role, line
from tui.render.changes import ChangesView
from tui.render.logs import REQUEST, LinesView
from tui.render.numbers import count, plural
from tui.screens.base import dashboard
from tui.screens.choose import Choose, Option
from tui.screens.log_line import ChangeDetail, LineDetail, as_json
from tui.screens.page import Page
from tui.state import Link
from tui.views import Frame
from tui.widgets.live_log import LiveLog
from tui.widgets.live_table import LiveTable
from tui.widgets.log_table import LogTable

EVERY_S = 1.0
"""Between two questions for new lines."""
WIDE = 100
"""From this width a request's id stands before what is said of it."""
ALL = "*"
"""Stands for every component in the list to choose from."""

_HINTS = {
    LogLevel.TRACE: "every step",
    LogLevel.DEBUG: "what helps to find a fault",
    LogLevel.INFO: "what happens, as usual",
    LogLevel.WARN: "what needs a look",
    LogLevel.ERROR: "only what failed",
}

ACTIONS = (
    Action("open", "enter", "all fields", "Show all fields of the line, or the whole change.",
           True),
    Action("follow", "f", "follow", "Follow the newest line again.", True),
    Action("filter", "slash", "search", "Mark the lines with these words; !word is one without.",
           True, priority=True),
    Action("next(1)", "n", "next", "Go to the next line that is searched for."),
    Action("next(-1)", "N", "previous", "Go to the line before that is searched for."),
    Action("only", "ampersand", "only those", "Leave out lines that are not searched for, or not."),
    Action("least", "m", "least level", "Leave out lines below the next level.", True),
    Action("component", "S", "component", "Show the lines of one component, or of all.", True),
    Action("level", "l", "set level", "Log more or less of the component under the cursor.", True,
           role=Access.OPERATOR),
    Action("level_of_others", "L", "set level of others",
           "Log more or less of every component without a level of its own.",
           role=Access.OPERATOR),
    Action("request", "g", "request", "Go to the request that the line names.", True),
    Action("changes", "c", "changes", "Show what people changed, or the log again.", True),
    Action("copy", "y", "copy", "Copy the line with all its fields as JSON."),
    Action("clear", "escape", "back", "Leave the changes; then search for nothing.",
           palette=False),
    EXPORT,
    *EVERYWHERE,
)  # fmt: skip


OF_CHANGES = ("open", "filter", "changes", "help", "leave")
"""What the footer names while the changes are shown."""


class LogsPage(Page):
    """Two lists, one of them shown: lines of the log, and changes."""

    NAME = "logs"
    ACTIONS = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = "#log"

    def __init__(self) -> None:
        super().__init__()
        self._view = LinesView()
        self._changes = ChangesView()
        self._past: tuple[AuditEntry, ...] = ()
        self._changing = False
        """True while the changes are shown."""
        self._asked_at: float | None = None
        self._asking = False
        self._started_at = 0.0
        """Of the gateway whose lines were read."""
        self._trouble = ""
        """Why nothing can be read."""

    def panes(self) -> Iterable[Widget]:
        yield LogTable(id="log")
        yield LiveTable(id="changes")

    def small(self, small: bool) -> None:
        self.query_one("#log").display = not small and not self._changing
        self.query_one("#changes").display = not small and self._changing

    @property
    def _log(self) -> LiveLog:
        return self.query_one("#log", LiveLog)

    @property
    def _table(self) -> LiveTable:
        return self.query_one("#changes", LiveTable) if self._changing else self._log

    def footer_actions(self, frame: Frame) -> list[Action]:
        found = super().footer_actions(frame)
        if not self._changing:
            return found
        return [action for action in found if action.name in OF_CHANGES]

    # -- one frame ---------------------------------------------------------------------------

    def paint(self, frame: Frame) -> None:
        self.small(False)
        if self._asked_at is None or abs(frame.now - self._asked_at) >= EVERY_S:
            self._ask(frame)
        if self._changing:
            view = self._changes
            view.update(self._past, frame.state.changes, self.words, frame.utc_offset_s)
            self.show_rows(self._table, view, self._changes_title())
        else:
            self._view.words, self._view.narrow = self.words, self.size.width < WIDE
            self._view.update(frame.utc_offset_s)
            self.show_rows(self._log, self._view, self._title(frame))

    def _title(self, frame: Frame) -> Line:
        view = self._view
        pieces: list[Cell | str] = [Cell("Logs"), Cell(f" {count(view.total)}", Role.DIM)]
        if view.component:
            pieces += ["   ", Cell(f"only {view.component}", Role.WARN)]
        if view.least is not LogLevel.TRACE:
            pieces += ["   ", Cell(f"{view.least.value} and worse", Role.WARN)]
        if self.words:
            how = "only" if view.only else "searching"
            keys = "" if view.only else " (n, N)"
            pieces += ["   ", Cell(f"{how} {self.words}{keys}", Role.WARN)]
        if view.missed:
            pieces += ["   ", Cell(f"! {plural(view.missed, 'line')} missed", Role.WARN)]
        if self._trouble:
            pieces += ["   ", Cell(f"✖ {self._trouble}", Role.BAD)]
        elif frame.state.link is Link.LOST:
            pieces += ["   ", Cell("✖ as of before the connection was lost", Role.WARN)]
        elif self._log.following:
            pieces += ["   ", Cell("live", Role.OK)]
        else:
            pieces += ["   ", Cell("held: f follows again", Role.WARN)]
        if not view.total and not self._trouble:
            pieces += ["   ", Cell("nothing was logged yet", Role.DIM)]
        elif not view.keys:
            pieces += ["   ", Cell("no line is like that; esc shows more", Role.DIM)]
        return line(*pieces)

    def _changes_title(self) -> Line:
        view = self._changes
        pieces: list[Cell | str] = [Cell("Changes"), Cell(f" {count(view.total)}", Role.DIM)]
        if self.words:
            found = plural(len(view.keys), "row")
            pieces += ["   ", Cell(f"filter {self.words}: {found}", Role.WARN)]
        if self._trouble:
            pieces += ["   ", Cell(f"✖ {self._trouble}", Role.BAD)]
        elif not view.total:
            pieces += ["   ", Cell("nobody changed anything yet", Role.DIM)]
        pieces += ["   ", Cell("c shows the log", Role.FAINT)]
        return line(*pieces)

    # -- lines in ----------------------------------------------------------------------------

    def _ask(self, frame: Frame) -> None:
        if self._asking or frame.state.link is not Link.LIVE:
            return
        if self._started_at and frame.started_at != self._started_at:
            self._view.start_again()
        self._started_at = frame.started_at
        self._asking, self._asked_at = True, frame.now
        self.run_worker(self._read(), name="log lines", exit_on_error=True)

    async def _read(self) -> None:
        """What came since."""
        app, view = dashboard(self), self._view
        before = (view.last, self._trouble, self._past)
        try:
            if self._changing:
                self._past = await app.source.changes()
            else:
                view.add(await app.source.logs(view.last))
            self._trouble = ""
        except NexusError as error:
            self._trouble = error.message
        self._asking = False
        if before != (view.last, self._trouble, self._past):
            self.call_later(self.refresh_frame)

    # -- search ------------------------------------------------------------------------------

    def filter_by(self, words: str) -> None:
        changed = words.strip() != self.words
        super().filter_by(words)
        if changed and self.words and not self._changing:
            self._go(self._view.find(None, -1))

    def action_next(self, by: int) -> None:
        app = dashboard(self)
        if self._changing:
            return
        if not self.words:
            app.say("Nothing is searched for: / begins.", severity="warning")
        elif not self._go(self._view.find(self._log.cursor, by)):
            app.say("No line has that.", severity="warning")

    def _go(self, key: float | None) -> bool:
        if key is None:
            return False
        self._log.go(list(self._view.keys).index(key))
        self._log.following = False
        self.refresh_frame()
        return True

    def action_only(self) -> None:
        self._view.only = not self._view.only
        self.refresh_frame()

    def action_clear(self) -> None:
        if self._changing:
            self.action_changes()
            return
        view = self._view
        if not self.words:
            view.least, view.component = LogLevel.TRACE, ""
        view.only = False
        self.filter_by("")

    # -- keys --------------------------------------------------------------------------------

    def focus_rows(self) -> None:
        self._table.focus()

    def action_follow(self) -> None:
        self._log.following = True
        self.refresh_frame()

    def action_least(self) -> None:
        levels = list(LogLevel)
        self._view.least = levels[(self._view.least.rank + 1) % len(levels)]
        self.refresh_frame()

    def action_component(self) -> None:
        view = self._view
        options = [Option(ALL, "all components"), *(Option(c, c) for c in view.components)]

        def answered(chosen: str | None) -> None:
            if chosen is not None:
                view.component = "" if chosen == ALL else chosen
                self.refresh_frame()

        dashboard(self).push_screen(
            Choose("Show the lines of", options, view.component or ALL), answered
        )

    def action_level(self) -> None:
        found = None if self._changing else self._view.line(self._log.cursor)
        if found is None:
            dashboard(self).say("There is no line under the cursor.", severity="warning")
        else:
            self.run_worker(self._choose_level(found.component), name="level", exit_on_error=True)

    def action_level_of_others(self) -> None:
        self.run_worker(self._choose_level(""), name="level", exit_on_error=True)

    async def _choose_level(self, component: str) -> None:
        app = dashboard(self)
        try:
            levels = await app.source.log_levels()
        except NexusError as error:
            app.say(error.message, severity="error")
            return
        now = levels.get(component, levels.get("", LogLevel.INFO))
        who = component or "every other component"
        options = [
            Option(level.value, level.value, hint=_HINTS[level] + (" (now)" * (level is now)))
            for level in LogLevel
        ]

        def answered(chosen: str | None) -> None:
            if chosen is not None:
                level = LogLevel(chosen)
                done = f"{who} logs {level.value} and worse, until the next start."
                app.do(lambda: app.source.set_log_level(component, level), done)

        app.push_screen(Choose(f"Log level of {who}", options, now.value), answered)

    def action_request(self) -> None:
        found = None if self._changing else self._view.line(self._log.cursor)
        name = None if found is None else found.fields.get(REQUEST)
        if isinstance(name, str) and name:
            dashboard(self).show_request(name)
        else:
            dashboard(self).say("This line names no request.", severity="warning")

    def action_changes(self) -> None:
        self._changing = not self._changing
        self._asked_at = None
        self.words = ""
        self.small(False)
        self.focus_rows()
        self.refresh_frame()

    def action_copy(self) -> None:
        app = dashboard(self)
        if self._changing:
            entry = self._entry()
            if entry is not None:
                app.copy(json.dumps(as_json(entry), ensure_ascii=False, default=str), "The change")
            return
        found = self._view.line(self._log.cursor)
        if found is None:
            app.say("There is no line under the cursor.", severity="warning")
        else:
            app.copy(json.dumps(as_json(found), ensure_ascii=False, default=str), "The line")

    def _entry(self) -> AuditEntry | None:
        cursor = self._table.cursor
        return None if cursor is None else self._changes.entry(cast(int, cursor))

    def action_open(self) -> None:
        self._table.action_open()

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        app = dashboard(self)
        if self._changing:
            if entry := self._entry():
                app.push_screen(ChangeDetail(entry))
        elif found := self._view.line(event.key):
            app.push_screen(LineDetail(found))
