"""What all pages have in common: header, tabs, filter, footer, and who may do what.

A page is a screen of its own with its own mode, so it keeps its cursor and filter while another one
is shown, and costs nothing meanwhile. Subclasses say their `NAME` and `ACTIONS`, compose `panes()`
and `paint()` a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input
from textual.widgets._toast import ToastRack

from tui.commands import EVERYWHERE, Action
from tui.export import Rows, as_csv, as_json, collect, export, stem
from tui.render.cells import BLANK, Line
from tui.render.empty import small_lines
from tui.render.header import header_left, header_right, old_right, paused_right
from tui.render.layout import SMALLEST
from tui.render.numbers import plural
from tui.render.tabs import tab_at, tabs
from tui.render.titles import footer, hint_at
from tui.screens.base import Shown, dashboard
from tui.screens.help import Help
from tui.state import DashboardState
from tui.views import Frame
from tui.widgets.filter_input import FilterInput
from tui.widgets.live_table import LiveTable
from tui.widgets.text_lines import Bar, TextLines

ALONE = ("add", "approve", "rescan", "help", "leave")
"""What a fleet without backends offers."""


def fleet_footer(actions: list[Action], state: DashboardState) -> list[Action]:
    """Those that make sense now, for the pages about backends."""
    if not state.backends:
        actions = [action for action in actions if action.name in ALONE]
    else:
        actions = [action for action in actions if action.name != "rescan"]
    return [action for action in actions if state.waiting or action.name != "approve"]


class Page(Shown, Screen[None]):
    """One of the pages that digits go to."""

    NAME: ClassVar[str]
    """Of its mode and its tab."""
    ACTIONS: ClassVar[tuple[Action, ...]] = EVERYWHERE
    """All that can be done here; also the source of the page's `BINDINGS`."""

    NOTES: ClassVar[tuple[Line, ...]] = ()
    """What its help says besides keys."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        """The filter."""
        self._roles = {action.method: action.role for action in self.ACTIONS}

    def compose(self) -> ComposeResult:
        yield Bar(id="header")
        yield TextLines(id="tabs")
        yield from self.panes()
        yield TextLines(id="notice")
        box = FilterInput(id="filter")
        box.display = False  # from the start: a page without rows would give it the keys
        yield box
        yield Bar(id="footer")

    def panes(self) -> Iterable[Widget]:
        """The widgets between tabs and footer."""
        return ()

    def paint(self, frame: Frame) -> None:
        """Bring the panes up to date. Compares and paints only what changed."""

    def small(self, small: bool) -> None:
        """Show or hide the panes: the terminal has become too small, or large enough."""
        for pane in self.query(".pane"):
            pane.display = not small

    def footer_actions(self, frame: Frame) -> list[Action]:
        """Actions that the footer names, in order."""
        return [action for action in self.ACTIONS if action.footer and self._offered(action)]

    def footer_left(self, frame: Frame) -> Line:
        """The footer's line."""
        return footer(self.footer_actions(frame), self.words, self.size.width)

    # -- frames ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.query_one("#notice").display = False
        self.refresh_frame()

    def on_resize(self) -> None:
        self.refresh_frame()

    def on_screen_resume(self) -> None:
        # What stood before it has hidden some frames.
        self.refresh_frame()

    def on_screen_suspend(self) -> None:
        for rack in self.query(ToastRack):
            rack.display = False  # what stands before the page shows them itself

    def on_live_table_cursor_moved(self) -> None:
        self.refresh_frame()

    def on_descendant_focus(self) -> None:
        self.refresh_frame()

    def refresh_frame(self) -> None:
        """Show this moment."""
        self.show_frame(dashboard(self).frame)

    def show_frame(self, frame: Frame) -> None:
        """Bring the page up to date."""
        for _ in self.steps(frame):
            pass

    def painting(self, frame: Frame) -> Iterator[None]:
        """`paint` in steps, between which others may have the loop."""
        self.paint(frame)
        yield

    def steps(self, frame: Frame) -> Iterator[None]:
        """Bring the page up to date in steps."""
        width, height = self.size
        if not width or not height or not self.is_mounted:
            return
        too_small = width < SMALLEST[0] or height < SMALLEST[1]
        typing = self.query_one("#filter").display
        self.query_one("#header").display = not too_small
        self.query_one("#tabs").display = not too_small
        self.query_one("#footer").display = not too_small and not typing
        self.small(too_small)
        if too_small:
            self.query_one("#notice").display = True
            self.query_one("#notice", TextLines).show(small_lines(width, height, SMALLEST))
            return
        self.query_one("#notice").display = False
        info = dashboard(self).source.info
        header, left = self.query_one("#header", Bar), header_left(info, frame.state, width)
        if dashboard(self).film.held:  # that it is not now must be seen, whatever else is not
            right = paused_right(frame.now, dashboard(self).now, frame.utc_offset_s, width)
            header.show_between(left, right)
        elif frame.state.lost_at is not None and frame.state.backends:
            header.show_between(left, old_right(frame.now, frame.utc_offset_s))
        else:
            header.show_parts(left, header_right(info, frame.now, width))
        self.query_one("#tabs", TextLines).show((tabs(self.NAME, width),))
        self.query_one("#footer", Bar).show_parts(self.footer_left(frame), BLANK)
        yield from self.painting(frame)

    def show_rows(self, table: LiveTable, rows: Rows, title: Line) -> None:
        """Show rows under a title that tells which of them are in sight."""
        place = table.position()
        table.show(rows, (*title, *place))
        if table.position() != place:  # only now known
            table.show(rows, (*title, *table.position()))

    def notice(self, lines: tuple[Line, ...]) -> None:
        """Show these lines where the panes would be, from `paint`."""
        self.small(True)
        self.query_one("#notice").display = True
        self.query_one("#notice", TextLines).show(lines)

    # -- who may -----------------------------------------------------------------------------

    def _offered(self, action: Action) -> bool:
        return dashboard(self).role.may(action.role)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys beyond one's role are not offered at all."""
        if action == "filter" and isinstance(self.focused, FilterInput):
            return False  # a letter like any other there
        needed = self._roles.get(action)
        return needed is None or dashboard(self).role.may(needed)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing, where it is one for others."""
        mine = [a for a in self.ACTIONS if event.key in a.keys.split(",")]
        if mine and not any(self._offered(action) for action in mine):
            event.stop()
            app, action = dashboard(self), mine[0]
            words = f"{action.label.capitalize()} takes the role {action.role}; this dashboard has"
            app.say(f"{words} {app.role}.", severity="warning")

    async def on_click(self, event: events.Click) -> None:
        """Tabs and the hints of the footer stand for their keys."""
        app = dashboard(self)
        match event.widget:
            case TextLines(id="tabs"):
                name = tab_at(self.NAME, self.size.width, event.x)
                if name is not None:
                    app.go(name)
            case TextLines(id="footer"):
                name = hint_at(self.ACTIONS, self.footer_left(app.frame), event.x)
                if name is not None:
                    await app.run_action(name, self)
            case _:
                pass

    # -- keys of every page ------------------------------------------------------------------

    def action_page(self, name: str) -> None:
        dashboard(self).go(name)

    def action_pause(self) -> None:
        dashboard(self).pause()

    def action_scrub(self, frames: int) -> None:
        dashboard(self).scrub(frames)

    def action_picture(self) -> None:
        dashboard(self).save_picture()

    def action_leave(self) -> None:
        dashboard(self).ask_to_leave()

    def action_theme(self) -> None:
        dashboard(self).change_theme()

    def action_help(self) -> None:
        dashboard(self).push_screen(Help(self.active_bindings, self.NOTES))

    # -- what is seen, as files ----------------------------------------------------------------

    def rows_shown(self) -> tuple[str, Rows] | None:
        """What an export writes, with a name: the rows of the focused table, or of the first."""
        tables = [t for t in self.query(LiveTable) if t.display and t.rows is not None]
        table = next((t for t in tables if t.has_focus), None) or next(iter(tables), None)
        return (table.id or self.NAME, table.rows) if table and table.rows else None

    def action_export(self) -> None:
        """Write the rows shown to new files of the current directory."""
        app, found = dashboard(self), self.rows_shown()
        if found is None:
            app.say("There are no rows here.", severity="warning")
            return
        name, rows = found
        frame = app.frame
        at = datetime.fromtimestamp(frame.now + frame.utc_offset_s, UTC)

        moment = f"{at:%Y%m%d-%H%M%S}"

        async def run() -> None:
            if app.is_web:  # the files belong where the browser is
                table = await collect(rows)
                for ending, text in (("csv", as_csv(table)), ("json", as_json(table))):
                    file = f"{stem(name, moment)}.{ending}"
                    app.deliver_text(StringIO(text), save_filename=file)
                app.say(f"{plural(len(table) - 1, 'row')} go to the browser, as CSV and JSON.")
                return
            try:
                path, number = await export(rows, name, moment)
            except OSError as error:
                app.say(f"Nothing was written: {error.strerror or error}.", severity="error")
            else:
                app.say(f"{plural(number, 'row')} in {path} and .json beside it.")

        self.run_worker(run(), name="export", exit_on_error=True)

    # -- the filter --------------------------------------------------------------------------

    def action_filter(self) -> None:
        box = self.query_one("#filter", FilterInput)
        box.display = True
        self.query_one("#footer").display = False
        box.value = self.words
        self.set_focus(box)  # at once: the next key is meant for it

    def action_clear(self) -> None:
        self.filter_by("")

    def filter_by(self, words: str) -> None:
        """Show rows with these words."""
        self.words = words.strip()
        self.refresh_frame()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self.filter_by(event.value)

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        if not event.keep:
            self.filter_by("")
        self.query_one("#filter").display = False
        self.focus_rows()
        self.refresh_frame()

    def focus_rows(self) -> None:
        """Give the keys back to the rows after typing."""
        if self.AUTO_FOCUS:
            self.query_one(self.AUTO_FOCUS).focus()
