"""A few words to type, checked at every key; the button works while nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from tui.drafts import Checked, Words
from tui.render.cells import Cell, Line, Role, line
from tui.render.wrap import wrap
from tui.screens.fields import Field, field_rows, offered, show_labels, typed
from tui.screens.over import Over
from tui.widgets.text_lines import TextLines


class Form(Over[dict[str, str] | None]):
    """Gives the words by field, or None when the operator turned back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        check: Callable[[Words], Checked],
        yes: str,
        note: str = "",
    ) -> None:
        """Ask.

        Args:
            check: says what is wrong with the words, by field.
            yes: a constant word for the button: labels are markup.
            note: a sentence below the title.
        """
        super().__init__()
        self._title = title
        self._fields = tuple(fields)
        self._check = check
        self._yes = yes
        self._note = note
        self._seen: set[str] = set()
        """Fields that were typed into: what is missing in others is not held against anybody."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog form"):
            yield TextLines(classes="dialog-text")
            yield from field_rows(self._fields)
            yield TextLines(id="form-keys", classes="form-said")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="no", compact=True)
                yield Button(self._yes, id="yes", variant="warning", compact=True)

    def on_mount(self) -> None:
        show_labels(self, self._fields)
        completes = "→ completes   " if any(field.choices for field in self._fields) else ""
        keys = f"tab next   {completes}enter confirm   esc cancel"
        self.query_one("#form-keys", TextLines).show((line(Cell(keys, Role.FAINT)),))
        self._fit()
        self._say()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Fold the head, and let the fields scroll in the lines that are left."""
        text = self.query_one(".dialog-text", TextLines)
        room = text.content_size.width or 60
        head: tuple[Line, ...] = (line(Cell(self._title, Role.STRONG)),)
        if self._note:
            head += wrap(line(Cell(self._note, Role.DIM)), room, 0)
        text.styles.height = len(head) + 1
        text.show(head)
        # Frame, keys and buttons take five lines.
        left = self.size.height - len(head) - 6
        self.query_one(".form-fields").styles.max_height = max(2, left)

    @property
    def words(self) -> dict[str, str]:
        """What is typed now."""
        return typed(self, self._fields)

    def _say(self) -> Checked:
        words = self.words
        found = self._check(words)
        for field in self._fields:
            said = self.query_one(f"#said-{field.name}", TextLines)
            if offer := offered(field, words[field.name]):
                said.show((offer,))
            elif field.name not in self._seen and not words[field.name]:
                said.show(((),))
            elif error := found.errors.get(field.name):
                said.show((line(Cell(f"✖ {error}", Role.BAD)),))
            elif note := found.notes.get(field.name):
                said.show((line(Cell(f"! {note}", Role.WARN)),))
            else:
                said.show((line(Cell("", Role.DIM)),))
        self.query_one("#yes", Button).disabled = bool(found.errors)
        return found

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.has_focus:
            self._seen.add((event.input.id or "").removeprefix("field-"))
        self._say()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field; from the last to what is wrong, or to the button."""
        event.stop()
        if event.input.id != f"field-{self._fields[-1].name}":
            self.focus_next()
            return
        self._seen.update(field.name for field in self._fields)
        if errors := self._say().errors:
            self.query_one(f"#field-{next(iter(errors))}").focus()
        else:
            self.query_one("#yes").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id != "yes":
            self.dismiss(None)
        elif not self._say().errors:
            self.dismiss(self.words)

    def action_cancel(self) -> None:
        self.dismiss(None)
