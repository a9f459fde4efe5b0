"""How long a drain will take, and what it will do: from what is known, said as an estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nexus.domain.backend import Backend, BackendId
from nexus.domain.events import RequestFinished, RequestRouted
from tui.render.attention import listed
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import plural, rate, span
from tui.state import EMPTY, DashboardState
from tui.window import percentile

SAMPLES = 3
"""Answers of one model on one backend before they speak for it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A request that a drain waits for."""

    request: RequestRouted
    for_s: float
    """Seconds since it was sent there."""
    left_s: float | None
    """Seconds it should still take; 0 when it is longer there than usual; None for not known."""


def running(state: DashboardState, id: BackendId, now: float) -> tuple[Running, ...]:
    """Requests under way at a backend, those that end last first."""
    there = [each for each in state.running.values() if each.backend_id == id]
    if not there:
        return ()
    usual = _usual(state, id)
    found: list[Running] = []
    for each in there:
        for_s = max(0.0, now - each.at)
        takes = usual.get(each.model, usual.get(""))
        left = None if takes is None else max(0.0, takes - for_s)
        found.append(Running(each, for_s, left))
    return tuple(sorted(found, key=lambda one: (one.left_s is not None, -(one.left_s or 0.0))))


def _usual(state: DashboardState, id: BackendId) -> Mapping[str, float]:
    """Seconds that nine of ten answers stay under, by model; under `""` for all of the backend."""
    times: dict[str, list[float]] = {}
    for entry in state.log:
        if isinstance(entry, RequestFinished) and entry.backend_id == id and not entry.is_error:
            times.setdefault(entry.model, []).append(entry.duration_ms)
    usual: dict[str, float] = {}
    for model, found in times.items():
        if len(found) >= SAMPLES:
            usual[model] = (percentile(sorted(found), 90) or 0.0) / 1000
    everything = sorted(sample.duration_ms for sample in state.windows.get(id, EMPTY).samples)
    if everything:
        usual[""] = (percentile(everything, 90) or 0.0) / 1000
    return usual


def left_s(pending: tuple[Running, ...]) -> float | None:
    """Seconds until the last one should have ended; None where nobody knows."""
    known = [one.left_s for one in pending if one.left_s is not None]
    return max(known) if known and len(known) == len(pending) else None


def countdown(pending: int, waited: tuple[Running, ...]) -> str:
    """`2 in flight, ~12s`; `safe to stop`."""
    if not pending:
        return "safe to stop"
    left = left_s(waited)
    if left is None:
        return f"{pending} in flight"
    return f"{pending} left, {'soon' if left < 1 else '~' + span(left)}"


def running_lines(pending: int, waited: tuple[Running, ...], rows: int) -> tuple[Line, ...]:
    """Each request that a drain waits for, with its expected end."""
    if not pending:
        return (line(Cell("Nothing is in flight there.", Role.OK)),)
    left = left_s(waited)
    end = "when the last one ends is not known"
    if left is not None:
        end = "the last ends any moment" if left < 1 else f"the last ends in ~{span(left)}"
    lines: list[Line] = [line(Cell(plural(pending, "request"), Role.STRONG), f" in flight; {end}.")]
    lines += [
        line(
            Cell(f"  {span(one.for_s):>5} so far ", Role.DIM),
            Cell(f" {_left(one):<16} ", Role.TEXT),
            Cell(one.request.model, Role.INFO),
            Cell(f"  {one.request.request_id}", Role.FAINT),
        )
        for one in waited[:rows]
    ]
    if len(waited) > rows:
        lines.append(line(Cell(f"  and {len(waited) - rows} more", Role.DIM)))
    return tuple(lines)


def _left(one: Running) -> str:
    if one.left_s is None:
        return "end not known"
    if one.left_s <= 0:
        return "longer than most"
    return "any moment" if one.left_s < 1 else f"~{span(one.left_s)} to go"


@dataclass(frozen=True, slots=True)
class Impact:
    """What the fleet looks like without one backend."""

    only_here: tuple[str, ...]
    """Models that nobody else could answer with."""
    elsewhere: Mapping[str, tuple[str, ...]]
    """The other models, with the names of who takes over."""
    per_s: Mapping[str, float]
    """Requests a second of late, by model; those without traffic are left out."""
    slots: tuple[int, int] | None
    """Places of the fleet before and after; None where somebody has no limit."""


def impact(state: DashboardState, id: BackendId) -> Impact:
    """What happens without that backend."""
    backend = state.backends[id]
    others = [b for b in state.backends.values() if b.id != id and b.is_routable]
    wanted = {model.id for model in backend.models}
    takers: dict[str, list[str]] = {}
    for other in others:
        for model in other.models:
            if model.id in wanted:
                takers.setdefault(model.id, []).append(other.name)
    return Impact(
        tuple(model.id for model in backend.models if model.id not in takers),
        {name: tuple(found) for name, found in takers.items()},
        _traffic(state, id),
        _slots(backend, others),
    )


def _traffic(state: DashboardState, id: BackendId) -> Mapping[str, float]:
    ended = [entry for entry in state.log if isinstance(entry, RequestFinished)]
    if len(ended) < 2:
        return {}
    seconds = max(10.0, ended[-1].at - ended[0].at)
    counts: dict[str, int] = {}
    for entry in ended:
        if entry.backend_id == id:
            counts[entry.model] = counts.get(entry.model, 0) + 1
    return {model: count / seconds for model, count in counts.items()}


def _slots(backend: Backend, others: Sequence[Backend]) -> tuple[int, int] | None:
    limits = [other.face.max_concurrent for other in others]
    own = backend.face.max_concurrent
    if own is None or any(limit is None for limit in limits):
        return None
    left = sum(limit or 0 for limit in limits)
    return left + own, left


def impact_lines(what: Impact, aliases: Mapping[str, str] | None, rows: int) -> tuple[Line, ...]:
    """What happens to each model, those in danger first.

    Args:
        aliases: alias to model; None while it is being asked for.
    """
    lines: list[Line] = []
    lines += [
        line(
            Cell("! ", Role.BAD),
            Cell(model, Role.STRONG),
            Cell("  only copy here: requests for it fail", Role.WARN),
            *_busy(what, model),
        )
        for model in what.only_here[:rows]
    ]
    if len(what.only_here) > rows:
        lines.append(line(Cell(f"! and {len(what.only_here) - rows} more only here", Role.WARN)))
    room = max(0, rows - len(lines))
    moving = sorted(what.elsewhere, key=lambda name: -what.per_s.get(name, 0.0))
    for model in moving[:room]:
        takers = listed(list(what.elsewhere[model]))
        name = Cell(model, Role.STRONG)
        lines.append(line("  ", name, f"  stays with {takers}", *_busy(what, model)))
    if len(moving) > room:
        more = plural(len(moving) - room, "more model" if room else "model")
        lines.append(line(Cell(f"  {more} with copies elsewhere", Role.DIM)))
    if aliases is not None:
        lines += _aliases(what, aliases)
    if what.slots is not None:
        before, after = what.slots
        lines.append(line(Cell(f"  places of the fleet {before} → {after}", Role.DIM)))
    return tuple(lines)


def _busy(what: Impact, model: str) -> tuple[Cell, ...]:
    per_s = what.per_s.get(model, 0.0)
    return (Cell(f"  {rate(per_s)} req/s", Role.DIM),) if per_s >= 0.05 else ()


def _aliases(what: Impact, aliases: Mapping[str, str]) -> list[Line]:
    broken = [alias for alias, model in aliases.items() if model in what.only_here]
    fine = [alias for alias, model in aliases.items() if model in what.elsewhere]
    lines: list[Line] = []
    if broken:
        lines.append(line(Cell(f"! aliases that fail: {listed(broken, 3)}", Role.WARN)))
    if fine:
        lines.append(line(Cell(f"  aliases that keep working: {listed(fine, 3)}", Role.DIM)))
    return lines
