"""The page Accounts below its keys: money, tenants and the queue, as far as there are any. Pure."""

from __future__ import annotations

from nexus.domain.access import Role as Access
from nexus.domain.backend import Zone
from nexus.domain.events import RequestFinished
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.numbers import clock, count, plural, span
from tui.state import DashboardState

_MAY = {
    Access.VIEWER: "see everything, change nothing",
    Access.OPERATOR: "see everything, and run the fleet: drain, check, load, cancel",
    Access.ADMIN: "see and change everything",
}
_WIDE = 12
_BAR = 16


def account_lines(
    state: DashboardState, role: Access, now: float, utc_offset_s: int
) -> tuple[Line, ...]:
    """Each section with what there is, or why there is nothing. `now` in Unix seconds."""
    return (
        BLANK,
        _head("You"),
        _row("role", f"{role.value}: {_MAY[role]}"),
        BLANK,
        *_zones(state, now, utc_offset_s),
        BLANK,
        _head("Budget"),
        _nothing("No spending is counted, and no limit is set."),
        BLANK,
        _head("Tenants"),
        _nothing("Clients need no key: everybody who reaches the gateway may ask its models."),
        BLANK,
        _head("Queue"),
        _nothing("Nothing waits: a request that no backend can take is refused at once."),
    )


def _zones(state: DashboardState, now: float, utc_offset_s: int) -> list[Line]:
    """Requests and tokens of the log, by zone of the backend that served."""
    found = {zone: [0, 0, 0] for zone in Zone}
    for entry in state.log:
        if not isinstance(entry, RequestFinished):
            continue
        if (backend := state.backends.get(entry.backend_id)) is not None:
            sums = found[backend.face.zone]
            sums[0] += 1
            sums[1] += entry.prompt_tokens or 0
            sums[2] += entry.completion_tokens or 0
    total = sum(sums[0] for sums in found.values())
    if not total:
        nothing = "No request has been served while this dashboard looked."
        return [_head("Where requests went"), _nothing(nothing)]
    since = state.log[0].at
    told = f"since {clock(since, utc_offset_s)}, {span(now - since)} ago"
    lines: list[Line] = [(*_head("Where requests went"), Cell(f"   {told}", Role.DIM))]
    for zone, (requests, read, written) in found.items():
        share = requests / total
        role = Role.WARN if zone is Zone.OPEN else Role.OK
        lines.append(
            line(
                "  ",
                Cell(f"{zone.value:<{_WIDE}}", Role.DIM),
                Cell(f"{'█' * round(_BAR * share):<{_BAR}}", role),
                Cell(f" {100 * share:>3.0f}%  "),
                Cell(f"{plural(requests, 'request'):<14}"),
                Cell(f"{count(read)} tokens in, {count(written)} out", Role.DIM),
            )
        )
    return lines


def _head(text: str) -> Line:
    return line("  ", Cell(text, Role.HEAD))


def _row(label: str, text: str) -> Line:
    return line("  ", Cell(f"{label:<{_WIDE}}", Role.DIM), Cell(text))


def _nothing(text: str) -> Line:
    return line("  ", Cell(f"○ {text}", Role.DIM))
