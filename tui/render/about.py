"""What the page about one backend says: the moment, its models, failures, settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nexus.domain.backend import Backend, FactSource, Load, Model, Speed, Zone
from nexus.domain.events import RequestFinished
from tui.render.cells import UNKNOWN, Cell, Line, Role, known, line
from tui.render.columns import Column
from tui.render.fields import shown_url
from tui.render.numbers import clock, context, count, millis, percent, rate, span
from tui.render.status import LOOK, SLOW, http_cell
from tui.render.wrap import wrap
from tui.state import DashboardState, Slow
from tui.window import Latency, Rates

_MEMORY: dict[str | None, Cell] = {
    None: UNKNOWN,
    "installed": Cell("◦ disk", Role.DIM),
    "loading": Cell("◐ loads", Role.INFO),
    "loaded": Cell("● loaded", Role.OK),
    "sleeping": Cell("☾ sleeps", Role.INFO),
}
_CAN = (
    ("vision", "v"),
    ("tools", "t"),
    ("json_mode", "j"),
    ("embeddings", "e"),
    ("audio", "a"),
    ("reasoning", "r"),
)
NO_SPEED = Speed()


def summary(
    backend: Backend,
    load: Load,
    traffic: Rates,
    latency: Latency,
    draining: str,
    now: float,
    room: int = 120,
) -> tuple[Line, ...]:
    """Status and why; load; latency. Three lines of steady shape.

    Args:
        draining: the countdown, empty while it is not draining.
        room: columns; where they are few, when it was checked is left out.
    """
    mark, word, role = LOOK[backend.seen_with(load.pending)]
    since = "" if backend.since is None else f" for {span(now - backend.since)}"
    first: list[Cell | str] = [
        Cell(f"{backend.name}  ", Role.STRONG),
        Cell(f"{mark} {word}{since}", role),
    ]
    if draining:
        first.append(Cell(f"   {draining}", Role.STRONG))
    if backend.reason:
        first.append(Cell(f"   {backend.reason}", Role.TEXT))
    if backend.next:
        first.append(Cell(f"   {backend.next}", Role.STRONG))
    limit = backend.face.max_concurrent
    places = f"{load.pending}/{limit}" if limit else str(load.pending)
    failing = traffic.error_percent
    loud = Role.BAD if failing is not None and failing >= 2 else Role.STRONG
    second: list[Cell | str] = [
        Cell(f"{places:>5}", Role.STRONG),
        Cell(" in flight ", Role.DIM),
        Cell(f"{rate(traffic.requests_per_s):>6}", Role.STRONG),
        Cell(" req/s ", Role.DIM),
        Cell(f"{rate(load.tokens_per_s):>6}", Role.STRONG),
        Cell(" tok/s ", Role.DIM),
        Cell(f"{'-' if failing is None else percent(failing) + '%':>6}", loud),
        Cell(" fail  ", Role.DIM),
        Cell(f"{count(load.total)} served", Role.DIM),
        *_inside(backend),
    ]
    third = line(
        Cell(f"{millis(latency.p50):>6}", Role.STRONG),
        Cell(" p50 ", Role.DIM),
        Cell(f"{millis(latency.p95):>6}", Role.STRONG),
        Cell(" p95 ", Role.DIM),
        Cell(f"{millis(latency.p99):>6}", Role.STRONG),
        Cell(" p99 ", Role.DIM),
        Cell(f"{millis(latency.ttft_p50):>6}", Role.STRONG),
        Cell(" first byte", Role.DIM),
        Cell(f"   {_check(backend, now)}" if room >= 80 else "", Role.DIM),
    )
    return (line(*first), line(*second), third)


def slowness(slow: Slow, now: float, room: int) -> tuple[Line, ...]:
    """Why it is slow, and what that does: one line, or two where columns are few."""
    mark, word, role = SLOW
    pieces = line(
        Cell(f"{mark} {word} for {span(now - slow.since)}", role),
        Cell(f"  {slow.why}", Role.STRONG),
        f"; {slow.what}" if slow.what else "",
    )
    return wrap(pieces, room, 2)[:2]


def _inside(backend: Backend) -> list[Cell]:
    """What the server says of itself, requests of others included."""
    told = (
        (backend.slots, "slots"),
        (backend.running, "running"),
        (backend.waiting, "waiting"),
    )
    parts = [f"{number} {word}" for number, word in told if number is not None]
    return [Cell(f"   inside: {', '.join(parts)}", Role.DIM)] if parts else []


def checked(name: str, before: Backend, after: Backend | None) -> str:
    """What a check has found, once its result is known."""
    if after is None or after.checked_at == before.checked_at:
        return f"{name} was checked."
    found = LOOK[after.status][1]
    if after.reason:
        return f"{name} was checked: {found}, {after.reason}"
    took = "" if after.probe_ms is None else f", it answered in {millis(after.probe_ms)}"
    return f"{name} was checked: {found}{took}."


def _check(backend: Backend, now: float) -> str:
    if backend.checked_at is None:
        return "not checked yet"
    took = "" if backend.probe_ms is None else f" in {millis(backend.probe_ms)}"
    return f"checked {span(now - backend.checked_at)} ago{took}"


# ---- its models

MODELS = (
    Column("MODEL", 16, widest=28),
    Column("MEMORY", 8),
    Column("CTX", 5, right=True, drop=2),
    Column("CAN", 6, drop=1),
    Column("UP", 3, right=True, drop=3),
    Column("TTFT", 6, right=True, drop=5),
    Column("TOK/S", 5, right=True, drop=4),
    Column("SAID BY", 14, widest=34, drop=6),
)


def model_cells(model: Model, load: Load, copies: int) -> tuple[Cell, ...]:
    """One model, in the order of `MODELS`. `copies` are backends that could serve it now."""
    speed = (load.speeds or {}).get(model.id, NO_SPEED)
    up = Cell(str(copies), Role.DIM)
    if copies <= 1:
        up = Cell(f"{copies}!", Role.WARN if copies else Role.BAD)
    able = "".join(letter if getattr(model, name) else " " for name, letter in _CAN)
    ctx = UNKNOWN if model.context_length is None else Cell(context(model.context_length))
    return (
        Cell(model.id, Role.STRONG),
        _MEMORY[model.residency],
        ctx,
        Cell(able, Role.ACCENT),
        up,
        known(millis(speed.ttft_ms)),
        known(rate(speed.tokens_per_s)),
        Cell(_said_by(model), Role.DIM),
    )


def _said_by(model: Model) -> str:
    """Whose word the facts are: `server 3, guess 1`."""
    parts: list[str] = []
    if model.zone is Zone.OPEN:
        parts.append("sends on (zone open)")
    counts = Counter(source for _, source in model.sources)
    parts += [f"{source.value} {counts[source]}" for source in FactSource if counts[source]]
    return ", ".join(parts) or "-"


# ---- what failed there

FAILING = (
    Column("TIME", 8),
    Column("STATUS", 6),
    Column("MODEL", 14, widest=30, drop=2),
    Column("AFTER", 6, right=True, drop=1),
    Column("WHAT", 14, widest=120),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed here, whoever answered it in the end."""

    entry: RequestFinished
    why: str
    after_ms: float
    saved_by: str = ""
    """Name of the backend that answered after all."""


