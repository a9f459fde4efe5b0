"""Line charts out of braille dots: numbers in, lines of cells out. Pure and quick.

Each character holds two by four dots. Series may share one chart; where their dots meet, the later
one gives the role. Its name stands at the right, at the height where its line ends, so that colour
is never the only sign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.render.cells import Cell, Line, Role

Values = Sequence[float | None]

_BASE = 0x2800
_LEFT = tuple(_BASE + (n & 7) + ((n & 8) << 3) for n in range(16))
"""Braille letters of the four dots of a left column, the highest first."""
_RIGHT = tuple(((n & 7) << 3) + ((n & 8) << 4) for n in range(16))
"""What the four dots of a right column add to it."""
_ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""First digits of a scale's top."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    name: str
    """Short: it stands at the right edge."""
    values: Values
    """Oldest first, equally spaced; None leaves a gap."""
    role: Role
    bridge: int = 0
    """Missing values in a row that the line may cross: where few requests come, most steps miss."""


def top_of(values: Values) -> float:
    """A round number that all values fit below; 1 where there are none."""
    largest = max((value for value in values if value is not None), default=0.0)
    if largest < 1e-6:
        return 1.0
    power = 1.0
    while power * 10 <= largest:
        power *= 10
    while power > largest:
        power /= 10
    return next(power * digit for digit in _ROUND if power * digit >= largest * 0.999)


def chart(
    series: Sequence[Series],
    width: int,
    height: int,
    label: Callable[[float | None], str],
    times: tuple[str, str],
) -> tuple[Line, ...]:
    """`height` lines of `width` columns: dots with a scale at the left, times below.

    Args:
        label: a value in at most six columns.
        times: what stands below the oldest and the newest value.
    """
    tags = max((len(one.name) for one in series), default=0) + 1
    left = 7
    columns, rows = width - left - tags, height - 1
    if columns < 4 or rows < 1:
        return ()
    top = top_of([value for one in series for value in one.values])
    lit = [(_dots(one, top, columns * 2, rows * 4), one.role) for one in series]
    ends = _ends(series, top, rows)
    lines: list[Line] = []
    for row in range(rows):
        pieces = [Cell(f"{_mark(row, rows, top, label):>6}", Role.FAINT), Cell("┤", Role.FAINT)]
        pieces += _row(lit, row * 4, columns)
        if one := ends.get(row):
            pieces.append(Cell(f" {one.name}", one.role))
        lines.append(tuple(pieces))
    begin, end = times
    gap = max(1, columns - len(begin) - len(end))
    lines.append((Cell(f"{label(0):>6}└", Role.FAINT), Cell(f"{begin}{' ' * gap}{end}", Role.DIM)))
    return tuple(lines)


def _mark(row: int, rows: int, top: float, label: Callable[[float | None], str]) -> str:
    """The scale: its top, and its middle where there is room."""
    if row == 0:
        return label(top)
    if rows >= 4 and rows % 2 == 0 and row == rows // 2:
        return label(top / 2)
    return ""


def _dots(one: Series, top: float, across: int, down: int) -> list[int]:
    """Per column of dots the lit ones as bits, the lowest bit highest up, joined into a line."""
    values = one.values
    lit = [0] * across
    step = (across - 1) / max(1, len(values) - 1)
    scale = (down - 1) / top
    missing = one.bridge + 1
    x = y = 0
    for at, value in enumerate(values):
        if value is None:
            missing += 1
            continue
        x0, y0 = x, y
        x = int(at * step + 0.5)
        y = down - 1 - int(min(top, max(0.0, value)) * scale + 0.5)
        if missing > one.bridge:
            x0, y0 = x, y
        missing = 0
        if x <= x0 + 1:
            # A steep line fills the dots between, half of them in each column.
            low, high = (y0, y) if y0 <= y else (y, y0)
            lit[x] |= (2 << high) - (1 << low)
            continue
        slope = (y - y0) / (x - x0)
        last = y0
        for column in range(x0 + 1, x + 1):
            height = int(y0 + slope * (column - x0) + 0.5)
            low, high = (last, height) if last <= height else (height, last)
            if high > low:  # the dot before is lit already
                low, high = (low + 1, high) if last == low else (low, high - 1)
            lit[column] |= (2 << high) - (1 << low)
            last = height
    return lit


def _row(lit: Sequence[tuple[list[int], Role]], shift: int, columns: int) -> list[Cell]:
    """One row of characters as few cells as its roles allow."""
    pieces: list[Cell] = []
    text: list[str] = []
    current = Role.FAINT
    for cell in range(columns):
        left = right = 0
        role: Role | None = None
        for dots, its in lit:
            a, b = dots[cell * 2] >> shift & 15, dots[cell * 2 + 1] >> shift & 15
            if a or b:
                left, right, role = left | a, right | b, its
        if role is None:
            text.append(" ")
            continue
        if role is not current:
            if text:
                pieces.append(Cell("".join(text), current))
                text = []
            current = role
        text.append(chr(_LEFT[left] + _RIGHT[right]))
    pieces.append(Cell("".join(text), current))
    return pieces


def _ends(series: Sequence[Series], top: float, rows: int) -> dict[int, Series]:
    """Which row bears which name: near the last value, the higher line above the lower."""
    last = [
        (value, one)
        for one in series
        if (value := next((v for v in reversed(one.values) if v is not None), None)) is not None
    ]
    last.sort(key=lambda pair: -pair[0])
    ends: dict[int, Series] = {}
    above = -1
    for number, (value, one) in enumerate(last):
        row = rows - 1 - min(rows - 1, int(max(0.0, value / top) * rows))
        row = min(max(row, above + 1), rows - len(last) + number)
        if row >= 0:
            ends[row] = one
            above = row
    return ends
