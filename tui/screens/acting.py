"""Keys of pages where a backend is under the cursor: what they do to it is the app's business."""

from __future__ import annotations

from nexus.domain.backend import BackendId
from tui.commands import BACKEND_ACTIONS, Action
from tui.screens.base import dashboard
from tui.screens.page import Page, fleet_footer
from tui.views import Frame


class ActingPage(Page):
    """Subclasses say which backend is meant."""

    @property
    def chosen_backend(self) -> BackendId | None:
        """The backend under the cursor."""
        raise NotImplementedError

    def footer_actions(self, frame: Frame) -> list[Action]:
        return fleet_footer(super().footer_actions(frame), frame.state)

    def act(self, name: str) -> None:
        """Do one of `BACKEND_ACTIONS` to the backend that is meant."""
        chosen = self.chosen_backend
        if chosen is None:
            dashboard(self).say("There is no backend under the cursor.", severity="warning")
            return
        action = next(action for action in BACKEND_ACTIONS if action.name == name)
        dashboard(self).act(action, chosen)

    def action_drain(self) -> None:
        self.act("drain")

    def action_undrain(self) -> None:
        self.act("undrain")

    def action_check(self) -> None:
        self.act("check")

    def action_edit(self) -> None:
        self.act("edit")

    def action_remove(self) -> None:
        self.act("remove")

    def action_add(self) -> None:
        dashboard(self).add_backend()

    def action_approve(self) -> None:
        dashboard(self).approve()

    def action_rescan(self) -> None:
        dashboard(self).rescan()
