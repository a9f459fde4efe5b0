"""Everything a person can do, in one table: keys, footer, help and palette are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from nexus.domain.backend import Backend, BackendStatus
from tui.clean import clean

if TYPE_CHECKING:
    from tui.app import NexusDashboard


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do on the main screen."""

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


ACTIONS = (
    Action("open", "enter", "detail", "Show everything about the row under the cursor.", True),
    Action(
        "drain",
        "d",
        "drain",
        "Send no new work to the backend; what runs there finishes.",
        True,
        _not_draining,
    ),
    Action("undrain", "u", "undrain", "Take the backend back into rotation.", True, _draining),
    Action("check", "c", "check", "Ask the backend for its health now.", True, _always),
    Action("approve", "a", "approve", "Look at a server that was found, and use it.", True),
    Action("rescan", "r", "rescan", "Look for model servers at the well-known local ports.", True),
    Action("filter", "slash", "filter", "Show rows with these words; !word hides them.", True),
    Action("sort", "s", "sort", "Sort the backends by the next column.", True),
    Action("pane(1)", "1", "go to backends", "Go to the backends."),
    Action("pane(2)", "2", "go to models", "Go to the model matrix."),
    Action("pane(3)", "3", "go to routing", "Go to the routing log."),
    Action("follow", "f", "follow", "Follow the newest routing entry again."),
    Action("columns(-1)", "left,h", "earlier columns", "Matrix: earlier backends.", palette=False),
    Action("columns(1)", "right,l", "later columns", "Matrix: later backends.", palette=False),
    Action("clear", "escape", "clear filter", "Show every row again.", palette=False),
    Action("theme", "t", "theme", "Change between the dark and the light look."),
    Action("help", "question_mark,f1", "help", "Show the keys that work here.", True),
    Action("leave", "q,ctrl+q,ctrl+c", "quit", "Stop Nexus; asks while requests run.", True),
)
"""In the order of the footer and of the help."""


class NexusCommands(Provider):
    """The palette: every action, and the actions on a backend for each backend they suit."""

    @property
    def _entries(self) -> list[tuple[str, str, Callable[[], Any]]]:
        dashboard = cast("NexusDashboard", self.app)
        entries: list[tuple[str, str, Callable[[], Any]]] = []
        for action in ACTIONS:
            if action.applies is None and action.palette and action.name != "open":
                run = partial(dashboard.run_action, f"screen.{action.name}")
                entries.append((action.label.capitalize(), action.help, run))
        for server in dashboard.state.waiting.values():
            name = clean(server.name, 40)
            run = partial(dashboard.ask_about, server.id)
            entries.append((f"Approve {name}", "Look at it, and use it.", run))
            run = partial(dashboard.dismiss, server.id)
            entries.append((f"Dismiss {name}", "Do not ask about it again.", run))
        for backend in dashboard.state.backends.values():
            name = clean(backend.name, 40)
            for action in ACTIONS:
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
