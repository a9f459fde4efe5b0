"""Requests that run and those that ended, and the full story of one.

What is heard of goes into the list at once; the past is asked for page by page when its end comes
into sight, beside the frames. The story follows the cursor, one question to the gateway at a time.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.widget import Widget

from nexus.domain.access import Role as Access
from nexus.domain.gateway import Json
from nexus.errors import NexusError, NotFound
from tui.clean import clean
from tui.clean import width as columns_of
from tui.clipboard import curl
from tui.commands import EVERYWHERE, EXPORT, FILTER_ACTIONS, Action
from tui.render import again, story
from tui.render.asked import Request, became, of_past, zones_by_name
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.detail import INDENT
from tui.render.facts import child, text
from tui.render.numbers import clock, count, millis, plural
from tui.render.query import FIELDS, NUMBERS, USAGES, Query, parse
from tui.render.requests import COLUMNS, NARROW, WIDE, RequestsView
from tui.render.titles import PAST, footer
from tui.screens.base import dashboard
from tui.screens.choose import Choose, Option
from tui.screens.modal import Confirm
from tui.screens.page import Page
from tui.state import Link
from tui.views import Frame
from tui.widgets.live_feed import LiveFeed
from tui.widgets.live_table import LiveTable
from tui.widgets.paint import GUTTER
from tui.widgets.reading_pane import ReadingPane
from tui.widgets.text_lines import TextLines

PAGE = 100
"""Requests asked for at once."""
BARREN = 10
"""Pages without a match before the search waits for a key."""
POLL_S = 2
"""Between two questions where only the gateway knows what matches."""
STORIES = 64
"""Accounts kept."""
AGAIN_S = 2
"""Before an account that was not final is read again."""
ROOMY = (100, 30)
"""From this size list and story stand together."""

ACTIONS = (
    Action("open", "enter", "story", "Show the request's story; again: on the whole page.", True),
    Action("follow", "f", "follow", "Stay at the newest request.", True),
    Action("faults", "exclamation_mark", "faults", "Show only what failed, or everything again.",
           True),
    FILTER_ACTIONS[0],
    Action("copy", "y", "copy", "Copy the request's id, a curl command or its story.", True),
    Action("again", "w", "decide again",
           "What would be done with the same request now, beside what was done then."),
    Action("backend", "b", "backend", "Go to the request's backend.", True),
    Action("model", "m", "model", "Go to the request's model."),
    Action("cancel", "K", "cancel", "End a request that runs; asks first.", True,
           role=Access.OPERATOR),
    Action("clear", "escape", "back", "Close the story; then show every row again.",
           palette=False),
    EXPORT,
    *EVERYWHERE,
)  # fmt: skip


OF_STORY = ("clear", "copy", "again", "backend", "model", "cancel", "help", "leave")
"""What the footer names, in order, while a story has the whole page."""

_FILTER = (
    *FIELDS.items(),
    (">2s  ttft<500ms", f"compares {', '.join(NUMBERS)}"),
    ("!status:ok", "hides what it would show"),
)
NOTES = (
    line(Cell("The filter", Role.STRONG)),
    *(
        line(Cell(f"{name + ':' * name.isalpha():<19}", Role.ACCENT), said)
        for name, said in _FILTER
    ),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the gateway said about one request."""

    facts: Json | None
    """None where it said no."""
    said: str
    """Why not."""
    at: float
    """Unix seconds of the answer."""
    final: bool
    """False for what runs, and for what may be answered another time."""


