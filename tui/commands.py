"""Everything a person can do, in one table: keys, footer, help and palette are made from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
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
    priority: bool = False
    """Done before the next key is looked at: over a slow link keys come in heaps."""

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
            priority=self.priority,
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
    Action(
        "edit",
        "e",
        "edit",
        "Change the backend's priority, zone, tier and limit.",
        True,
        _always,
        role=Role.ADMIN,
    ),
    Action(
        "remove",
        "x",
        "remove",
        "Forget the backend; asks for its name.",
        False,
        _always,
        role=Role.ADMIN,
    ),
)
"""What can be done to a backend, wherever one is under the cursor."""

FLEET_ACTIONS = (
    Action(
        "add",
        "n,plus",
        "add",
        "Add a backend by its URL; shows what answers there.",
        True,
        role=Role.ADMIN,
    ),
    Action(
        "approve",
        "a",
        "approve",
        "Look at a server that was found, and use it.",
        True,
        role=Role.OPERATOR,
    ),
    Action(
        "rescan",
        "r",
        "rescan",
        "Look for model servers at the well-known ports.",
        True,
        role=Role.OPERATOR,
    ),
)
"""What can be done to the fleet, on both pages about backends."""

EXPORT = Action("export", "ctrl+s", "export", "Write the rows shown to a CSV and a JSON file.")
FILTER_ACTIONS = (
    Action(
        "filter",
        "slash",
        "filter",
        "Show rows with these words; !word hides them.",
        True,
        priority=True,
    ),
    Action("clear", "escape", "clear filter", "Show every row again.", palette=False),
    EXPORT,
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
    Action("pause", "p", "pause", "Stop the picture at this moment, or let it run again."),
    Action("scrub(-1)", "comma", "earlier", "Look 3 seconds further back.", palette=False),
    Action("scrub(1)", "full_stop", "later", "Look 3 seconds forward again.", palette=False),
    Action("scrub(-20)", "less_than_sign", "a minute earlier", "Look a minute further back."),
    Action(
        "scrub(20)",
        "greater_than_sign",
        "a minute later",
        "Look a minute forward again.",
        palette=False,
    ),
    Action("picture", "f12", "save a picture", "Save what is on the screen as an SVG file."),
    Action("theme", "t", "theme", "Change between the dark and the light look."),
    Action("help", "question_mark,f1", "help", "Show the keys that work here.", True),
    Action("leave", "q,ctrl+q,ctrl+c", "quit", "Stop Nexus; asks while requests run.", True),
)
"""On every page, last in footer and help."""


MODEL_ACTIONS = (
    ("load", "Load a model", "Bring a model into a backend's memory: asks which, and where."),
    ("unload", "Unload a model", "Free the memory of a model: asks which, and where."),
    ("migrate", "Migrate a model", "Load a model elsewhere, then unload it where it is now."),
)
"""What the palette offers on every page for models that are under no cursor."""

SHOWN = 120
"""Actions on backends that the palette lists before anything is typed."""


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
        operates = dashboard.role.may(Role.OPERATOR)
        if operates and dashboard.state.backends:
            for what, title, help in MODEL_ACTIONS:
                entries.append((title, help, partial(dashboard.choose_model, what)))
        for server in dashboard.state.waiting.values() if operates else ():
            name = clean(server.name, 40)
            run = partial(dashboard.ask_about, server.id)
            entries.append((f"Approve {name}", "Look at it, and use it.", run))
            run = partial(dashboard.dismiss, server.id)
            entries.append((f"Dismiss {name}", "Do not ask about it again.", run))
        return entries

    def _on_backends(self) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        """What can be done to each backend."""
        dashboard = cast("NexusDashboard", self.app)
        offered = [action for action in BACKEND_ACTIONS if dashboard.role.may(action.role)]
        for backend in list(dashboard.state.backends.values()):
            name = clean(backend.name, 40)
            run = partial(dashboard.show_backend, backend.id)
            yield f"Open {name}", "Show everything about the backend.", run
            for action in offered:
                if action.applies is not None and action.applies(backend):
                    run = partial(dashboard.act, action, backend.id)
                    yield f"{action.label.capitalize()} {name}", action.help, run

    async def discover(self) -> Hits:
        for title, help, run in (*self._entries, *islice(self._on_backends(), SHOWN)):
            yield DiscoveryHit(Content(title), run, text=title, help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, help, run in self._entries:
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), run, text=title, help=help)
        # Names by the thousand: matching them all at once would hold the gateway's loop.
        words = query.lower()
        likely = (each for each in self._on_backends() if _in_order(words, each[0].lower()))
        for number, (title, help, run) in enumerate(chain(likely, self._named(words))):
            if number % 50 == 49:
                await asyncio.sleep(0)
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), run, text=title, help=help)

    def _named(self, query: str) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        """Models and requests that could match: each letter of the query, in its order."""
        dashboard = cast("NexusDashboard", self.app)
        for name in sorted(dashboard.available_themes):
            if _in_order(query, title := f"theme {name}"):
                yield title.capitalize(), "Change the look.", partial(dashboard.use_theme, name)
        state = dashboard.state
        names = {model.id for backend in state.backends.values() for model in backend.models}
        for name in sorted(names):
            title = f"Model {clean(name, 80)}"
            if _in_order(query, title.lower()):
                yield title, "Show it on the page Models.", partial(dashboard.show_model, name)
        asked = [(each.request_id, each.requested) for each in list(state.running.values())[::-1]]
        asked += [(each.request_id, each.requested) for each in state.log[::-1]]
        for id, name in dict(asked).items():
            title = f"Request {clean(id, 40)} {clean(name, 40)}"
            if _in_order(query, title.lower()):
                run = partial(dashboard.show_request, id)
                yield title, "Why it went where it went.", run


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
