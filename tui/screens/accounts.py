"""Budgets, keys, tenants, queues: as far as there are any."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from tui.commands import EVERYWHERE
from tui.render.accounts import account_lines
from tui.screens.base import dashboard
from tui.screens.page import Page
from tui.views import Frame


class AccountsPage(Page):
    """Lines only: nothing here can be changed yet."""

    NAME = "accounts"
    ACTIONS = EVERYWHERE
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = ""

    def paint(self, frame: Frame) -> None:
        self.notice(account_lines(frame.state, dashboard(self).role))
