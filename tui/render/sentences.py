"""Everything about one request, in sentences."""

from __future__ import annotations

from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.gateway import Standing
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.detail import label
from tui.render.numbers import clock, count, millis, plural, rate
from tui.render.status import http_cell
from tui.render.why import reason
from tui.state import Entry

_REASONS = {
    RouteReason.CAPABILITY_MATCH: "it has the model and can do what was asked",
    RouteReason.CAPACITY_OVERFLOW: "the preferred backends were full",
    RouteReason.PRIVACY_REQUIREMENT: "the data may only go to its zone",
    RouteReason.FAILOVER: "an earlier choice failed before the first byte",
}


def request_lines(entry: Entry, utc_offset_s: int) -> tuple[Line, ...]:
    """What was asked, who answered and why, how fast, and how it ended."""
    if isinstance(entry, RequestRefused):
        return _refused(entry, utc_offset_s)
    return _finished(entry, utc_offset_s)


def standing_lines(standings: tuple[Standing, ...]) -> tuple[Line, ...]:
    """Each candidate with its score, or with the reason why it lost."""
    if not standings:
        return ()
    lines: list[Line] = [BLANK]
    for number, each in enumerate(standings):
        head = label("candidates" if not number else "")
        name = Cell(each.backend, Role.OK if each.place == 1 else Role.INFO)
        if each.score is None:
            lines.append(line(head, name, Cell("  ruled out: ", Role.WARN), each.why))
            continue
        place = "chosen" if each.place == 1 else f"number {each.place}"
        place = "not in the plan" if each.place is None else place
        lines.append(
            line(head, name, f"  score {each.score}, {place}", Cell(f"  {each.why}", Role.DIM))
        )
    return tuple(lines)


def _refused(entry: RequestRefused, utc_offset_s: int) -> tuple[Line, ...]:
    asked = entry.requested or "no readable model"
    return (
        line(label("request"), Cell(entry.request_id, Role.STRONG)),
        BLANK,
        line(
            label("asked"), f"At {clock(entry.at, utc_offset_s)} a client asked for ", _name(asked)
        ),
        line(label("refused"), http_cell(entry.status, ""), f"  {entry.code}"),
        line(label("told"), entry.message),
        BLANK,
        line(label(""), Cell("No backend saw this request.", Role.DIM)),
    )


def _finished(entry: RequestFinished, utc_offset_s: int) -> tuple[Line, ...]:
    return (
        line(label("request"), Cell(entry.request_id, Role.STRONG)),
        BLANK,
        *_asked(entry),
        *_served(entry),
        *_speed(entry),
        *_ended(entry, utc_offset_s),
    )


def _asked(entry: RequestFinished) -> list[Line]:
    kind = "a streamed answer" if entry.stream else "one whole answer"
    lines = [line(label("asked"), "A client asked ", _name(entry.requested), f" for {kind}.")]
    if entry.requested != entry.model:
        how = "a fallback" if entry.why.startswith("fallback:") else "an alias"
        lines.append(line(label(""), f"By {how} that became ", _name(entry.model), "."))
    return lines


def _served(entry: RequestFinished) -> list[Line]:
    lines = [
        line(
            label("routed"),
            "It went to ",
            Cell(entry.backend, Role.INFO),
            f" ({entry.backend_type}): {reason(entry.why)}.",
        ),
        line(label(""), Cell(f"Because {_REASONS[entry.reason]}.", Role.DIM)),
    ]
    if entry.tried:
        failed = ", ".join(entry.tried)
        lines.append(
            line(
                label("attempts"),
                f"{plural(entry.attempts, 'attempt')}; before it ",
                Cell(failed, Role.WARN),
                " had failed without sending a byte.",
            )
        )
    else:
        lines.append(line(label("attempts"), f"{plural(entry.attempts, 'attempt')}."))
    return lines


def _speed(entry: RequestFinished) -> list[Line]:
    first = "No byte of an answer came"
    if entry.ttft_ms is not None:
        first = f"The first byte came after {millis(entry.ttft_ms)}"
    lines = [line(label("time"), f"{first}; it took {millis(entry.duration_ms)} in all.")]
    if entry.prompt_tokens is None and entry.completion_tokens is None:
        lines.append(line(label("tokens"), Cell("The backend reported no usage.", Role.DIM)))
    else:
        speed = "" if entry.tokens_per_s is None else f", at {rate(entry.tokens_per_s)} tokens/s"
        text = f"{count(entry.prompt_tokens)} in, {count(entry.completion_tokens)} out{speed}."
        lines.append(line(label("tokens"), text))
    return lines


def _ended(entry: RequestFinished, utc_offset_s: int) -> list[Line]:
    status = http_cell(entry.status, entry.error)
    text = "The client has the whole answer."
    if entry.status == 499:
        text = "The client left before the end; the backend was told to stop."
    elif entry.error:
        text = entry.error
    elif entry.status >= 400:
        text = "The backend's error was passed on unchanged."
    at = Cell(f"  at {clock(entry.at, utc_offset_s)}", Role.DIM)
    return [line(label("ended"), status, at), line(label(""), text)]


def _name(model: str) -> Cell:
    return Cell(model, Role.ACCENT)
