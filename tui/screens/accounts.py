"""Budgets, keys, tenants, queues."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from tui.commands import EVERYWHERE
from tui.render.cells import Cell, Role, line
from tui.screens.page import Page
from tui.views import Frame


class AccountsPage(Page):
    """See the module."""

    NAME = "accounts"
    ACTIONS = EVERYWHERE
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]

    def paint(self, frame: Frame) -> None:
        self.notice((line(Cell("Nothing here yet.", Role.DIM)),))
