"""A short list to choose from, before the page: what to copy, which level, which component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui.clean import clean
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.screens.over import Over
from tui.widgets.text_lines import TextLines


@dataclass(frozen=True, slots=True)
class Option:
    """One line of the list."""

    value: str
    label: str
    """May be hostile: it is cleaned when painted."""
    key: str = ""
    """A letter that chooses it at once; never for what changes something."""
    hint: str = ""


class Choose(Over[str | None]):
    """Answers with the value chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "answer(None)", "no"),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("home", "move(-999)", "first", show=False),
        Binding("end", "move(999)", "last", show=False),
        Binding("enter,space", "take", "choose"),
    ]

    def __init__(self, title: str, options: Sequence[Option], at: str = "") -> None:
        """`at`: the value the cursor begins on."""
        super().__init__()
        self._title = title
        self._options = tuple(options)
        self._label = min(22, max((len(clean(each.label)) for each in options), default=0))
        self._at = next((n for n, each in enumerate(options) if each.value == at), 0)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield TextLines(classes="dialog-text")

    def on_mount(self) -> None:
        self._paint()

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        room = max(1, self.size.height - 8)
        top = max(0, min(self._at - room // 2, len(self._options) - room))
        rows = [self._row(n) for n in range(top, min(top + room, len(self._options)))]
        hint = line(Cell("↑↓ choose   enter takes it   esc cancel", Role.FAINT))
        text = self.query_one(".dialog-text", TextLines)
        lines: tuple[Line, ...] = (line(Cell(self._title, Role.STRONG)), BLANK, *rows, BLANK, hint)
        text.styles.height = len(lines)
        text.show(lines)

    def _row(self, number: int) -> Line:
        option = self._options[number]
        here = number == self._at
        return line(
            Cell("▌ " if here else "  ", Role.ACCENT),
            Cell(f"{option.key or ' '}  ", Role.ACCENT),
            Cell(f"{option.label:<{self._label}}", Role.STRONG if here else Role.TEXT),
            Cell(f"  {option.hint}", Role.DIM),
        )

    def on_key(self, event: events.Key) -> None:
        for option in self._options:
            if option.key and event.character == option.key:
                event.stop()
                self.dismiss(option.value)
                return

    def action_move(self, by: int) -> None:
        self._at = max(0, min(self._at + by, len(self._options) - 1))
        self._paint()

    def action_take(self) -> None:
        self.dismiss(self._options[self._at].value if self._options else None)

    def action_answer(self, answer: None) -> None:
        self.dismiss(answer)
