"""Where the filter is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.typing import Typing


class FilterInput(Typing):
    """One line at the foot of the screen; shows only while typing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave(False)", "clear", show=False),
        Binding("enter,down,tab", "leave(True)", "keep", show=False),
    ]

    class Left(Message):
        """Typing ended; `keep` tells whether the filter stays."""

        def __init__(self, keep: bool) -> None:
            super().__init__()
            self.keep = keep

    def __init__(self, *, id: str) -> None:
        super().__init__(
            id=id,
            placeholder="filter: model, backend, status   !word hides",
            max_length=80,
            compact=True,
        )

    def action_leave(self, keep: bool) -> None:
        self.post_message(self.Left(keep))
