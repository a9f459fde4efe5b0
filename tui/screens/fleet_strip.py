"""The strip that says what needs a look, and which backend `!` leads to next."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence

from nexus.domain.backend import BackendId
from tui.render.attention import Note, attention, keys_of
from tui.render.cells import BLANK, Cell, Role, line
from tui.state import EMPTY
from tui.views import Frame
from tui.widgets.text_lines import Bar
from tui.window import Rates, rates

LINES = 3
"""Of the strip, at most."""
SMALL_FLEET = 50
"""Backends up to which every frame looks for trouble; beyond, once a second."""


class Strip:
    """Looks for trouble and shows the first of it."""

    def __init__(self) -> None:
        self.notes: tuple[Note, ...] = ()
        self._mark: tuple[object, ...] = ()

    def look(self, frame: Frame, may: Collection[str]) -> None:
        """Look again if something may have changed.

        Args:
            may: actions that this operator is offered, by name.
        """
        state = frame.state
        small = len(state.backends) <= SMALL_FLEET
        moving = (state.backends, state.windows, state.loads) if small else ()
        mark = (
            *moving, state.link, state.link_detail, state.waiting, state.breaches, state.slow,
            int(frame.now),
        )  # fmt: skip
        if mark == self._mark:
            return
        self._mark = mark

        def traffic(id: BackendId) -> Rates:
            return rates(state.windows.get(id, EMPTY), frame.now, frame.counted_from)

        self.notes = attention(state, frame.now, traffic, may)

    def ahead(self, rows: Sequence[Hashable], here: BackendId | None) -> BackendId | None:
        """The backend with trouble that comes after the one under the cursor, round and round."""
        order = [note.backend for note in self.notes if note.backend in rows]
        if not order:
            return None
        return order[(order.index(here) + 1) % len(order) if here in order else 0]

    def show(
        self,
        bars: Iterable[Bar],
        height: int,
        here: BackendId | None,
        ahead: BackendId | None,
        *,
        focused: bool,
    ) -> None:
        """Paint as many notes as there are lines.

        Args:
            here: the backend under the cursor.
            ahead: where `!` leads.
            focused: the keys go to the backends.
        """
        for number, bar in enumerate(bars):
            if number >= height:
                break
            if number < len(self.notes):
                note = self.notes[number]
                hidden = max(0, len(self.notes) - height) if number == height - 1 else 0
                at_it = focused and note.backend == here
                keys = keys_of(note, hidden, here=at_it, next=note.backend == ahead)
                bar.show_between((Cell(" "), *note.text), keys)
            else:
                quiet = line(Cell(" ✓ nothing needs a look", Role.FAINT))
                bar.show_parts(quiet if not self.notes and not number else BLANK, BLANK)
