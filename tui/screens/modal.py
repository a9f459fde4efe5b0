"""What stands before the main screen: details, help, questions."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.detail import INDENT
from tui.render.wrap import wrap
from tui.screens.base import dashboard
from tui.screens.over import Over
from tui.views import Frame
from tui.widgets.text_lines import Bar, TextLines


class Reader(Over[None]):
    """A page of lines that scrolls. Subclasses give the lines of each frame."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "back"),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("pagedown,space", "scroll(10)", "page down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
        Binding("home,g", "scroll(-9999)", "top", show=False),
        Binding("end,G", "scroll(9999)", "end", show=False),
    ]
    hints = "esc back   ↑↓ scroll"
    indent = INDENT
    """Where a folded line goes on."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="page"):
            yield Bar(classes="page-title")
            yield TextLines(classes="page-body")
            yield Bar(classes="page-foot")

    def on_mount(self) -> None:
        self.show_frame(dashboard(self).frame)

    def on_resize(self) -> None:
        self.call_after_refresh(lambda: self.show_frame(dashboard(self).frame))

    def title_line(self) -> Line:
        """What the page is about."""
        raise NotImplementedError

    def body(self, frame: Frame) -> tuple[Line, ...]:
        """The page's lines now."""
        raise NotImplementedError

    def show_frame(self, frame: Frame) -> None:
        """Bring the page up to date."""
        self.query_one(".page-title", Bar).show_parts(self.title_line(), ())
        text = self.query_one(".page-body", TextLines)
        room = text.size.width or self.size.width
        lines = tuple(part for whole in self.body(frame) for part in wrap(whole, room, self.indent))
        # As tall as its text, while there is room for title, foot and margins.
        height = max(1, min(len(lines), self.size.height - 8))
        if text.styles.height is None or text.styles.height.value != height:
            text.styles.height = height
        text.show(lines)
        more = f"↓ {text.hidden_below} more" if text.hidden_below else ""
        self.query_one(".page-foot", Bar).show_parts(
            line(Cell(self.hints, Role.FAINT)), line(Cell(more, Role.WARN))
        )

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        self.query_one(".page-body", TextLines).scroll_lines(lines)
        self.show_frame(dashboard(self).frame)


class Confirm(Over[bool]):
    """A question with the harmless answer in focus. No single letter answers yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "answer(False)", "no"),
        Binding("left,right,h,l,up,down", "other", "other answer", show=False),
    ]

    def __init__(self, title: str, text: tuple[Line, ...], yes: str) -> None:
        super().__init__()
        hint = line(Cell("←→ choose   enter confirm   esc cancel", Role.FAINT))
        self._question = (line(Cell(title, Role.STRONG)), BLANK, *text, BLANK, hint)
        self._yes = yes
        """A constant word: button labels are markup."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield TextLines(classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="no", compact=True)
                yield Button(self._yes, id="yes", variant="warning", compact=True)

    def on_mount(self) -> None:
        self._paint()
        self.query_one("#no").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        text = self.query_one(".dialog-text", TextLines)
        room = text.content_size.width or 60
        lines = tuple(part for whole in self._question for part in wrap(whole, room, 2))
        text.styles.height = len(lines)
        text.show(lines)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)

    def action_other(self) -> None:
        self.focus_next()
