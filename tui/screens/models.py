"""Models x backends: context, capabilities, residency, speed; load, unload, migrate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.widget import Widget

from nexus.domain.access import Role as Access
from nexus.domain.backend import BackendId
from nexus.errors import NexusError
from tui.commands import EVERYWHERE, FILTER_ACTIONS, OPEN, Action
from tui.render import models
from tui.render.detail import INDENT
from tui.render.empty import empty_lines
from tui.render.wrap import wrap
from tui.screens.base import dashboard
from tui.screens.detail import ModelDetail
from tui.screens.levers import Ask, ask_to_load, ask_to_migrate, ask_to_unload
from tui.screens.page import Page
from tui.views import Frame
from tui.widgets.live_table import LiveTable, gap_for
from tui.widgets.paint import GUTTER
from tui.widgets.text_lines import TextLines

DETAIL = 6
"""Lines of the pane below."""
ABILITIES = ("", *(fact for fact, _ in models.ABILITIES))

ACTIONS = (
    OPEN,
    Action("load", "L", "load", "Bring the model into the backend's memory.", True,
           role=Access.OPERATOR),
    Action("unload", "U", "unload", "Free the memory of the model on that backend.", True,
           role=Access.OPERATOR),
    Action("migrate", "m", "migrate", "Load the model here, then unload it where it is now.", True,
           role=Access.OPERATOR),
    Action("ability", "c", "can", "Show only models that can do the next thing: vision, ...", True),
    Action("alias", "e", "alias", "Point an alias at the model, on the page Routing.", True,
           role=Access.ADMIN),
    *FILTER_ACTIONS,
    Action("column(-1)", "left,h", "backend before", "Choose the backend before.", palette=False),
    Action("column(1)", "right,l", "next backend", "Choose the next backend.", palette=False),
    *EVERYWHERE,
)  # fmt: skip


class ModelsPage(Page):
    """The matrix above; the model under the cursor on the chosen backend below."""

    NAME = "models"
    ACTIONS = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]
    AUTO_FOCUS = "#matrix"

    def __init__(self) -> None:
        super().__init__()
        self._view = models.ModelsView()
        self._aliases: dict[str, list[str]] = {}

    def panes(self) -> Iterable[Widget]:
        yield LiveTable(id="matrix")
        yield TextLines(id="model", classes="pane")

    def small(self, small: bool) -> None:
        super().small(small)
        self.query_one("#matrix").display = not small

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.run_worker(self._ask, name="aliases", exit_on_error=True)

    async def _ask(self) -> None:
        """Which aliases lead to which model. The page works without."""
        try:
            routes = await dashboard(self).source.routes()
        except NexusError:
            return
        found: dict[str, list[str]] = {}
        for alias, target in routes.aliases.items():
            found.setdefault(target, []).append(alias)
        self._aliases = found
        self.refresh_frame()

    # -- one frame ---------------------------------------------------------------------------

    @property
    def _table(self) -> LiveTable:
        return self.query_one("#matrix", LiveTable)

    @property
    def _model(self) -> str:
        return cast(str, self._table.cursor or "")

    def paint(self, frame: Frame) -> None:
        if not frame.state.backends:
            self.notice(empty_lines(dashboard(self).source.info, frame.state, frame.now))
            return
        detail = DETAIL if self.size.height >= 20 else 0
        height = self.size.height - 3 - detail
        table, view = self._table, self._view
        if table.styles.height is None or table.styles.height.value != height:
            table.styles.height = height
        below = self.query_one("#model", TextLines)
        below.display = bool(detail)
        below.styles.height = detail
        width = self.size.width
        view.update(frame.state, self.words, width - GUTTER - 1, gap_for(width), now=frame.now)
        table.show(view, (*models.title(view, self.words), *table.position()))
        aliases = self._aliases.get(self._model, [])
        lines = models.chosen_lines(view, self._model, aliases)
        folded = [part for each in lines for part in wrap(each, width - 1, INDENT + 1)]
        if len(folded) > detail - 1:
            folded = [each for each in folded if each]  # words are worth more than air
        below.show((*folded[: detail - 1], models.legend(width)))

    # -- keys --------------------------------------------------------------------------------

    def choose(self, id: BackendId) -> None:
        """Put the cell cursor on a backend."""
        self._view.wanted = id

    def action_column(self, by: int) -> None:
        self._view.chosen += by
        self.refresh_frame()

    def action_ability(self) -> None:
        at = ABILITIES.index(self._view.ability)
        self._view.ability = ABILITIES[(at + 1) % len(ABILITIES)]
        self.refresh_frame()

    def action_clear(self) -> None:
        self._view.ability = ""
        super().action_clear()

    def action_open(self) -> None:
        self._table.action_open()

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        dashboard(self).push_screen(ModelDetail(cast(str, event.key)))

    def action_alias(self) -> None:
        page = dashboard(self).go("routing")
        edit = getattr(page, "new_alias", None)
        if edit is not None:
            edit(self._model)

    def action_load(self) -> None:
        self._ask_about(ask_to_load)

    def action_unload(self) -> None:
        self._ask_about(ask_to_unload)

    def action_migrate(self) -> None:
        self._ask_about(ask_to_migrate)

    def _ask_about(self, ask: Ask) -> None:
        """Ask about the model where the cell cursor stands; it must be listed there."""
        if (found := self._view.found(self._model)) is not None:
            ask(dashboard(self), *found)
            return
        backend = self._view.backend
        where = backend.name if backend else "That backend"
        dashboard(self).say(f"{where} does not list {self._model}.", severity="warning")
