"""One key in full, and a new one: the only screen that ever shows a secret, and once."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from nexus.domain.keys import KeyMade, KeySeen
from tui.clean import clean
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.keys import detail_lines, secret_lines
from tui.render.wrap import wrap
from tui.screens.base import dashboard
from tui.screens.modal import Reader
from tui.views import Frame
from tui.widgets.text_lines import TextLines


class KeyDetail(Reader):
    """What is known of a key; never the key."""

    hints = "esc back"

    def __init__(self, key: KeySeen) -> None:
        super().__init__()
        self._key = key

    def title_line(self) -> Line:
        return line(Cell("Key ", Role.DIM), Cell(clean(self._key.name, 60), Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        return detail_lines(self._key, frame.now)


class Secret(ModalScreen[None]):
    """A new key. No key that is pressed by habit closes it, and no picture is taken of it."""

    SECRET: ClassVar[bool] = True
    """What stands here is in no picture of the screen."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy"),
        Binding("escape", "close", "close"),
    ]

    def __init__(self, made: KeyMade, url: str) -> None:
        super().__init__()
        self._made = made
        self._url = url

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog form"):
            yield TextLines(classes="dialog-text")

    def on_mount(self) -> None:
        self._paint()

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        made = self._made
        text = self.query_one(".dialog-text", TextLines)
        room = text.content_size.width or 60
        lines = (
            line(
                Cell("The key ", Role.TEXT),
                Cell(clean(made.name, 40), Role.STRONG),
                Cell(f" ({made.role.value})", Role.DIM),
            ),
            BLANK,
            *secret_lines(made, self._url),
            BLANK,
            line(Cell("y copy   esc close, and never see it again", Role.FAINT)),
        )
        folded = tuple(part for whole in lines for part in wrap(whole, room, 2))
        text.styles.height = len(folded)
        text.show(folded)

    def action_copy(self) -> None:
        dashboard(self).copy(self._made.key, "The key")

    def action_close(self) -> None:
        self.dismiss(None)
