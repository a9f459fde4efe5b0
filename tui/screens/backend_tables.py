"""The tables beside the list of backends: models, failures, health and changes, configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from nexus.domain.access import Role as Access
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import Backend, Model
from tui.render import about, health
from tui.render.cells import Cell, Line, Role, line
from tui.render.layout_backend import PANES
from tui.screens.panes import Listed
from tui.state import NO_LOAD
from tui.views import Frame
from tui.widgets.live_table import LiveTable


class BackendTables:
    """Rows and titles of each table, by its name in `PANES`."""

    def __init__(self) -> None:
        self.rows: Mapping[str, Listed] = {
            "models": Listed(about.MODELS),
            "failing": Listed(about.FAILING),
            "past": Listed(health.COLUMNS),
            "told": Listed(about.TOLD),
        }
        self._copies: tuple[object, dict[str, int]] = (None, {})
        self._stale = False

    def take(self, frame: Frame, backend: Backend, earlier: Sequence[AuditEntry]) -> None:
        """Rows of this frame.

        Args:
            earlier: changes made before this dashboard looked.
        """
        state, offset = frame.state, frame.utc_offset_s
        load = state.loads.get(backend.id, NO_LOAD)
        copies = self._count_copies(frame)
        self._stale = backend.models_stale
        self.rows["models"].take(
            {model.id: model for model in backend.models},
            lambda value: about.model_cells(
                cast(Model, value), load, copies.get(cast(Model, value).id, 0)
            ),
        )
        self.rows["failing"].take(
            {one.entry.request_id: one for one in about.failures(state, backend)},
            lambda value: about.failure_cells(cast(about.Failure, value), offset),
        )
        changes = {(each.at, each.action, each.target): each for each in (*earlier, *state.changes)}
        turns = state.turns.get(backend.id, ())
        past = health.happenings(backend, turns, tuple(changes.values()), frame.now)
        self.rows["past"].take(
            {(one.at, one.what.text, number): one for number, one in enumerate(past)},
            lambda value: health.cells(cast(health.Happening, value), offset),
        )
        self.rows["told"].take(
            {name: (name, cell) for name, cell in about.settings(backend).items()},
            lambda value: (
                Cell(cast("tuple[str, Cell]", value)[0], Role.DIM),
                cast("tuple[str, Cell]", value)[1],
            ),
        )

    def _count_copies(self, frame: Frame) -> dict[str, int]:
        """How many backends could serve each model now; counted again once facts changed."""
        facts = frame.state.backends
        if self._copies[0] is not facts:
            counts: dict[str, int] = {}
            for backend in facts.values():
                if backend.is_routable:
                    for model in backend.models:
                        counts[model.id] = counts.get(model.id, 0) + 1
            self._copies = (facts, counts)
        return self._copies[1]

    def show(
        self, find: Callable[[str], LiveTable], heights: Mapping[str, int], role: Access
    ) -> None:
        """Bring the tables up to date.

        Args:
            find: the widget of a table.
            heights: in lines; 1 is the title only.
            role: of the operator, which decides what titles offer.
        """
        for name in PANES:
            table = find(name)
            title = self._title(name, role, folded=heights[name] == 1, focused=table.has_focus)
            table.show(self.rows[name], (*title, *table.position()))

    def _title(self, name: str, role: Access, *, folded: bool, focused: bool) -> Line:
        number = len(self.rows[name].keys)
        title: list[Cell | str] = [Cell(_TITLES[name])]
        if name in ("models", "failing"):
            loud = name == "failing" and number
            title.append(Cell(f" {number}", Role.BAD if loud else Role.DIM))
        if name == "models" and self._stale:
            title.append(Cell("   an old list", Role.WARN))
        if folded:
            title.append(Cell("   tab opens", Role.FAINT))
        elif not number:
            title.append(Cell("   none", Role.DIM))
        elif focused and (hint := _hint(name, role)):
            title.append(Cell(f"   {hint}", Role.FAINT))
        return line(*title)


_TITLES = {
    "models": "Models",
    "failing": "Failed of late",
    "past": "Health and changes",
    "told": "Configuration",
}


def _hint(name: str, role: Access) -> str:
    """Keys of the table that has the focus."""
    if name == "models":
        levers = "L load   U unload   " if role.may(Access.OPERATOR) else ""
        return f"{levers}↵ all copies"
    if name == "failing":
        return "↵ its story"
    return "e edit" if name == "told" and role.may(Access.ADMIN) else ""