class RequestsPage(Page):
    """The list above, the story below; or the story alone where room is short."""

    NAME = "requests"
    ACTIONS = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    NOTES = NOTES
    AUTO_FOCUS = "#requests"

    def __init__(self) -> None:
        super().__init__()
        self._view = RequestsView()
        self._faults = False
        self._open = ""
        """`pane`, `full`, or empty while no story is shown."""
        self._pinned: Request | None = None
        """Shown though it may not be in the list."""
        self._told: OrderedDict[str, Told] = OrderedDict()
        self._reading = ""
        """Id of the account under way."""
        self._again: tuple[str, Told] | None = None
        """A request that was decided again, and what came of it."""
        self._fetching = False
        self._barren = 0
        self._trouble = ""
        """Why the past cannot be read."""
        self._polled_at = 0.0

    def panes(self) -> Iterable[Widget]:
        yield LiveFeed(id="requests")
        yield ReadingPane(id="story", indent=INDENT)
        yield TextLines(id="hint")

    def on_mount(self) -> None:
        self.query_one("#hint").display = False

    def small(self, small: bool) -> None:
        if not small:
            self._arrange()
            return
        for name in ("requests", "story", "hint"):
            self.query_one(f"#{name}").display = False

    @property
    def _table(self) -> LiveFeed:
        return self.query_one("#requests", LiveFeed)

    @property
    def _pane(self) -> ReadingPane:
        return self.query_one("#story", ReadingPane)

    # -- one frame ---------------------------------------------------------------------------

    def paint(self, frame: Frame) -> None:
        self._arrange()
        query = self._query
        if query.text != self._view.query.text:
            self._table.following = True  # other rows: begin at their first
        self._view.filter(query)
        room = self._table.room
        self._view.columns = COLUMNS if self.size.width >= WIDE else NARROW
        self._view.update(
            frame.state,
            frame.now,
            frame.utc_offset_s,
            max(3, room // 2),
            held=not self._table.following,
        )
        self.show_rows(self._table, self._view, self._title(frame))
        self._show_hint(query)
        self._show_story(frame)
        self._look_further(frame)

    def footer_left(self, frame: Frame) -> Line:
        if self._open != "full":
            return super().footer_left(frame)
        named = {each.name: each for each in self.ACTIONS if self._offered(each)}
        keys = [named[name] for name in OF_STORY if name in named]
        return footer(keys, "", self.size.width)

    def _arrange(self) -> None:
        if self._open == "pane" and not self._roomy:
            self._open = "full"
        full = self._open == "full"
        table, pane = self._table, self._pane
        hidden = table.has_focus and full
        table.display, pane.display = not full, bool(self._open)
        pane.styles.height = "1fr" if full else max(10, self.size.height * 9 // 20)
        if hidden:
            pane.focus()

    @property
    def _roomy(self) -> bool:
        return self.size.width >= ROOMY[0] and self.size.height >= ROOMY[1]

    @property
    def _query(self) -> Query:
        words = f"{self.words} status:err" if self._faults else self.words
        return self._view.query if words.strip() == self._view.query.text else parse(words)

    def _title(self, frame: Frame) -> Line:
        view, table = self._view, self._table
        pieces: list[Cell | str] = [Cell("Requests")]
        running = len(view.running)
        if running:
            pieces += ["  ", Cell(f"▶ {count(running)} running", Role.ACCENT)]
            if view.hidden_running:
                shown = running - view.hidden_running
                pieces.append(Cell(f", the oldest {shown} shown (/status:running)", Role.WARN))
        if self._faults:
            pieces += ["   ", Cell("! faults only", Role.WARN)]
        if self.words:
            found = plural(len(view.keys), "row")
            pieces += ["   ", Cell(f"filter {self.words}: {found}", Role.WARN)]
        if dashboard(self).film.held:
            pieces += ["   ", Cell(PAST, Role.WARN)]
        elif table.following:
            pieces += ["   ", Cell("live", Role.OK)]
        else:
            newer = f", {count(view.newer)} newer" if view.newer else ""
            pieces += ["   ", Cell(f"held{newer}: f follows again", Role.WARN)]
        pieces += self._past(frame)
        return line(*pieces)

    def _past(self, frame: Frame) -> list[Cell | str]:
        if self._trouble:
            return ["   ", Cell(f"older ones: {self._trouble}", Role.WARN)]
        if self._view.full:
            return ["   ", Cell("no more rows are kept: a filter narrows them", Role.DIM)]
        if self._barren >= BARREN and not self._view.complete:
            until = self._view.until
            back = "" if until is None else f" to {clock(until, frame.utc_offset_s)}"
            return ["   ", Cell(f"searched back{back}; ↓ goes on", Role.DIM)]
        return ["   ", Cell("◐ reading older ones", Role.INFO)] if self._fetching else []

    def _show_hint(self, query: Query) -> None:
        hint = self.query_one("#hint", TextLines)
        typing = bool(self.query_one("#filter").display)
        empty = not self._view.keys and not self._fetching
        if query.hints:
            text = line(Cell(f" ! {'; '.join(query.hints)}", Role.WARN))
        elif typing:
            usage = next((each for each in USAGES if len(each) + 2 <= self.size.width), USAGES[-1])
            text = line(Cell(f" {usage}", Role.FAINT))
        elif empty:
            said = "No request yet: they appear here as clients ask."
            if query.text:
                said = "Nothing matches; esc shows every request."
            text = line(Cell(f" {said}", Role.DIM))
        else:
            text = BLANK
        hint.display = bool(text)
        hint.show((text,))

    # -- the past ----------------------------------------------------------------------------

    def _look_further(self, frame: Frame) -> None:
        """Ask for what is not known here, when it would be seen."""
        query, view, table = self._view.query, self._view, self._table
        if frame.state.link is Link.WAITING or self._fetching:
            return
        if query.tenant and abs(frame.now - self._polled_at) >= POLL_S:
            self._polled_at = frame.now
            self._fetching = True
            self.run_worker(self._ask(query), name="asked", exit_on_error=True)
            return
        near = table.top + 2 * max(1, table.room) >= len(view.keys)
        if near and not view.complete and not self._trouble and self._barren < BARREN:
            self._fetching = True
            self.run_worker(self._fetch(query), name="older", exit_on_error=True)

    async def _fetch(self, query: Query) -> None:
        """One page of the past."""
        view = self._view
        until = view.until
        rows = await self._requests(query, until)
        self._fetching = False
        self.call_later(self.refresh_frame)
        if rows is None or view.query is not query:
            return
        last = len(rows) < PAGE
        fresh = view.append(rows, last=last)
        if not fresh and view.until == until:
            view.complete = True  # a source that does not go back
        self._barren = 0 if fresh else self._barren + 1

    async def _ask(self, query: Query) -> None:
        """What only the gateway can tell: the newest that match."""
        rows = await self._requests(query, None)
        self._fetching = False
        self.call_later(self.refresh_frame)
        if rows is not None and self._view.query is query:
            self._view.show_asked(rows)

    async def _requests(self, query: Query, until: float | None) -> list[Request] | None:
        app = dashboard(self)
        try:
            told = await app.source.requests(replace(query.wanted(), until=until), PAGE)
        except NexusError as error:
            self._trouble = error.message
            return None
        self._trouble = ""
        zone = zones_by_name(app.state)
        return [of_past(each, zone, query.tenant) for each in told]

    # -- the story ---------------------------------------------------------------------------

    @property
    def _subject(self) -> Request | None:
        """The request that keys are about."""
        if self._pinned is not None:
            return self._view.request(self._pinned.id) or self._pinned
        cursor = self._table.cursor
        return None if cursor is None else self._view.request(cast(str, cursor))

    def show_request(self, request_id: str) -> None:
        """Show one request's story; also one that is not in the list."""
        if not self.is_mounted:
            self.call_after_refresh(self.show_request, request_id)
            return
        self._pinned = Request(request_id, 0.0, "", "", "")
        self.words, self._faults = "", False
        self._open = "pane" if self._roomy else "full"
        self.refresh_frame()
        if self._table.look_at(request_id):
            self._pinned = None
        self.focus_rows()
        self.refresh_frame()

    def _show_story(self, frame: Frame) -> None:
        if not self._open:
            return
        request = self._subject
        if request is None:
            self._pane.show("", line(Cell("Request")), (line(Cell("None here.", Role.DIM)),))
            return
        told = self._told.get(request.id)
        known = request.asked or request.status is not None
        if told is not None and told.facts is not None:
            if not known:
                request = of_past(told.facts, zones_by_name(frame.state))
            columns, brief = self._pane.text_width_in(self.size.width), self._open != "full"
            lines = (
                *self._now(request.id, told.facts, frame, brief=brief),
                *story.story_lines(told.facts, columns, frame.now, frame.utc_offset_s, brief=brief),
            )
        elif told is not None:
            lines = story.forgotten(request, told.said, frame.now, frame.utc_offset_s)
        else:
            lines = story.loading(request, frame.now, frame.utc_offset_s)
        keys = "esc back" if self._open == "full" else "enter whole page"
        head = story.title(request, frame.now)
        # The pane itself says at the end how many lines are below.
        room = self.size.width - GUTTER - 14 - sum(columns_of(clean(cell.text)) for cell in head)
        ways = (f"   w decide again   {keys}", f"   w again   {keys}", f"   {keys}")
        title = (*head, Cell(next((each for each in ways if len(each) <= room), ""), Role.FAINT))
        self._pane.show(request.id, title, lines)
        self._read(frame, request, told)

    def _now(self, request_id: str, then: Json, frame: Frame, *, brief: bool) -> tuple[Line, ...]:
        """What would be done with it now, if that was asked."""
        if self._again is None or self._again[0] != request_id:
            return ()
        told = self._again[1]
        if told.facts is None:
            lines = again.no_again(told.said)
        else:
            lines = again.again_lines(then, told.facts, told.at, frame.utc_offset_s)
        return lines if brief else (*lines, BLANK)

    def _read(self, frame: Frame, request: Request, told: Told | None) -> None:
        """Ask for the account, unless it is here and final."""
        if self._reading or (told is not None and told.final):
            return
        ended = request.status is not None or request.id not in frame.state.running
        if told is not None and not (ended and abs(frame.now - told.at) >= AGAIN_S):
            changed = told.facts is not None and told.facts.get("status") is None
            if not (changed and request.status is not None):
                return
        self._reading = request.id
        self.run_worker(self._tell(request.id, frame.now), name="story", exit_on_error=True)

    async def _tell(self, request_id: str, now: float) -> None:
        app = dashboard(self)
        try:
            facts = await app.source.story(request_id)
            told = Told(facts, "", now, facts.get("status") is not None)
        except NotFound as error:
            told = Told(None, error.message, now, final=True)
        except NexusError as error:
            told = Told(None, error.message, now, final=False)
        self._reading = ""
        self._told[request_id] = told
        self._told.move_to_end(request_id)
        while len(self._told) > STORIES:
            self._told.popitem(last=False)
        self.call_later(self.refresh_frame)

    # -- keys --------------------------------------------------------------------------------

    def action_open(self) -> None:
        if self._subject is None:
            return
        if not self._open:
            self._open = "pane" if self._roomy else "full"
            self._table.follow(False)
        else:
            self._open = "full"
        self.refresh_frame()

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        self._pinned = None
        self.action_open()

    def on_live_table_cursor_moved(self) -> None:
        self._pinned = None
        self._barren = 0
        super().on_live_table_cursor_moved()

    def action_clear(self) -> None:
        if self._open == "full" and self._roomy and self._pinned is None:
            self._open = "pane"
        elif self._open:
            self._open = ""
        else:
            self._faults = False
            self.filter_by("")
        self._pinned = None if not self._open else self._pinned
        self.refresh_frame()
        self.focus_rows()

    def filter_by(self, words: str) -> None:
        self._barren, self._trouble, self._polled_at = 0, "", 0.0
        super().filter_by(words)

    def focus_rows(self) -> None:
        (self._pane if self._open == "full" else self._table).focus()

    def action_faults(self) -> None:
        self._faults = not self._faults
        self._barren = 0
        self.refresh_frame()

    def action_follow(self) -> None:
        self._pinned = None
        self._table.follow(True)
        self.refresh_frame()

    def action_again(self) -> None:
        """Decide the request again, or put what came of it away."""
        app, request = dashboard(self), self._subject
        if request is None:
            app.say("There is no request under the cursor.", severity="warning")
            return
        if self._again is not None and self._again[0] == request.id and self._open:
            self._again = None
            self.refresh_frame()
            return
        if not self._open:
            self.action_open()
        self.run_worker(self._decide(request.id), name="again", group="again", exclusive=True)

    async def _decide(self, request_id: str) -> None:
        app = dashboard(self)
        try:
            told = Told(await app.source.decide_again(request_id), "", app.now, final=True)
        except NexusError as error:
            told = Told(None, error.message, app.now, final=True)
        self._again = (request_id, told)
        self._pane.top = 0  # that is where it stands
        self.call_later(self.refresh_frame)

    def action_backend(self) -> None:
        app, request = dashboard(self), self._subject
        name = request.backend if request else ""
        found = [b.id for b in app.state.backends.values() if name and b.name == name]
        if found:
            app.show_backend(found[0])
        elif name:
            app.say(f"{name} has left the fleet.", severity="warning")
        else:
            app.say("It went to no backend.", severity="warning")

    def action_model(self) -> None:
        request = self._subject
        if request is None or not (request.used or request.asked):
            dashboard(self).say("It named no model.", severity="warning")
        else:
            dashboard(self).show_model(request.used or request.asked)

    def action_cancel(self) -> None:
        app, request = dashboard(self), self._subject
        if request is None or request.status is not None:
            app.say("It does not run any more.", severity="warning")
            return
        took = millis(max(0.0, app.frame.now - request.at) * 1000)
        asked = (
            line(
                Cell(became(request.asked, request.used), Role.ACCENT),
                f" on {request.backend}, for {took}.",
            ),
            line(Cell("Its client is told, its backend is let go.")),
        )

        def answered(yes: bool | None) -> None:
            if yes:
                app.do(lambda: app.source.cancel(request.id), f"{request.id} was cancelled.")

        app.push_screen(Confirm("Cancel this request?", asked, "End it"), answered)

    def action_copy(self) -> None:
        request = self._subject
        if request is None:
            dashboard(self).say("There is no request under the cursor.", severity="warning")
            return
        options = [
            Option("id", "id", "i", request.id),
            Option("curl", "as curl", "c", "model and endpoint; no key, no prompt"),
        ]
        told = self._told.get(request.id)
        if told is not None and told.facts is not None:
            options.append(Option("json", "story as JSON", "s", "needs, candidates, attempts"))
        dashboard(self).push_screen(
            Choose("Copy", options), lambda what: self._copy(what, request, told)
        )

    def _copy(self, what: str | None, request: Request, told: Told | None) -> None:
        app = dashboard(self)
        facts = told.facts if told is not None else None
        if what == "id":
            app.copy(request.id, "The id")
        elif what == "curl":
            endpoint = text(child(facts or {}, "needs"), "endpoint") or "/v1/chat/completions"
            app.copy(curl(app.source.info.url, endpoint, request.asked), "The command")
        elif what == "json" and facts is not None:
            app.copy(json.dumps(facts, indent=1, ensure_ascii=False, default=str), "The story")
