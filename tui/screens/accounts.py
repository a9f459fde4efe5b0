"""Keys of the control plane in a table; below, budgets, tenants and queues as far as there are any.

Keys are asked for when they change, every few seconds while this page is shown, and by admins only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from nexus.domain.access import Role as Access
from nexus.domain.audit import AuditEntry
from nexus.domain.keys import Keyring, KeySeen
from nexus.errors import NexusError
from tui.commands import EVERYWHERE, FILTER_ACTIONS, OPEN, Action
from tui.render.accounts import account_lines
from tui.render.cells import Line
from tui.render.keys import ROLE_NOTES, KeysView, no_keys, title
from tui.render.layout import FRAME, HEAD
from tui.screens.base import dashboard
from tui.screens.dialogs.key import MakeKey, RevokeKey
from tui.screens.keys import KeyDetail, Secret
from tui.screens.page import Page
from tui.state import Link
from tui.views import Frame
from tui.widgets.live_table import LiveTable
from tui.widgets.text_lines import TextLines

EVERY_S = 5.0
"""Between two questions for the keys: when they were used last moves."""
LEAST = HEAD + 3
"""Lines of the table, however little room there is."""

KEY_ACTIONS = (
    Action("new_key", "n,plus", "new key", "Make a key for the control plane; it is shown once.",
           True, role=Access.ADMIN),
    Action("revoke", "x,delete", "revoke", "Take the key under the cursor away; asks for its name.",
           True, role=Access.ADMIN),
)  # fmt: skip
ACTIONS = (OPEN, *KEY_ACTIONS, *FILTER_ACTIONS, *EVERYWHERE)
OF_ROWS = ("open", "revoke", "filter")
"""What needs a row."""


class AccountsPage(Page):
    """Keys above, the rest below in lines."""

    NAME = "accounts"
    ACTIONS = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = "#keys"
    NOTES: ClassVar[tuple[Line, ...]] = ROLE_NOTES

    def __init__(self) -> None:
        super().__init__()
        self._view = KeysView()
        self._ring: Keyring | None = None
        self._trouble = ""
        """Why the keys cannot be read."""
        self._asked_at: float | None = None
        self._asking = False
        self._made = ""
        """The key that was made here, until the cursor is on it."""
        self._known: tuple[AuditEntry, ...] = ()
        """Changes that were told when the keys were asked for."""

    def panes(self) -> Iterable[Widget]:
        table = LiveTable(id="keys")
        table.display = False
        yield table
        yield TextLines(id="sums", classes="pane")

    def small(self, small: bool) -> None:
        super().small(small)
        self._table.display = not small and bool(self._ring and self._ring.keys)

    @property
    def _table(self) -> LiveTable:
        return self.query_one("#keys", LiveTable)

    @property
    def _chosen(self) -> KeySeen | None:
        return self._view.key(self._table.cursor)

    def footer_actions(self, frame: Frame) -> list[Action]:
        found = super().footer_actions(frame)
        if self._view.keys or self.words:
            return found
        return [action for action in found if action.name not in OF_ROWS]

    # -- one frame ---------------------------------------------------------------------------

    def paint(self, frame: Frame) -> None:
        app = dashboard(self)
        self._ask(frame)
        ring = self._ring if app.role.may(Access.ADMIN) else None
        trouble = self._trouble
        if not trouble and frame.state.link is Link.LOST:
            trouble = frame.state.link_detail or "the connection is lost"
        table, below = self._table, self.query_one("#sums", TextLines)
        lines = account_lines(frame.state, app.role, frame.now, frame.utc_offset_s)
        if ring is None or not ring.keys:
            self._view.update(Keyring(), "", frame.now)
            table.display = False
            below.styles.height = self.size.height - FRAME
            below.show((*no_keys(ring, app.role, trouble if ring is None else ""), *lines))
            return
        room = self.size.height - FRAME
        if len(ring.keys) + HEAD + len(lines) > room:
            lines = tuple(each for each in lines if each)  # rows are worth more than air
        height = max(LEAST, min(len(ring.keys) + HEAD, room - len(lines)))
        if table.styles.height is None or table.styles.height.value != height:
            table.styles.height, below.styles.height = height, max(0, room - height)
            self.call_after_refresh(self.refresh_frame)  # which rows are in sight is known then
        if not table.display:
            table.display = True
            if self.focused is None:
                table.focus()
        self._view.update(ring, self.words, frame.now)
        if self._made in self._view.keys:
            table.show(self._view, ())
            table.go(self._view.keys.index(self._made))
            self._made = ""
        self.show_rows(table, self._view, title(ring, len(self._view.keys), self.words, trouble))
        below.show(lines)

    def _ask(self, frame: Frame) -> None:
        app = dashboard(self)
        state, now = app.state, app.now
        if self._asking or state.link is not Link.LIVE or not app.role.may(Access.ADMIN):
            return
        fresh = self._asked_at is not None and abs(now - self._asked_at) < EVERY_S
        if fresh and self._known == state.changes:
            return
        self._asking, self._asked_at, self._known = True, now, state.changes
        self.run_worker(self._read(), name="keys", exit_on_error=True)

    async def _read(self) -> None:
        before = (self._ring, self._trouble)
        try:
            self._ring, self._trouble = await dashboard(self).source.keys(), ""
        except NexusError as error:
            self._trouble = error.message
        self._asking = False
        if before != (self._ring, self._trouble):
            self.call_later(self.refresh_frame)

    # -- keys --------------------------------------------------------------------------------

    def focus_rows(self) -> None:
        if self._table.display:
            super().focus_rows()
        else:
            self.set_focus(None)

    def action_new_key(self) -> None:
        app = dashboard(self)
        dialog = MakeKey(app.source)

        def answered(yes: bool | None) -> None:
            self._again()
            if dialog.made is not None:
                self._made = dialog.made.name
                app.push_screen(Secret(dialog.made, app.source.info.url))

        app.push_screen(dialog, answered)

    def action_revoke(self) -> None:
        app, key = dashboard(self), self._chosen
        if key is None:
            app.say("There is no key under the cursor.", severity="warning")
        else:
            app.push_screen(RevokeKey(key, app.source), lambda yes: self._again())

    def _again(self) -> None:
        """Ask for the keys at once."""
        self._asked_at = None
        self.refresh_frame()

    def action_open(self) -> None:
        self._table.action_open()

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        if (key := self._view.key(event.key)) is not None:
            dashboard(self).push_screen(KeyDetail(key))
