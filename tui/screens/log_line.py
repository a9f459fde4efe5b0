"""One line of the log, or one change, in full."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import ClassVar

from textual.binding import Binding, BindingType

from nexus.domain.audit import AuditEntry
from nexus.domain.logline import LogLine
from tui.render.cells import Cell, Line, Role, line
from tui.render.changes import change_lines
from tui.render.logs import EXCEPTION, REQUEST, detail_lines
from tui.screens.base import dashboard
from tui.screens.modal import Reader
from tui.views import Frame


def as_json(value: LogLine | AuditEntry) -> dict[str, object]:
    """All of it, by name."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


class LineDetail(Reader):
    """All fields of a line; a traceback is folded to its end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "unfold", "unfold"),
        Binding("y", "copy", "copy"),
        Binding("g", "request", "go to request"),
    ]
    indent = 19

    def __init__(self, found: LogLine) -> None:
        super().__init__()
        self._line = found
        self._unfolded = False
        self.hints = "esc back   ↑↓ scroll   y copy as JSON"
        if REQUEST in found.fields:
            self.hints += "   g request"
        if EXCEPTION in found.fields:
            self.hints += "   space traceback"

    def title_line(self) -> Line:
        return line(Cell("Log line", Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        return detail_lines(self._line, frame.utc_offset_s, unfolded=self._unfolded)

    def action_unfold(self) -> None:
        self._unfolded = not self._unfolded
        self.show_frame(dashboard(self).frame)
        self.call_after_refresh(lambda: self.show_frame(dashboard(self).frame))

    def action_copy(self) -> None:
        text = json.dumps(as_json(self._line), indent=1, ensure_ascii=False, default=str)
        dashboard(self).copy(text, "The line")

    def action_request(self) -> None:
        name = self._line.fields.get(REQUEST)
        if isinstance(name, str) and name:
            app = dashboard(self)
            self.dismiss(None)
            app.call_later(app.show_request, name)


class ChangeDetail(Reader):
    """A change with what was before it and after it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "copy")]
    hints = "esc back   ↑↓ scroll   y copy as JSON"
    indent = 21

    def __init__(self, entry: AuditEntry) -> None:
        super().__init__()
        self._entry = entry

    def title_line(self) -> Line:
        return line(Cell("Change", Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        return change_lines(self._entry, frame.utc_offset_s)

    def action_copy(self) -> None:
        text = json.dumps(as_json(self._entry), indent=1, ensure_ascii=False, default=str)
        dashboard(self).copy(text, "The change")
