"""The model matrix: models down, backends across, what each model can do in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nexus.domain.backend import Backend, BackendId, BackendStatus, Model
from tui.clean import clean
from tui.render.cells import UNKNOWN, Cell, Role
from tui.render.columns import Column
from tui.render.numbers import context
from tui.render.status import glyph

FIXED = (
    Column("MODEL", 16, widest=34),
    Column("CTX", 5, right=True),
    Column("CAN", 4),
    Column("UP", 3, right=True),
)
NARROWEST = 4
WIDEST = 14

LEGEND = "● loaded  ◦ on disk  ◌ draining  ✖ down  · absent     v vision  t tools  j json  e embed"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model name and the backends that list it."""

    name: str
    found: Mapping[BackendId, tuple[Backend, Model]]

    @property
    def copies(self) -> int:
        """Backends that could serve it now."""
        return sum(backend.is_routable for backend, _ in self.found.values())


class ModelIndex:
    """Which backends list which model, sorted anew only when a list became another one.

    Facts about backends change many times a second in a large fleet (every check is a change);
    their lists of models hardly ever do. A row is made when it is asked for.
    """

    def __init__(self) -> None:
        self._lists: dict[BackendId, tuple[Model, ...]] = {}
        self._places: dict[str, list[tuple[BackendId, int]]] = {}
        self._backends: Mapping[BackendId, Backend] = {}
        self.names: tuple[str, ...] = ()
        """Every model, in order."""

    def update(self, backends: Mapping[BackendId, Backend]) -> None:
        """Take the facts of this moment."""
        self._backends = backends
        lists = self._lists
        same = len(lists) == len(backends) and all(
            (old := lists.get(id)) is not None and (old is b.models or old == b.models)
            for id, b in backends.items()
        )
        if same:
            return
        self._lists = {id: backend.models for id, backend in backends.items()}
        places: dict[str, list[tuple[BackendId, int]]] = {}
        for id, models in self._lists.items():
            for number, model in enumerate(models):
                places.setdefault(model.id, []).append((id, number))
        self._places = places
        self.names = tuple(sorted(places, key=str.lower))

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def row(self, name: str) -> ModelRow | None:
        """The model of that name, if somebody lists it."""
        places = self._places.get(name)
        if places is None:
            return None
        here = self._backends
        return ModelRow(name, {id: (here[id], here[id].models[number]) for id, number in places})


def columns(backends: Sequence[Backend], width: int, gap: int, first: int) -> tuple[Column, ...]:
    """The fixed columns, then one per backend from number `first`, as many as fit in `width`."""
    fixed = sum(column.width + column.space(gap) for column in FIXED)
    room = max(0, width - fixed)
    # A column is as wide as its name needs, between four and twelve; a page is what fits.
    page: list[Column] = []
    for backend in backends[first:]:
        name = clean(backend.name)
        size = max(NARROWEST, min(WIDEST, len(name)))
        if size + gap > room:
            break
        room -= size + gap
        page.append(Column(name, size))
    return (*FIXED, *page)


def cells(row: ModelRow, page: Sequence[Backend]) -> tuple[Cell, ...]:
    """One model: name, context, capabilities, copies, then a mark per backend of the page."""
    copies = row.copies
    up = Cell(f"{copies}", Role.DIM) if copies > 1 else Cell(f"{copies}!", Role.WARN)
    if copies == 0:
        up = Cell("0!", Role.BAD)
    models = [model for _, model in row.found.values()]
    marks = tuple(_mark(row.found.get(backend.id)) for backend in page)
    name = Cell(row.name, Role.STRONG if copies else Role.DIM)
    return (name, _context(models), Cell(abilities(models), Role.ACCENT), up, *marks)


def abilities(models: Sequence[Model]) -> str:
    """`vtje` with a blank for what no copy is known to do: steady places, easy to scan."""
    return (
        ("v" if any(model.vision for model in models) else " ")
        + ("t" if any(model.tools for model in models) else " ")
        + ("j" if any(model.json_mode for model in models) else " ")
        + ("e" if any(model.embeddings for model in models) else " ")
    )


def _context(models: Sequence[Model]) -> Cell:
    lengths = {model.context_length for model in models if model.context_length is not None}
    if not lengths:
        return UNKNOWN
    # Copies may differ: the smallest is what a client can count on, and `+` says there is more.
    return Cell(context(min(lengths)) + ("+" if len(lengths) > 1 else ""))


def _mark(found: tuple[Backend, Model] | None) -> Cell:
    if found is None:
        return Cell("·", Role.FAINT)
    backend, model = found
    if backend.status is BackendStatus.HEALTHY and model.loaded is False:
        return Cell("◦", Role.DIM)
    return glyph(backend.status)
