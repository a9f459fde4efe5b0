"""Traffic and latency over time, side by side or alone, and the scale of time below them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.clean import width as columns_of
from tui.render.braille import Series, Values, chart
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import count, millis, rate, span

WINDOWS = (120, 180, 300, 600, 900)
"""How much time the fleet's charts show, seconds: the first that covers what was seen."""

BRIDGE = 6
"""Steps without an answer that a line of latency crosses."""


def window_for(seen_s: float) -> int:
    """Seconds that a chart should show after looking for `seen_s`."""
    return next((seconds for seconds in WINDOWS if seconds >= seen_s), WINDOWS[-1])


def per_s(value: float | None) -> str:
    """The scale of a rate."""
    return rate(value)


def whole(value: float | None) -> str:
    """The scale of a count."""
    return "-" if value is None else count(round(value))


def traffic(requests: Values, errors: Values, unit: Callable[[float | None], str] = per_s) -> Plot:
    """Requests and failures."""
    series = [Series("all", requests, Role.INFO)]
    if any(errors):
        series.append(Series("failed", errors, Role.BAD))
    return Plot("TRAFFIC", "req/s" if unit is per_s else "requests", series, unit)


def latency(p50: Values, p95: Values) -> Plot:
    """How long whole answers took."""
    series = [Series("p95", p95, Role.WARN, BRIDGE), Series("p50", p50, Role.OK, BRIDGE)]
    return Plot("LATENCY", "whole answers", series, millis)


class Plot:
    """A chart with its heading."""

    def __init__(
        self,
        title: str,
        note: str,
        series: Sequence[Series],
        label: Callable[[float | None], str],
    ) -> None:
        self.title = title
        self.note = note
        self.series = series
        self.label = label

    def lines(
        self, width: int, height: int, seconds: int, end: str, keys: str = "", since: str = ""
    ) -> tuple[Line, ...]:
        """Heading and chart in exactly `height` lines.

        Args:
            keys: change the time.
            since: from when on it is known, where that is not the whole time.
        """
        time = f"since {since}" if since else f"last {long_span(seconds)}"
        head = line(
            Cell(f"{self.title}", Role.HEAD),
            Cell(f" {self.note}, {time}  ", Role.FAINT),
            Cell(keys, Role.ACCENT),
        )
        times = (f"-{long_span(seconds)}", end)
        known = any(value is not None for one in self.series for value in one.values)
        if not known:
            blank = (line(Cell("       no requests yet", Role.FAINT)),)
            return (head, *blank, *((),) * (height - 2))[:height]
        return (head, *chart(self.series, width, height - 1, self.label, times))


def long_span(seconds: int) -> str:
    """`2m`, `1h`, `24h`, `7d`."""
    if seconds >= 2 * 86_400:
        return f"{seconds // 86_400}d"
    return f"{seconds // 3600}h" if seconds >= 3600 else span(seconds)


def beside(
    plots: Sequence[Plot],
    width: int,
    height: int,
    seconds: int,
    keys: str = "",
    end: str = "now",
    since: str = "",
) -> tuple[Line, ...]:
    """Charts next to each other in `width` columns, all over the same time, which ends at `end`.

    `since`: from when on it is known, where that is not the whole time.
    """
    if not plots or width < 20 or height < 3:
        return ()
    gap = 2
    share = (width - gap * (len(plots) - 1)) // len(plots)
    blocks = [
        plot.lines(share, height, seconds, end, "" if number else keys, since)
        for number, plot in enumerate(plots)
    ]
    rows: list[Line] = []
    for y in range(height):
        pieces: list[Cell] = []
        for number, block in enumerate(blocks):
            part = block[y] if y < len(block) else ()
            pieces += part
            if number < len(blocks) - 1:
                used = sum(columns_of(cell.text) for cell in part)
                pieces.append(Cell(" " * max(0, share + gap - used)))
        rows.append(tuple(pieces))
    return tuple(rows)
