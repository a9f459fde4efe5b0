"""The dashboard: folds updates as they come, shows the latest state a few times a second.

It knows the gateway only as a `FleetSource`. It runs in the gateway's own event loop, so nothing
here may take long: updates are folded in slices, and a frame paints only what changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual.app import App
from textual.driver import Driver
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.widgets import Input

from nexus.domain.access import Role as Access
from nexus.domain.backend import Backend, BackendId
from nexus.domain.events import Update, ZoneBreached
from nexus.domain.gateway import FleetSource
from nexus.errors import NexusError
from tui.ahead import Ahead
from tui.clean import clean
from tui.clipboard import Way, copy
from tui.commands import Action, NexusCommands
from tui.export import save_picture
from tui.film import Film
from tui.leave import Leave
from tui.render.about import checked
from tui.render.cells import Cell, line
from tui.render.drain import impact
from tui.render.empty import waiting_lines
from tui.render.numbers import plural
from tui.render.pages import PAGES
from tui.screens import page_type
from tui.screens.dialogs.add import Add
from tui.screens.dialogs.dialog import Dialog
from tui.screens.dialogs.drain import Drain
from tui.screens.dialogs.edit import Edit
from tui.screens.dialogs.remove import Remove
from tui.screens.drains import DrainWatch
from tui.screens.levers import choose
from tui.screens.modal import Confirm, Reader
from tui.screens.page import Page
from tui.screens.shown import ShownText
from tui.screens.slow_watch import SlowWatch
from tui.seed import Seed
from tui.state import DashboardState, Link, lost
from tui.stylesheet import SteadyStylesheet
from tui.theme import THEMES
from tui.tour import SHOWN_S, Tour
from tui.views import Frame
from tui.window import rates

if TYPE_CHECKING:
    from tui.screens.backend import BackendPage
    from tui.screens.models import ModelsPage
    from tui.screens.requests import RequestsPage

FRAMES_PER_S = 5
BUSY_RPS = 50.0
"""Requests a second from which on there are half as many."""
STEP_S = 0.02
"""Between two steps of a frame, seconds: the first is on the screen by then."""
WARM_S = 0.25
"""Rest between two pages whose code is loaded, seconds: the gateway comes first."""
RESULT_S = 0.1
"""From the end of a check until its update should be here, seconds."""
SHORTLY_S = 0.005
"""From a page being asked for until it is painted, at least, seconds: it is laid out meanwhile."""
SLICE = 64
"""Updates folded before the gateway gets the loop again: about a millisecond."""
_OVER = object()


def _page(name: str) -> Page:
    """A page that nobody has seen yet."""
    return page_type(name)()


class NexusDashboard(App[Leave]):
    """One source on one terminal. Leaves with a `Leave`."""

    CSS_PATH = "styles/nexus.tcss"
    COMMANDS: ClassVar[set[type[NexusCommands]]] = {NexusCommands}  # pyright: ignore[reportIncompatibleVariableOverride]
    TITLE = "Nexus"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {  # pyright: ignore[reportIncompatibleVariableOverride]
        name: partial(_page, name) for name in PAGES
    }
    DEFAULT_MODE = PAGES[0]

    def __init__(
        self,
        source: FleetSource,
        *,
        clock: Callable[[], float] = time.time,
        utc_offset_s: int | None = None,
        no_color: bool = False,
        attached: bool = False,
        driver_class: type[Driver] | None = None,
    ) -> None:
        """Show `source`; `clock` gives Unix seconds; `no_color` paints with attributes only.

        With `attached`, the gateway is elsewhere and goes on when the dashboard ends.
        """
        super().__init__(driver_class=driver_class, ansi_color=True if no_color else None)
        self.source = source
        """Where facts come from and wishes go."""
        self._clock = clock
        self._attached = attached
        self._offset = time.localtime().tm_gmtoff if utc_offset_s is None else utc_offset_s
        self._shown: tuple[DashboardState, int] | None = None
        self._beats = 0
        self._steps: Iterator[None] | None = None
        """What is left of the frame that is being painted."""
        self.film = Film()
        """What was shown of late, and whether it is stopped there."""
        self.state = DashboardState()
        """The latest; frames show it."""
        self._drains = DrainWatch()
        self._slow = SlowWatch()
        self.up = asyncio.Event()
        """Set once the first frame stands."""
        self.told = asyncio.Event()
        """Set once the source has told something: it stands too."""
        self.restore_loop: Callable[[], None] = lambda: None
        """Undoes what Textual does to the loop it shares with the gateway."""
        self.failure: BaseException | None = None
        """What ended the dashboard, if it failed."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "nexus-mono" if no_color else "nexus-dark"
        self.set_class(no_color, "-mono")
        self._ahead = Ahead(self, self._typed)
        self._tour: Tour | None = None
        self.stylesheet = SteadyStylesheet(self.get_css_variables())

    @property
    def role(self) -> Access:
        """What this operator may do."""
        return self.source.role

    @property
    def page_actions(self) -> tuple[Action, ...]:
        """What can be done on the page that is shown, by this operator."""
        page = next((s for s in reversed(self.screen_stack) if isinstance(s, Page)), None)
        return tuple(a for a in page.ACTIONS if self.role.may(a.role)) if page else ()

    def delay_update(self, delay: float = 0.05) -> None:
        """Paint another page as soon as it is laid out; Textual would wait 50 ms for any page."""
        super().delay_update(SHORTLY_S)

    def _load_screen_css(self, screen: Screen[Any]) -> None:
        """Take a new screen. Its widgets find their styles as they are made.

        Textual believes that they do not, and finds the styles of the page before it again, twice
        at the first visit and once at the second: most of what these cost.
        """
        super()._load_screen_css(screen)  # pyright: ignore[reportUnknownMemberType]
        screen._css_update_count = self._css_update_count  # pyright: ignore[reportPrivateUsage]

    def go(self, name: str) -> Page:
        """Show a page, with its cursor and filter as they were left."""
        if self.current_mode != name:
            self.switch_mode(name)
        return cast(Page, self.screen_stack[0])

    async def warm(self) -> None:
        """Load the other pages' code, one after another, beside the loop.

        The pages themselves are made when somebody goes there: one that is made meanwhile would be
        gone to half made.
        """
        for name in PAGES:
            await asyncio.to_thread(page_type, name)
            await asyncio.sleep(WARM_S)

    @property
    def driver_left(self) -> bool:
        """True when the driver gave the terminal back, or never took it."""
        return not getattr(self._driver, "has_terminal", False)

    def on_load(self) -> None:
        # Textual has just installed an eager task factory, which would also start the gateway's
        # tasks in another order than without a dashboard (Python 3.12).
        self.restore_loop()

    async def _typed(self, event: Key | Paste) -> None:
        """What Textual does with a key, unless the hints of the first time take it."""
        reading = isinstance(self.screen, Page) and not isinstance(self.focused, Input)
        if self._tour and reading and isinstance(event, Key) and self._tour.typed(event.key):
            event.stop()
        else:
            await super().on_event(event)

    async def on_event(self, event: Event) -> None:
        """Keys one after another; all else as Textual does it."""
        if isinstance(event, (Key, Paste)) and not event.is_forwarded:
            await self._ahead.typed(event)
        else:
            await super().on_event(event)

    def _handle_exception(self, error: Exception) -> None:
        self.failure = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Leave without printing: the terminal may show a log by then, and locals are foreign."""
        self._close_messages_no_wait()

    def on_mount(self) -> None:
        few = self.console.color_system == "standard"  # sixteen: `screen`, `xterm` over SSH
        if few and not self.is_headless and self.theme != "nexus-mono":
            self.theme = "nexus-ansi"
        self.run_worker(self._pump(), name="pump", exit_on_error=True)
        self.set_interval(1 / FRAMES_PER_S, self._begin_frame)
        self.call_after_refresh(self.up.set)

    # -- updates in, frames out --------------------------------------------------------------

    async def _pump(self) -> None:
        """Fold every update; let the loop breathe between slices; tell when the source is gone."""
        updates: AsyncIterator[Update] = self.source.updates()
        seed = Seed()
        folded = 0
        try:
            async for update in updates:
                self.state = seed.fold(self.state, update)
                if not folded:
                    self.told.set()
                    self.run_worker(self._sow(seed), name="seed", exit_on_error=True)
                if isinstance(update, ZoneBreached):  # an alarm, whatever is on the screen
                    self.say(update.detail, severity="error")
                folded += 1
                if folded % SLICE == 0:
                    await asyncio.sleep(0)
        except NexusError as error:
            self.say(error.message, severity="error")
        self.state = lost(self.state, self._clock())

    async def _sow(self, seed: Seed) -> None:
        """Begin with the requests that ended before this dashboard looked."""
        began = self._clock()
        await self.up.wait()  # the first paint comes before
        try:
            past = await seed.past(await self.source.lately(), self.state)
        except NexusError:  # an older gateway does not tell
            past = None
        if past is None:
            self.state = seed.fails(self.state, began)
        else:
            self.state = seed.planted(self.state, past)

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    @property
    def frame(self) -> Frame:
        """The state of this moment, of the last that was heard, or of the one looked back at."""
        at, state = self.film.held or (self._clock(), self.state)
        if state.lost_at is not None and state.backends:
            at = min(at, state.lost_at)  # nothing slides on as if traffic had stopped
        return Frame(state, at, self.source.info.started_at, self._offset)

    def show_latest(self) -> None:
        """Paint if there is something new, and the terminal keeps up."""
        self._steps = None
        for _ in self._frame_steps():
            pass

    def _begin_frame(self) -> None:
        """The same in steps: while one is painted, requests wait, so none is to take long.

        Beside much traffic every second frame is left out: numbers that change with each one cannot
        be read anyway, and painting them would be felt by one request in a hundred.
        """
        self._beats += 1
        busy = rates(self.state.total, self._clock()).requests_per_s > BUSY_RPS
        if busy and self._beats % 2:
            return
        self._steps = self._frame_steps()
        self._go_on(self._steps)

    def _go_on(self, steps: Iterator[None]) -> None:
        if steps is self._steps and next(steps, _OVER) is not _OVER:
            self.set_timer(STEP_S, partial(self._go_on, steps))

    def _frame_steps(self) -> Iterator[None]:
        for text in self._drains.look(self.state, self._clock()):
            self.say(text)
        self.state = self._slow.look(self.state, self._clock())
        if getattr(self._driver, "backlog", 0):
            return
        if self.state.link is not Link.WAITING:  # looking back ends where there was something
            self.film.record(self._clock(), self.state)
        frame = self.frame
        # Ages and rates move by the second even when no event comes.
        mark = (frame.state, int(frame.now))
        if self._shown is not None and self._shown[0] is mark[0] and self._shown[1] == mark[1]:
            return
        self._shown = mark
        screen = self.screen
        # One that is just being made has not all its widgets yet; it shows itself once it has.
        if isinstance(screen, Page) and screen.is_mounted:
            for _ in screen.steps(frame):
                yield
                if self.screen is not screen or not screen.is_mounted:
                    return
        elif isinstance(screen, (Reader, Dialog)) and screen.is_mounted:
            screen.show_frame(frame)

    def repaint(self) -> None:
        """Show the state again at the next frame, changed or not."""
        self._shown = None

    # -- wishes of the operator --------------------------------------------------------------

    def act(self, action: Action, backend_id: BackendId) -> None:
        """Do what `action` says to a backend, asking first where work is at stake."""
        backend = self.state.backends.get(backend_id)
        if backend is None:
            self.say("That backend has left the fleet.", severity="warning")
            return
        name = backend.name
        if action.applies is not None and not action.applies(backend):
            what = "is draining already" if action.name == "drain" else "is not draining"
            self.say(f"{name} {what}.", severity="warning")
        elif not self.role.may(action.role):
            self.say(f"Your role, {self.role}, may not do that.", severity="warning")
        elif action.name == "drain":
            what = impact(self.state, backend_id)
            self.push_screen(Drain(backend, what, self.source))
        elif action.name == "undrain":
            self.do(lambda: self.source.undrain(backend_id), f"{name} takes new work again.")
        elif action.name == "edit":
            self.push_screen(Edit(backend, self.source))
        elif action.name == "remove":
            self.push_screen(Remove(backend, self.source))
        else:
            self._check(backend)

    def _check(self, backend: Backend) -> None:
        """Ask a backend for its health, and say what it was."""

        async def wish() -> None:
            await self.source.check(backend.id)
            await asyncio.sleep(RESULT_S)  # what came of it is an update like any other

        def done() -> str:
            return checked(backend.name, backend, self.state.backends.get(backend.id))

        self.do(wish, done)

    def show_backend(self, backend_id: BackendId) -> None:
        """Go to the page about that backend."""
        if backend_id not in self.state.backends:
            self.say("That backend has left the fleet.", severity="warning")
            return
        cast("BackendPage", self.go("backend")).pick(backend_id)

    def add_backend(self) -> None:
        """Ask for a backend's URL."""
        self.push_screen(Add(self.source))

    def approve(self) -> None:
        """Ask about the server that waits longest."""
        if not self.state.waiting:
            self.say("No server waits for approval.")
        else:
            self.ask_about(next(iter(self.state.waiting)))

    def ask_about(self, server_id: BackendId) -> None:
        """Show what is known of a server that waits, and ask whether to use it."""
        server = self.state.waiting.get(server_id)
        if server is None:
            self.say("That server does not wait any more.", severity="warning")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                name = server.name
                self.do(lambda: self.source.approve(server_id), f"{name} is a backend now.")

        self.push_screen(Confirm("Use this server?", waiting_lines(server), "Use it"), answered)

    def choose_model(self, what: str) -> None:
        """Ask which model to `load`, `unload` or `migrate`, and where."""
        choose(self, what)

    def dismiss(self, server_id: BackendId) -> None:
        """Do not ask about a server that waits again."""
        self.do(lambda: self.source.dismiss(server_id), "Dismissed.")

    def rescan(self) -> None:
        """Look for servers again."""
        self.say("Looking at the well-known ports.")
        self.do(self.source.scan, "Scan finished.")

    def show_request(self, request_id: str) -> None:
        """Show a request's story."""
        cast("RequestsPage", self.go("requests")).show_request(request_id)

    def show_model(self, name: str, on: BackendId | None = None) -> None:
        """Show a model's row, with the cell cursor on its copy `on` that backend."""
        page = cast("ModelsPage", self.go("models"))
        if on is not None:
            page.choose(on)
        page.filter_by(name)

    def copy_to_clipboard(self, text: str) -> None:
        """What Textual copies: a selection."""
        self.copy(text, "The selection")

    def copy(self, text: str, what: str) -> None:
        """Put `text` on the operator's clipboard and say which way it went."""
        self._clipboard = text

        def write(sequence: str) -> None:
            if self._driver is not None:
                self._driver.write(sequence)

        async def run() -> None:
            # In a browser, tmux and terminal are those of another machine.
            way = Way.SHOWN if self.is_web else await copy(text, write)
            if way is Way.SHOWN:
                self.push_screen(ShownText(what, text))
            else:
                self.say(f"{what} was copied {way.value}.")

        self.run_worker(run(), name="copy", exit_on_error=True)

    def do(self, wish: Callable[[], Awaitable[object]], done: str | Callable[[], str]) -> None:
        """Carry out a wish beside the screen; say `done`, or the sentence of what stopped it."""

        async def run() -> None:
            try:
                await wish()
            except NexusError as error:
                self.say(error.message, severity="error")
            else:
                self.say(done if isinstance(done, str) else done())

        self.run_worker(run(), name="wish", exit_on_error=True)

    def say(
        self, text: str, *, severity: Literal["information", "warning", "error"] = "information"
    ) -> None:
        """A short message in the corner. Cleaned, and never markup."""
        self.notify(clean(text), severity=severity, markup=False, timeout=4)

    def ask_to_leave(self) -> None:
        """Leave at once when nothing runs, or the gateway is elsewhere; else ask."""
        pending = self.state.in_flight
        if not pending or self._attached:
            self.exit(Leave.STOP)
            return
        if isinstance(self.screen, Confirm):
            return
        text = (
            line(Cell(f"{plural(pending, 'request')} in flight may finish first.")),
            line(Cell("New ones are refused from now on.")),
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit(Leave.STOP)

        self.push_screen(Confirm("Stop Nexus?", text, "Stop"), answered)

    async def action_quit(self) -> None:
        self.ask_to_leave()

    def action_help_quit(self) -> None:
        self.ask_to_leave()

    def action_suspend_process(self) -> None:
        """Ctrl+Z would stop the gateway too: it does nothing."""

    def pause(self) -> None:
        """Stop the film at this moment, or let it run again. The gateway goes on either way."""
        if self.film.held is None:
            self.film.stop(self._clock(), self.state)
        else:
            self.film.run()
        self.refresh_frame()

    def scrub(self, frames: int) -> None:
        """Look back, or forward again; stops the film where it runs."""
        if self.film.held is None:
            if frames > 0:
                return
            self.film.stop(self._clock(), self.state)
        if not self.film.step(frames):
            self.say("The film begins here." if frames < 0 else "This is the newest frame.")
        self.refresh_frame()

    def refresh_frame(self) -> None:
        """Show the frame now."""
        self.repaint()
        self.show_latest()

    def save_picture(self) -> None:
        """Write what is on the screen as SVG into the current directory."""
        if any(getattr(screen, "SECRET", False) for screen in self.screen_stack):
            self.say("No picture is taken of a key.", severity="warning")
            return
        moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self._clock() + self._offset))
        svg = self.export_screenshot()
        if self.is_web:  # the file belongs where the browser is
            self.deliver_text(StringIO(svg), save_filename=f"nexus-{moment}.svg")
            return
        try:
            path = save_picture(svg, moment)
        except OSError as error:
            self.say(f"The picture was not saved: {error.strerror or error}.", severity="error")
        else:
            self.say(f"Saved as {path}.")

    def tour(self, seconds: float = SHOWN_S) -> None:
        """Three hints, one after another; enter goes on, escape ends them."""

        def show(title: str, text: str) -> None:
            self.notify(text, title=title, markup=False, timeout=seconds)

        self._tour = Tour(show, self.clear_notifications)
        self.run_worker(self._tour.run(seconds), name="tour", exit_on_error=True)

    def change_theme(self) -> None:
        """Dark to light and back; without colour there is one look only."""
        self.use_theme("nexus-light" if self.theme == "nexus-dark" else "nexus-dark")

    def use_theme(self, name: str) -> None:
        """Any look by its name, but for terminals that asked for no colour."""
        if self.theme != "nexus-mono":
            self.theme = name
            self.repaint()
