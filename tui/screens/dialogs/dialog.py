"""A question with fields: what is wrong stands beside the field, Cancel has the focus.

Subclasses say their fields, what they think of the words, and what saying yes does. The wish runs
beside the screen; what refuses it is shown here, and the words are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from nexus.errors import NexusError
from tui.render.cells import Cell, Line, Role, line
from tui.render.wrap import wrap
from tui.screens.base import dashboard
from tui.screens.fields import Field, field_rows, show_labels, typed
from tui.screens.over import Over
from tui.views import Frame
from tui.widgets.text_lines import TextLines


class Dialog(Over[bool]):
    """See the module. Gives True when the wish was carried out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]
    YES: ClassVar[str] = "Yes"
    """A constant word: button labels are markup."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = False
        """True while the wish is under way."""
        self.problem = ""
        """What refused it."""

    # -- what subclasses say -----------------------------------------------------------------

    def fields(self) -> Sequence[Field]:
        """What can be typed."""
        return ()

    def first(self) -> str:
        """What has the focus at first: what cannot do any harm."""
        return "#no"

    def title_line(self) -> Line:
        """The question."""
        raise NotImplementedError

    def body(self, frame: Frame) -> tuple[Line, ...]:
        """What stands above the fields, now."""
        return ()

    def foot(self, frame: Frame) -> tuple[Line, ...]:
        """What stands below the fields, now: what saying yes will do."""
        return ()

    def wrong(self) -> Mapping[str, str]:
        """What is wrong with the words, by field; an empty text only keeps the answer back."""
        return {}

    def may_say_yes(self) -> bool:
        """Whether the button works."""
        return not self.wrong()

    async def carry_out(self) -> None:
        """The wish. Raises NexusError with a sentence."""
        raise NotImplementedError

    def done(self) -> None:
        """After the wish was carried out."""
        self.dismiss(True)

    # -- the screen --------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog form"):
            yield TextLines(id="dialog-head", classes="dialog-text")
            yield from field_rows(self.fields())
            yield TextLines(id="dialog-foot", classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="no", compact=True)
                yield Button(self.YES, id="yes", variant="warning", compact=True)

    def on_mount(self) -> None:
        show_labels(self, self.fields())
        self.query_one(self.first()).focus()
        self.show_frame(dashboard(self).frame)  # all widgets stand, though Textual says so later

    def on_resize(self) -> None:
        self.call_after_refresh(self.refresh_frame)

    def refresh_frame(self) -> None:
        """Show this moment."""
        if self.is_mounted:
            self.show_frame(dashboard(self).frame)

    def live(self, frame: Frame) -> Frame:
        """The frame of now: what is asked and done is about now, also while a page looks back."""
        app = dashboard(self)
        return replace(frame, state=app.state, now=app.now)

    def show_frame(self, frame: Frame) -> None:
        """Bring the question up to date."""
        frame = self.live(frame)
        head = [self.title_line(), *self.body(frame)]
        foot: list[Line] = [(), *self.foot(frame)] if self.fields() else [*self.foot(frame)]
        if self.problem:
            foot.append(line(Cell(f"✖ {self.problem}", Role.BAD)))
        foot.append(line(Cell(self.hint(), Role.FAINT)))
        self._fill("#dialog-head", [head[0], (), *head[1:], ()] if head[1:] else [head[0], ()])
        self._fill("#dialog-foot", foot)
        # Frame, margins and buttons take seven lines; the fields scroll in what is left.
        room = self.size.height - self._height("#dialog-head") - self._height("#dialog-foot") - 7
        self.query_one(".form-fields").styles.max_height = max(2, room)
        wrong = self.wrong()
        for field in self.fields():
            said = self.query_one(f"#said-{field.name}", TextLines)
            text = wrong.get(field.name, "")
            note = self.note(field.name)
            told = line(Cell(f"✖ {text}", Role.BAD)) if text else note
            said.display = bool(told)
            if told:
                self._fill(f"#said-{field.name}", [told])
        self.query_one("#yes", Button).disabled = self.busy or not self.may_say_yes()

    def note(self, field: str) -> Line:
        """What stands below a field with which nothing is wrong."""
        return ()

    def hint(self) -> str:
        """Which keys there are."""
        first = "tab next" if self.fields() else "←→ choose"
        return f"{first}   enter confirm   esc cancel"

    def _fill(self, where: str, lines: Sequence[Line]) -> None:
        text = self.query_one(where, TextLines)
        room = text.content_size.width or 60
        folded = tuple(part for whole in lines for part in wrap(whole, room, 2))
        if text.styles.height is None or text.styles.height.value != len(folded):
            text.styles.height = len(folded)
        text.show(folded)

    def _height(self, where: str) -> int:
        height = self.query_one(where).styles.height
        return int(height.value) if height is not None else 0

    @property
    def words(self) -> dict[str, str]:
        """What is typed now; before there are fields, what they begin with."""
        if not self.is_mounted:
            return {field.name: field.value for field in self.fields()}
        return typed(self, self.fields())

    # -- answers -----------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        self.problem = ""
        self.refresh_frame()
        said = self.query_one(f"#said-{(event.input.id or '').removeprefix('field-')}")
        if said.display:
            self.call_after_refresh(said.scroll_visible, animate=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field; from the last to what is wrong, or to the button."""
        event.stop()
        if event.input.id != f"field-{self.fields()[-1].name}":
            self.focus_next()
        elif wrong := self.wrong():
            self.query_one(f"#field-{next(iter(wrong))}").focus()
        elif self.may_say_yes():
            self.query_one("#yes").focus()

    def on_key(self, event: events.Key) -> None:
        """Between the buttons the arrows lead to the one at that side."""
        if event.key in ("left", "right") and isinstance(self.focused, Button):
            other = "#yes" if event.key == "right" else "#no"
            if not self.query_one(other, Button).disabled:
                self.query_one(other).focus()
            event.stop()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id != "yes":
            self.action_cancel()
        elif self.may_say_yes() and not self.busy:
            self.say_yes()

    def say_yes(self) -> None:
        """Carry the wish out, beside the screen."""
        self.busy, self.problem = True, ""
        app = dashboard(self)
        self.refresh_frame()

        async def run() -> None:
            try:
                await self.carry_out()
            except NexusError as error:
                self.problem = error.message
            finally:
                self.busy = False
            if not self.is_attached:  # closed meanwhile
                if self.problem:
                    app.say(self.problem, severity="error")
                return
            if self.problem:
                self.refresh_frame()
                self.query_one("#no").focus()
            else:
                self.done()

        # The app's, so that closing the dialog leaves nothing half done.
        app.run_worker(run, name="wish", exit_on_error=True)

    def action_cancel(self) -> None:
        self.dismiss(False)
