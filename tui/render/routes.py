"""The page Routing: rules as rows, where a name leads, and what a change would do. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import cast

from nexus.domain.backend import Backend, Model, Zone
from nexus.domain.routes import Preview, Routes
from nexus.domain.traffic import TrafficPolicy
from tui.drafts import MOST_HOPS, RowKey, circle
from tui.render.cells import UNKNOWN, Cell, Line, Role, line
from tui.render.columns import Column
from tui.render.filters import matches
from tui.render.matrix import ModelIndex
from tui.render.numbers import plural, span
from tui.render.status import glyph, word
from tui.state import DashboardState

COLUMNS = (
    Column("KIND", 9),
    Column("NAME", 18, widest=34),
    Column("LEADS TO", 26, widest=56),
    Column("REQS", 5, right=True, drop=1),
    Column("STATE", 20, widest=34),
)
ASKED_FOR = ("alias", "fallback")
"""Kinds of rules that are named as clients name models."""
SHOWN_MOVES = 4
"""Lines of moved requests in a preview."""


@dataclass(slots=True)
class RoutesView:
    """Rows of a draft. A row that differs from what is in force carries a mark."""

    columns: tuple[Column, ...] = COLUMNS
    keys: tuple[RowKey, ...] = ()
    models: ModelIndex = field(default_factory=ModelIndex)
    total: int = 0
    _cells: dict[RowKey, tuple[Cell, ...]] = field(default_factory=dict[RowKey, tuple[Cell, ...]])
    _backends: object = None
    _routes: tuple[object, ...] = ()
    _words: str = ""
    _log: object = None
    _asked: Counter[str] = field(default_factory=Counter[str])

    def update(self, state: DashboardState, live: Routes, draft: Routes, words: str) -> None:
        """Take a frame.

        Rows are made again for new facts or routes; else those whose number of requests is another.
        """
        before = self._asked
        if state.log is not self._log:
            self._log = state.log
            self._asked = Counter(entry.requested for entry in state.log)
        if state.backends is not self._backends or (live, draft) != self._routes:
            self._backends, self._routes = state.backends, (live, draft)
            self.models.update(state.backends)
            changed = row_keys(draft)
            self._cells = {key: self._row(key, live, draft) for key in changed}
            self.total = len(self._cells)
        else:
            changed = [
                key
                for key in self._cells
                if key.kind in ASKED_FOR and before[key.name] != self._asked[key.name]
            ]
            self._cells |= {key: self._row(key, live, draft) for key in changed}
        if changed or words != self._words:
            self._words = words
            self.keys = tuple(
                key
                for key, cells in self._cells.items()
                if not words or matches(words, " ".join(cell.text for cell in cells).lower())
            )

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        return self._cells.get(cast(RowKey, key), (UNKNOWN,) * len(COLUMNS))

    def _row(self, key: RowKey, live: Routes, draft: Routes) -> tuple[Cell, ...]:
        kind, name, leads = _told(key, draft)
        changed = _told_or_none(key, live) != (kind, name, leads)
        if key.kind == "setting":
            changed = changed or live.max_retries != draft.max_retries
        head = Cell(f"{'~' if changed else ' '}{kind}", Role.WARN if changed else Role.DIM)
        count = self._asked[key.name] if key.kind in ASKED_FOR else 0
        reqs = Cell(str(count)) if count else UNKNOWN
        return (head, Cell(name, Role.STRONG), Cell(leads), reqs, self._state(key, draft))

    def _state(self, key: RowKey, draft: Routes) -> Cell:
        match key.kind:
            case "alias":
                return self._alias_state(key.name, draft)
            case "fallback":
                missing = [name for name in draft.fallbacks[key.name] if not self._served(name)]
                if not missing:
                    return Cell("ok", Role.OK)
                return Cell(f"! nobody serves {missing[0]}", Role.WARN)
            case "policy":
                return _policy_reach(draft.policies[int(key.name)], self.models)
            case _:
                return Cell(_retries(draft.max_retries), Role.DIM)

    def _alias_state(self, name: str, draft: Routes) -> Cell:
        if circle(draft.aliases, name):
            return Cell("✖ goes in a circle", Role.BAD)
        if name in self.models:
            return Cell("! a real model wins", Role.WARN)
        way = led(name, draft, self.models)
        if len(way) > MOST_HOPS + 1:
            return Cell(f"✖ more than {MOST_HOPS} hops", Role.BAD)
        *before, end = way
        deep = f" depth {len(before)}" if len(before) > 1 else ""
        if self._served(end):
            return Cell(f"ok{deep}", Role.OK)
        if any(self._served(each) for each in draft.fallbacks.get(end, ())):
            return Cell("! down, falls back", Role.WARN)
        known = end in self.models
        return Cell("✖ target is down" if known else "✖ nobody lists it", Role.BAD)

    def _served(self, model: str) -> bool:
        row = self.models.row(model)
        return row is not None and row.copies > 0


def row_keys(routes: Routes) -> tuple[RowKey, ...]:
    """Every rule, in the order in which they are read."""
    return (
        *(RowKey("alias", name) for name in routes.aliases),
        *(RowKey("fallback", model) for model in routes.fallbacks),
        *(RowKey("policy", str(at)) for at in range(len(routes.policies))),
        RowKey("setting", "strategy"),
    )


def _told(key: RowKey, routes: Routes) -> tuple[str, str, str]:
    """Kind, name and effect in words."""
    match key.kind:
        case "alias":
            return ("alias", key.name, f"→ {routes.aliases[key.name]}")
        case "fallback":
            return ("fallback", key.name, "⇢ " + " ⇢ ".join(routes.fallbacks[key.name]))
        case "policy":
            policy = routes.policies[int(key.name)]
            when = f" for {policy.when.words}" if policy.when else ""
            return ("policy", f"{int(key.name) + 1} {policy.pattern}", policy_asks(policy) + when)
        case _:
            parts = routes.weights
            shares = f"prio {parts.priority} load {parts.load} latency {parts.latency}"
            return ("strategy", routes.strategy.value, shares)


def _retries(number: int) -> str:
    return f"{number} retry" if number == 1 else f"{number} retries"


def _told_or_none(key: RowKey, routes: Routes) -> tuple[str, str, str] | None:
    try:
        return _told(key, routes)
    except (KeyError, IndexError):
        return None


def policy_asks(policy: TrafficPolicy) -> str:
    """What a policy asks for, in a few words."""
    parts: list[str] = []
    if policy.privacy is not None:
        parts.append(policy.privacy.value)
    if policy.min_tier is not None:
        parts.append(f"tier {policy.min_tier} or better")
    if policy.max_cost_usd is not None:
        parts.append(f"at most ${policy.max_cost_usd:g}")
    if not policy.fallback_allowed:
        parts.append("no fallbacks")
    return ", ".join(parts) or "nothing"


def _policy_reach(policy: TrafficPolicy, models: ModelIndex) -> Cell:
    hit = sum(fnmatchcase(name, policy.pattern) for name in models.names)
    return Cell(f"matches {plural(hit, 'model')}", Role.DIM if hit else Role.WARN)


def led(name: str, routes: Routes, models: ModelIndex) -> tuple[str, ...]:
    """Every name from the one asked for to the model it becomes; stops at a real model."""
    way = [name]
    while len(way) <= MOST_HOPS + 1:
        target = routes.aliases.get(way[-1])
        if target is None or way[-1] in models or target in way:
            break
        way.append(target)
    return tuple(way)


def title(view: RoutesView, words: str, *, dirty: bool) -> Line:
    """`Routing rules 7   not applied yet`."""
    pieces: list[Cell | str] = [Cell("Routing rules"), Cell(f" {view.total}", Role.DIM)]
    if words:
        pieces += ["   ", Cell(f"filter {words}: {len(view.keys)} of {view.total}", Role.WARN)]
    if dirty:
        pieces += ["   ", Cell("a change is not applied yet: A applies, X drops it", Role.WARN)]
    return line(*pieces)


def way_lines(key: RowKey | None, view: RoutesView, draft: Routes) -> tuple[Line, ...]:
    """Where the rule under the cursor leads now, down to backends."""
    if key is None:
        return (line(" ", Cell("No rule yet. n makes an alias, a chain or a policy.", Role.DIM)),)
    match key.kind:
        case "alias":
            return _name_lines(key.name, view, draft)
        case "fallback":
            return _name_lines(key.name, view, draft)
        case "policy":
            return _policy_lines(draft.policies[int(key.name)], view)
        case _:
            return (
                line(" ", Cell("Among backends that may serve, this one chooses. ", Role.DIM)),
                line(" ", Cell("smart: the best score; the weights say of what.", Role.DIM)),
            )


def _name_lines(name: str, view: RoutesView, draft: Routes) -> tuple[Line, ...]:
    way = led(name, draft, view.models)
    head: list[Cell | str] = [" ", Cell("Where it leads  ", Role.HEAD), Cell(way[0], Role.STRONG)]
    for step in way[1:]:
        head += [Cell(" → ", Role.DIM), Cell(step, Role.STRONG)]
    lines = [line(*head)]
    lines += _served_lines(way[-1], view)
    for number, model in enumerate(draft.fallbacks.get(way[-1], ()), 1):
        lines.append(line("   ", Cell(f"fallback {number} ", Role.DIM), Cell(model, Role.STRONG)))
        lines += _served_lines(led(model, draft, view.models)[-1], view)
    return tuple(lines)


def _served_lines(model: str, view: RoutesView) -> list[Line]:
    row = view.models.row(model)
    if row is None:
        return [line("     ", Cell("no backend lists it", Role.WARN))]
    return [_place(backend, copy) for backend, copy in row.found.values()]


def _place(backend: Backend, model: Model) -> Line:
    zone = model.zone or backend.face.zone
    memory = "" if model.loaded is not False else "   on disk"
    return line(
        "     ",
        glyph(backend.status),
        Cell(f" {backend.name:<18} "),
        Cell(f"{word(backend.status)}{memory}", Role.DIM),
        Cell(f"   zone {zone.value}", Role.WARN if zone is Zone.OPEN else Role.DIM),
        Cell(f"   tier {backend.face.tier}", Role.DIM),
    )


def _policy_lines(policy: TrafficPolicy, view: RoutesView) -> tuple[Line, ...]:
    names = [name for name in view.models.names if fnmatchcase(name, policy.pattern)]
    lines = [
        line(" ", Cell("What it asks  ", Role.HEAD), Cell(policy_asks(policy), Role.STRONG)),
        line(
            " ",
            Cell("For           ", Role.HEAD),
            Cell(policy.when.words if policy.when else "every request for a matching name"),
        ),
        line(" ", Cell("Models now    ", Role.HEAD), Cell(", ".join(names) or "none matches")),
    ]
    return tuple(lines)


def pending_lines(preview: Preview | None) -> tuple[Line, ...]:
    """What the change that is not applied yet would do."""
    if preview is None:
        return (line(" ", Cell("◐ deciding the last hour's requests again", Role.INFO)),)
    lines: list[Line] = []
    lines += [line(" ", Cell(f"✖ {each}", Role.BAD)) for each in preview.problems]
    lines += [line(" ", Cell(f"! {each}", Role.WARN)) for each in preview.warnings]
    for each in preview.diff:
        role = Role.OK if each.startswith("+") else Role.BAD if each.startswith("-") else Role.DIM
        lines.append(line(" ", Cell(each, role)))
    lines.append(_effect(preview))
    for each in preview.moved[:SHOWN_MOVES]:
        lines.append(
            line(
                "   ",
                Cell(f"{each.requests:>5} ", Role.STRONG),
                Cell(each.model),
                Cell(f"   {each.before or 'served'} → ", Role.DIM),
                Cell(each.after, Role.INFO),
            )
        )
    if len(preview.moved) > SHOWN_MOVES:
        lines.append(line("   ", Cell(f"and {len(preview.moved) - SHOWN_MOVES} more", Role.DIM)))
    return tuple(lines)


def _effect(preview: Preview) -> Line:
    if not preview.decided:
        return line(" ", Cell("No request is on record to decide again.", Role.DIM))
    # In brackets stands why none serves it; those are told apart.
    elsewhere = [each for each in preview.moved if not f"{each.before}{each.after}".count("(")]
    moves = sum(each.requests for each in elsewhere)
    of = plural(preview.decided, "request")
    pieces: list[Cell | str] = [
        " ",
        Cell(f"The last {span(preview.since_s)}, {of} decided again: ", Role.HEAD),
        Cell(f"{moves} would move" if moves else "none would move", Role.STRONG),
    ]
    if preview.newly_refused:
        pieces.append(Cell(f", ! {preview.newly_refused} would be refused", Role.BAD))
    if preview.newly_served:
        pieces.append(Cell(f", {preview.newly_served} would no longer be refused", Role.OK))
    return line(*pieces)