def failures(state: DashboardState, backend: Backend) -> tuple[Failure, ...]:
    """Of late, newest first."""
    found: dict[str, Failure] = {}
    window = state.windows.get(backend.id)
    for entry in (*(window.errors if window else ()), *state.log):
        if not isinstance(entry, RequestFinished):
            continue
        if entry.backend_id == backend.id and entry.is_error:
            text = entry.error or "the client was told of an error"
            found[entry.request_id] = Failure(entry, text, entry.duration_ms)
            continue
        for attempt in entry.failures:
            if attempt.backend == backend.name:
                found[entry.request_id] = Failure(
                    entry, attempt.why, attempt.after_ms, entry.backend
                )
    return tuple(sorted(found.values(), key=lambda one: -one.entry.at))


def failure_cells(one: Failure, utc_offset_s: int) -> tuple[Cell, ...]:
    """One row, in the order of `FAILING`."""
    entry = one.entry
    saved = f"; {one.saved_by} answered" if one.saved_by else ""
    status = Cell("▲ tried", Role.WARN) if one.saved_by else http_cell(entry.status, entry.error)
    return (
        Cell(clock(entry.at, utc_offset_s), Role.DIM),
        status,
        Cell(entry.model),
        known(millis(one.after_ms)),
        Cell(f"{one.why}{saved}", Role.WARN if one.saved_by else Role.BAD),
    )


# ---- what is told about it

TOLD = (Column("SETTING", 11), Column("VALUE", 20, widest=100))


def settings(backend: Backend) -> Mapping[str, Cell]:
    """What is told about it, by label. No key is here, only where it comes from."""
    face = backend.face
    limit = "none" if face.max_concurrent is None else f"{face.max_concurrent} at a time"
    key = f"${face.api_key_env}" if face.api_key_env else "none"
    version = f" {backend.version}" if backend.version else ""
    own = "" if face.zone_told else "  as its kind is"
    return {
        "url": Cell(shown_url(face), Role.STRONG),
        "type": Cell(f"{face.type}{version}"),
        "zone": Cell(f"{face.zone}{own}", Role.WARN if face.zone is Zone.OPEN else Role.TEXT),
        "priority": Cell(f"{face.priority}  0 is preferred to 100"),
        "tier": Cell(f"{face.tier}  of 5"),
        "limit": Cell(limit),
        "API key": Cell(key),
        "known from": Cell(_SOURCES[face.source.value]),
        "id": Cell(face.id, Role.DIM),
    }


_SOURCES = {
    "static": "the configuration file",
    "probe": "a look at the well-known ports",
    "mdns": "an announcement on the network (mDNS)",
    "beacon": "another Nexus on the network",
    "manual": "an operator",
}
