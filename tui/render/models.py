"""The page Models: each model with its facts, and a mark per backend. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import cast

from nexus.domain.backend import Backend, BackendId, BackendStatus, Model, Residency, Zone
from nexus.domain.events import RequestFinished
from tui.clean import clean
from tui.render import matrix
from tui.render.cells import BLANK, UNKNOWN, Cell, Line, Role, known, line
from tui.render.columns import Column
from tui.render.detail import fact_pieces, label
from tui.render.filters import matches
from tui.render.matrix import ModelIndex, ModelRow
from tui.render.numbers import context, millis, plural, rate
from tui.render.status import glyph, word
from tui.state import DashboardState, Entry

ABILITIES = (
    ("vision", "v"),
    ("audio", "a"),
    ("tools", "t"),
    ("json_mode", "j"),
    ("embeddings", "e"),
    ("reasoning", "r"),
)
"""Facts of a model that a row tells, each with its letter."""
FIXED = (
    Column("MODEL", 18, widest=38),
    Column("CTX", 5, right=True),
    Column("MAX OUT", 7, right=True, drop=4),
    Column("CAN", 6),
    Column("UP", 3, right=True),
    Column("REQS", 5, right=True, drop=2),
    Column("TTFT", 6, right=True, drop=3),
    Column("TOK/S", 5, right=True, drop=1),
)
LEGEND = (
    "● loaded  ◦ on disk  ☾ sleeping  ✖ down  · absent  $ open zone",
    "v vision a audio t tools j json e embed r reason",
)
MARK = 4
"""Narrowest column of a backend: a mark in brackets."""
WIDEST = 14


@dataclass(frozen=True, slots=True)
class Use:
    """What the routing log says of one model on one backend, or of a model everywhere."""

    requests: int = 0
    ttft_ms: float | None = None
    """Median."""
    tokens_per_s: float | None = None
    """Median of single requests."""


NO_USE = Use()


def usage(log: Iterable[Entry]) -> dict[tuple[str, BackendId | None], Use]:
    """By model and backend, and by model alone (None). O(entries)."""
    found: dict[tuple[str, BackendId | None], list[RequestFinished]] = {}
    for entry in log:
        if isinstance(entry, RequestFinished):
            found.setdefault((entry.model, None), []).append(entry)
            found.setdefault((entry.model, entry.backend_id), []).append(entry)
    return {key: _use(entries) for key, entries in found.items()}


def _use(entries: Sequence[RequestFinished]) -> Use:
    good = [entry for entry in entries if entry.status == 200 and not entry.error]
    firsts = [entry.ttft_ms for entry in good if entry.ttft_ms is not None]
    speeds = [entry.tokens_per_s for entry in good if entry.tokens_per_s is not None]
    return Use(
        len(entries),
        median(firsts) if firsts else None,
        median(speeds) if speeds else None,
    )


@dataclass(slots=True)
class ModelsView:
    """Rows of the matrix, with a page of backend columns and one backend chosen."""

    chosen: int = 0
    """Number of the backend under the cell cursor."""
    wanted: BackendId | None = None
    """A backend that the cell cursor goes to with the next frame."""
    ability: str = ""
    """Only models that some copy can do this with; empty for all."""
    columns: tuple[Column, ...] = FIXED
    keys: tuple[str, ...] = ()
    total: int = 0
    hidden: int = 0
    """Backend columns that do not fit."""
    backends: tuple[Backend, ...] = ()
    _models: ModelIndex = field(default_factory=ModelIndex)
    _page: tuple[Backend, ...] = ()
    _facts: object = None
    _shown: tuple[object, str, str] = (None, "", "")
    _first: int = 0
    _used: Mapping[tuple[str, BackendId | None], Use] = field(
        default_factory=dict[tuple[str, BackendId | None], Use]
    )
    _used_at: tuple[object, int] = (None, 0)

    def update(
        self, state: DashboardState, words: str, width: int, gap: int, *, now: float
    ) -> None:
        """Take a frame. The log is read once a second at most."""
        if state.backends is not self._facts:
            self._facts = state.backends
            self.backends = tuple(state.backends.values())
            self._models.update(state.backends)
        mark = (state.log, int(now))
        if self._used_at[1] != mark[1] and self._used_at[0] is not state.log:
            self._used, self._used_at = usage(state.log), mark
        self.total = len(self._models.names)
        shown = (state.backends, words, self.ability)
        if shown[0] is not self._shown[0] or shown[1:] != self._shown[1:]:
            self._shown = shown
            self.keys = self._filtered(words)
        if self.wanted is not None:
            ids = [backend.id for backend in self.backends]
            self.chosen = ids.index(self.wanted) if self.wanted in ids else self.chosen
            self.wanted = None
        self.chosen = max(0, min(self.chosen, len(self.backends) - 1))
        self._place(width, gap)

    def _filtered(self, words: str) -> tuple[str, ...]:
        if not words and not self.ability:
            return self._models.names
        rows = [row for name in self._models.names if (row := self._models.row(name)) is not None]
        return tuple(
            row.name
            for row in rows
            if (not words or matches(words, _text(row))) and self._able(row)
        )

    def _able(self, row: ModelRow) -> bool:
        if not self.ability:
            return True
        return any(getattr(model, self.ability) is True for _, model in row.found.values())

    def _place(self, width: int, gap: int) -> None:
        """The backend columns: from the first that lets the chosen one be seen."""
        if self.chosen < self._first:
            self._first = self.chosen
        while True:
            found = self._fitting(self.backends[self._first :], width, gap)
            if self.chosen < self._first + len(found) or self._first >= self.chosen:
                break
            self._first += 1
        self._page = self.backends[self._first : self._first + len(found)]
        self.hidden = len(self.backends) - len(found)
        columns = (*FIXED, *found)
        if columns != self.columns:
            self.columns = columns

    @staticmethod
    def _fitting(backends: Sequence[Backend], width: int, gap: int) -> list[Column]:
        kept = [column for column in FIXED if not column.drop]
        room = max(0, width - sum(column.width + column.space(gap) for column in kept))
        found: list[Column] = []
        for backend in backends:
            size = max(MARK, min(WIDEST, len(clean(backend.name))))
            if size + gap > room:
                break
            room -= size + gap
            found.append(Column(clean(backend.name), size))
        return found

    @property
    def backend(self) -> Backend | None:
        """The chosen one."""
        return self.backends[self.chosen] if self.backends else None

    def found(self, name: str) -> tuple[Backend, Model] | None:
        """The model on the chosen backend, where it lists it."""
        row, backend = self._models.row(name), self.backend
        return row.found.get(backend.id) if row and backend else None

    def row(self, name: str) -> ModelRow | None:
        """The model of that name."""
        return self._models.row(name)

    def use(self, name: str, backend: BackendId | None = None) -> Use:
        """What the routing log says of it."""
        return self._used.get((name, backend), NO_USE)

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        name = cast(str, key)
        row = self._models.row(name)
        if row is None:
            return (UNKNOWN,) * len(self.columns)
        models = [model for _, model in row.found.values()]
        use = self.use(name)
        chosen = self.backend
        marks = [
            _mark(row.found.get(backend.id), chosen=backend is chosen) for backend in self._page
        ]
        shared = matrix.cells(row, ())
        most = [m.max_output_tokens for m in models if m.max_output_tokens is not None]
        return (
            shared[0],
            shared[1],
            Cell(context(min(most)), Role.DIM) if most else UNKNOWN,
            Cell(abilities(models), Role.ACCENT),
            shared[3],
            Cell(str(use.requests)) if use.requests else UNKNOWN,
            known(millis(use.ttft_ms)),
            known(rate(use.tokens_per_s)),
            *marks,
        )


def abilities(models: Sequence[Model]) -> str:
    """`vatjer` with a blank for what no copy is known to do."""
    return "".join(
        letter if any(getattr(model, fact) is True for model in models) else " "
        for fact, letter in ABILITIES
    )


def _text(row: ModelRow) -> str:
    models = [model for _, model in row.found.values()]
    can = " ".join(
        fact.removesuffix("_mode")
        for fact, _ in ABILITIES
        if any(getattr(model, fact) is True for model in models)
    )
    places = " ".join(f"{backend.name} {backend.status}" for backend, _ in row.found.values())
    memory = " ".join(model.residency or "" for model in models)
    return f"{row.name} {can} {places} {memory}".lower()


def _mark(found: tuple[Backend, Model] | None, *, chosen: bool) -> Cell:
    if found is None:
        return Cell("[·]" if chosen else " ·", Role.FAINT)
    backend, model = found
    mark = glyph(backend.status)
    if backend.status in (BackendStatus.HEALTHY, BackendStatus.BUSY):
        match model.residency:
            case Residency.INSTALLED:
                mark = Cell("◦", Role.DIM)
            case Residency.LOADING:
                mark = Cell("◐", Role.INFO)
            case Residency.SLEEPING:
                mark = Cell("☾", Role.INFO)
            case _:
                mark = Cell("●", mark.role)
    zone = "$" if (model.zone or backend.face.zone) is Zone.OPEN else ""
    text = f"[{mark.text}]{zone}" if chosen else f" {mark.text} {zone}".rstrip()
    return Cell(text, mark.role)


def legend(width: int) -> Line:
    """What the marks mean, as much as fits."""
    text = "   ".join(LEGEND)
    return line(" ", Cell(text if len(text) + 2 < width else LEGEND[0], Role.FAINT))


def title(view: ModelsView, words: str) -> Line:
    """`Models 7   can vision   filter llama: 2 of 7`."""
    pieces: list[Cell | str] = [Cell("Models"), Cell(f" {view.total}", Role.DIM)]
    if view.ability:
        pieces += ["   ", Cell(f"can {view.ability.removesuffix('_mode')}", Role.WARN)]
    if words:
        pieces += ["   ", Cell(f"filter {words}", Role.WARN)]
    if len(view.keys) != view.total:
        pieces += [Cell(f": {len(view.keys)} of {view.total}", Role.WARN)]
    if view.hidden:
        pieces += ["   ", Cell(f"←→ {view.hidden} more backends", Role.INFO)]
    return line(*pieces)


def chosen_lines(view: ModelsView, name: str, aliases: Sequence[str]) -> tuple[Line, ...]:
    """The model under the cursor on the chosen backend, and what could be done about it."""
    row, backend = view.row(name), view.backend
    if row is None or backend is None:
        return (line(" ", Cell("No model is under the cursor.", Role.DIM)),)
    head = line(" ", Cell(name, Role.STRONG), Cell(" on ", Role.DIM), Cell(backend.name, Role.INFO))
    everywhere = view.use(name)
    lines: list[Line] = []
    found = view.found(name)
    if found is None:
        where = ", ".join(other.name for other, _ in row.found.values())
        lines.append(line(" ", Cell(f"It does not list this model; {where} does.", Role.DIM)))
    else:
        use = view.use(name, backend.id)
        lines.append(
            line(
                " ",
                label("here"),
                glyph(backend.status),
                Cell(f" {word(backend.status)}  "),
                Cell(_memory(found[1]), Role.STRONG),
                Cell(f"   {plural(use.requests, 'request')} of late", Role.DIM),
                Cell(f"  ttft {millis(use.ttft_ms)}  {rate(use.tokens_per_s)} tok/s"),
            )
        )
        lines.append(line(" ", label("facts"), *fact_pieces(found[1])))
    lines.append(
        line(
            " ",
            label("everywhere"),
            Cell(f"{plural(row.copies, 'backend')} could serve it now"),
            Cell(f"   {plural(everywhere.requests, 'request')} of late", Role.DIM),
            Cell(f"   also called {', '.join(aliases)}" if aliases else "", Role.DIM),
        )
    )
    return (head, *lines, BLANK)


def _memory(model: Model) -> str:
    words = {
        Residency.INSTALLED: "on disk: the first request waits until it is loaded",
        Residency.LOADING: "loading",
        Residency.LOADED: "loaded",
        Residency.SLEEPING: "sleeping: the next request wakes it",
    }
    return words[model.residency] if model.residency else "residency not told"
