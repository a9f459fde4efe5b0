"""Everything a person can do, in one table: keys, footer, help and palette are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from nexus.domain.access import Role
from nexus.domain.backend import Backend, BackendStatus
from tui.clean import clean
from tui.render.pages import PAGES

if TYPE_CHECKING:
    from tui.app import NexusDashboard


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do on a page."""

    name: str
    """Of the `action_...` method."""
    keys: str
    label: str
    """One or two words for the footer."""
    help: str
    """One sentence."""
    footer: bool = False
    applies: Callable[[Backend], bool] | None = None
    """For actions on a backend: whether it makes sense for that one."""
    palette: bool = True
    role: Role = Role.VIEWER
    """What it takes to be offered it."""

    @property
    def method(self) -> str:
        """Its name without arguments."""
        return self.name.partition("(")[0]

    def binding(self) -> Binding:
        """The key binding."""
        return Binding(
            self.keys,
            self.name,
            self.label,
            show=self.footer,
            tooltip=self.help,
            id=self.name.replace("(", "-").replace(")", "").strip("'"),
        )


def _not_draining(backend: Backend) -> bool:
    return backend.status is not BackendStatus.DRAINING


def _draining(backend: Backend) -> bool:
    return backend.status is BackendStatus.DRAINING


def _always(backend: Backend) -> bool:
    return True


OPEN = Action("open", "enter", "detail", "Show everything about the row under the cursor.", True)
BACKEND_ACTIONS = (
    Action(
        "drain",
        "d",
        "drain",
        "Send no new work to the backend; what runs there finishes.",
        True,
        _not_draining,
        role=Role.OPERATOR,
    ),
    Action(
        "undrain",
        "u",
        "undrain",
        "Take the backend back into rotation.",
        True,
        _draining,
        role=Role.OPERATOR,
    ),
    Action(
        "check",
        "c",
        "check",
        "Ask the backend for its health now.",
        True,
        _always,
        role=Role.OPERATOR,
    ),
)
"""What can be done to a backend, wherever one is under the cursor."""

FILTER_ACTIONS = (
    Action("filter", "slash", "filter", "Show rows with these words; !word hides them.", True),
    Action("clear", "escape", "clear filter", "Show every row again.", palette=False),
)
"""For pages with rows."""

EVERYWHERE = (
    *(
        Action(
            f"page('{name}')",
            str(number),
            f"go to {name}",
            f"Go to the page {name.capitalize()}.",
        )
        for number, name in enumerate(PAGES, 1)
    ),
    Action("theme", "t", "theme", "Change between the dark and the light look."),
    Action("help", "question_mark,f1", "help", "Show the keys that work here.", True),
    Action("leave", "q,ctrl+q,ctrl+c", "quit", "Stop Nexus; asks while requests run.", True),
)
"""On every page, last in footer and help."""


class NexusCommands(Provider):
    """The palette: every action, and the actions on a backend for each backend they suit."""

    @property
    def _entries(self) -> list[tuple[str, str, Callable[[], Any]]]:
        dashboard = cast("NexusDashboard", self.app)
        entries: list[tuple[str, str, Callable[[], Any]]] = []
        for action in dashboard.page_actions:
            if action.applies is None and action.palette and action.name != "open":
                run = partial(dashboard.run_action, f"screen.{action.name}")
                entries.append((action.label.capitalize(), action.help, run))
        approves = dashboard.role.may(Role.OPERATOR)
        for server in dashboard.state.waiting.values() if approves else ():
            name = clean(server.name, 40)
            run = partial(dashboard.ask_about, server.id)
            entries.append((f"Approve {name}", "Look at it, and use it.", run))
            run = partial(dashboard.dismiss, server.id)
            entries.append((f"Dismiss {name}", "Do not ask about it again.", run))
        for backend in dashboard.state.backends.values():
            name = clean(backend.name, 40)
            for action in BACKEND_ACTIONS:
                if not dashboard.role.may(action.role):
                    continue
                if action.applies is not None and action.applies(backend):
                    title = f"{action.label.capitalize()} {name}"
                    entries.append((title, action.help, partial(dashboard.act, action, backend.id)))
        return entries

    async def discover(self) -> Hits:
        for title, help, run in self._entries:
            yield DiscoveryHit(Content(title), run, text=title, help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, help, run in self._entries:
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), run, text=title, help=help)
