"""Attempts of a request along an axis of milliseconds: waiting, answering, failing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.clean import clean, fit, width
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import millis

NAME = 16
"""Columns of a backend's name."""
TOOK = 7
LEAST = 10
"""Columns of an axis below which none is drawn."""

WAIT, ANSWER, FAIL, GOES_ON = "░", "█", "✖", "▶"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, in milliseconds from the request's arrival."""

    backend: str
    began: float
    ended: float | None
    """None while it goes on."""
    first_byte: float | None
    """None where none came."""
    outcome: str
    """What came of it; text from outside."""
    failed: bool


def waterfall(attempts: Sequence[Attempt], until: float, columns: int) -> tuple[Line, ...]:
    """An axis, then a line for each attempt.

    Args:
        attempts: in order.
        until: milliseconds at the axis' right end.
        columns: width of all of it.
    """
    room = columns - NAME - TOOK - 4
    longest = max((width(clean(a.outcome)) + 1 for a in attempts), default=0)
    outside = min(longest, room * 9 // 20)
    axis = room - outside
    if axis < LEAST or not attempts:
        return tuple(
            line(Cell(f"{number} {a.backend}", Role.INFO), f"  {a.outcome}")
            for number, a in enumerate(attempts, 1)
        )
    until = max(until, 1.0)
    head = line(Cell(" " * (NAME + 3) + ticks(until, axis), Role.FAINT))
    return (head, *(_row(n, a, until, axis, outside) for n, a in enumerate(attempts, 1)))


def ticks(until: float, columns: int) -> str:
    """`0ms    300ms    600ms`, each label beginning where its moment is."""
    steps = max(1, min(4, columns // 14))
    text = [" "] * columns
    for step in range(steps + 1):
        label = millis(until * step / steps)
        # The last label ends where the axis ends.
        at = min(round(columns * step / steps), columns - len(label))
        if at >= 0:
            text[at : at + len(label)] = label
    return "".join(text)[:columns]


def _row(number: int, attempt: Attempt, until: float, axis: int, outside: int) -> Line:
    def at(ms: float) -> int:
        return max(0, min(axis, int(axis * ms / until)))

    end = until if attempt.ended is None else attempt.ended
    begin = min(at(attempt.began), axis - 1)
    stop = max(begin + 1, at(end))
    first = attempt.first_byte
    middle = stop if first is None else max(begin, min(stop, at(first)))
    if first is not None and middle == stop and stop > begin + 1:
        middle -= 1  # an answer is seen, however short
    waited, answered = middle - begin, stop - middle
    last = ""
    if attempt.failed or attempt.ended is None:
        last = FAIL if attempt.failed else GOES_ON
        waited, answered = (waited, answered - 1) if answered else (waited - 1, answered)
    sign = Role.BAD if attempt.failed else Role.ACCENT
    pieces = [
        Cell(f"{number} ", Role.DIM),
        Cell(fit(attempt.backend, NAME), Role.INFO),
        Cell(" " * (1 + begin)),
        Cell(WAIT * waited, Role.DIM),
        Cell(ANSWER * answered, Role.OK),
        Cell(last, sign),
        Cell(" " * (axis - stop)),
        Cell(f"{millis(end - attempt.began):>{TOOK}}"),
    ]
    if outside:
        role = Role.BAD if attempt.failed else Role.DIM
        pieces.append(Cell(fit(f" {attempt.outcome}", outside), role))
    return line(*pieces)
