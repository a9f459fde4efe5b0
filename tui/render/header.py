"""The header line and the summary tiles."""

from __future__ import annotations

from nexus.domain.backend import BackendStatus
from nexus.domain.gateway import GatewayInfo
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import clock, count, millis, percent, plural, rate, span, uptime
from tui.render.spark import spark
from tui.render.status import LOOK
from tui.state import DashboardState, Link
from tui.window import Latency, Rates


def header_left(info: GatewayInfo, state: DashboardState, width: int) -> Line:
    """Product, address, how healthy the fleet is; short words where room is short."""
    short = width < 110
    url = info.url.removeprefix("http://") if short else info.url
    pieces: list[Cell | str] = [Cell(" NEXUS ", Role.BADGE), "  ", Cell(url, Role.STRONG)]
    if info.demo:
        pieces += ["  ", Cell("DEMO" if short else "DEMO simulated fleet", Role.WARN)]
    pieces += ["  " if short else "   ", *_health(state, short=short)]
    return line(*pieces)


def header_right(info: GatewayInfo, now: float, width: int) -> Line:
    """How long it has been up, and which version it is."""
    up = line(Cell("up ", Role.DIM), Cell(uptime(now - info.started_at)))
    return line(*up, Cell(" " if width < 110 else f"   {info.version} ", Role.DIM))


def old_right(at: float, utc_offset_s: int) -> Line:
    """Since when nothing new is heard, in the place of the uptime."""
    return line(Cell(f"as of {clock(at, utc_offset_s)} ", Role.WARN))


def paused_right(at: float, now: float, utc_offset_s: int, width: int) -> Line:
    """Which moment is looked back at, in the place of the uptime; always short enough to stand."""
    ago = f"{span(now - at)} ago" if now - at >= 1 else "now"
    if width < 72:
        return line(Cell(f"⏸ {ago} ", Role.WARN))
    keys = "p goes on" if width < 110 else ", earlier . later p goes on"
    return line(
        Cell(f"⏸ {clock(at, utc_offset_s)}, {ago}", Role.WARN), Cell(f"  {keys} ", Role.DIM)
    )


def _health(state: DashboardState, *, short: bool) -> list[Cell | str]:
    if state.link is Link.WAITING:
        return [Cell("◐ connecting", Role.INFO)]
    if state.link is Link.LOST:
        if short:
            why = f": {state.link_detail.partition(':')[0]}" if state.link_detail else ""
            return [Cell(f"✖ lost{why}", Role.BAD)]
        why = state.link_detail or "showing the last known state"
        return [Cell(f"✖ connection lost: {why}", Role.BAD)]
    total = len(state.backends)
    if not total:
        return [Cell("○ no backends", Role.WARN)]
    healthy = sum(backend.is_routable for backend in state.backends.values())
    role = Role.OK if healthy == total else Role.WARN if healthy else Role.BAD
    pieces: list[Cell | str] = [Cell(f"{healthy}/{total} healthy", role)]
    tally = state.tally
    for status, (mark, word, look) in LOOK.items():
        number = tally.get(status, 0)
        if number and status is not BackendStatus.HEALTHY:
            pieces += ["  ", Cell(f"{mark} {number}" if short else f"{mark} {number} {word}", look)]
    return pieces


def tiles(
    state: DashboardState,
    traffic: Rates,
    latency: Latency,
    bars: tuple[int | None, ...],
    width: int,
    *,
    tall: bool,
    trend: bool = True,
) -> tuple[Line, ...]:
    """Five numbers of the whole fleet: one line, or label over value over detail."""
    in_flight = state.in_flight
    failing = traffic.error_percent
    loud = failing is not None and failing >= 2
    error_role = Role.BAD if loud else Role.STRONG
    error_text = "-" if failing is None else f"{percent(failing)}%"
    values = (
        ("req/s", Cell(rate(traffic.requests_per_s), Role.STRONG), "last 10s"),
        ("in flight", Cell(str(in_flight), Role.STRONG), _capacity(state)),
        ("p95", _value(millis(latency.p95)), f"p50 {millis(latency.p50)}"),
        (
            "tok/s",
            Cell(rate(traffic.tokens_per_s), Role.STRONG),
            f"ttft {millis(latency.ttft_p50)}",
        ),
        (
            "errors",
            Cell(("! " if loud else "") + error_text, error_role),
            f"{count(traffic.errors)} of {count(traffic.requests)}",
        ),
    )
    if not tall:
        pieces: list[Cell | str] = [" "]
        for label, value, _ in values:
            pieces += [Cell(f"{label} ", Role.DIM), Cell(value.text.ljust(6), value.role), "  "]
        return (line(*pieces),)
    room = width - 2
    bars_wide = min(60, max(12, room // 4)) if trend else 0
    tile = min(30, max(12, (room - bars_wide - 3) // len(values)))
    heads: list[Cell] = [Cell("  ")]
    numbers: list[Cell] = [Cell("  ")]
    notes: list[Cell] = [Cell("  ")]
    for label, value, note in values:
        heads.append(Cell(label.upper().ljust(tile), Role.HEAD))
        numbers.append(Cell(value.text.ljust(tile), value.role))
        notes.append(Cell(note[: tile - 1].ljust(tile), Role.DIM))
    if not trend:
        return (tuple(heads), tuple(numbers), tuple(notes))
    shown = bars[-bars_wide:]
    heads.append(Cell("TRAFFIC 2m", Role.HEAD))
    numbers.append(Cell(spark(shown), Role.INFO))
    peak = max((bar or 0 for bar in shown), default=0) / 2
    notes.append(Cell(f"peak {rate(peak)}/s", Role.DIM))
    return (tuple(heads), tuple(numbers), tuple(notes))


def _value(text: str) -> Cell:
    return Cell(text, Role.FAINT if text == "-" else Role.STRONG)


def _capacity(state: DashboardState) -> str:
    limits = [backend.face.max_concurrent for backend in state.backends.values()]
    if not limits or any(limit is None for limit in limits):
        return f"on {plural(len(state.backends), 'backend')}"
    return f"of {sum(limit or 0 for limit in limits)} slots"
