"""`nexus chart`: a number over time, drawn in the terminal from the history that Nexus keeps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway

PATH = "/nexus/v1/series"
STEPS_S = (60, 300, 900, 3600, 6 * 3600, 86_400)
"""Steps that people read; the history keeps minutes."""
MOST_POINTS = 120
"""A terminal shows no more."""
# The domain's words, written out because importing its enums costs start-up time.
UNITS = {
    "requests": "requests",
    "errors": "errors",
    "latency_p50": "ms, median of whole answers",
    "latency_p95": "ms, 95 of 100 whole answers",
    "ttft_p50": "ms to the first byte, median",
    "ttft_p95": "ms to the first byte, 95 of 100",
    "tokens_per_second": "tokens/s of one request",
    "prompt_tokens": "tokens read",
    "completion_tokens": "tokens written",
}
"""Each metric, and what its numbers are."""
SUMS = frozenset({"requests", "errors", "prompt_tokens", "completion_tokens"})
"""Where no point means nothing happened. For the others it means not known: a gap."""


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `chart`."""
    parser = declare(
        subparsers,
        "chart",
        run,
        help="draw a number over time in the terminal",
        description="Draw requests, errors, latency, time to first byte or speed over time: of\n"
        "the whole gateway, of one backend, or of one model.",
        example="nexus chart latency_p95 --backend gpu-01 --since 24h",
    )
    parser.add_argument(
        "metric",
        nargs="?",
        default="requests",
        choices=tuple(UNITS),
        help="what to draw (default requests)",
    )
    parser.add_argument("-b", "--backend", metavar="NAME", default="", help="of one backend")
    parser.add_argument("-m", "--model", metavar="NAME", default="", help="of one model")
    parser.add_argument(
        "-s", "--since", metavar="TIME", default="1h", help="how far back: 30m, 24h, 7d (1h)"
    )


def run(gateway: Gateway, args: argparse.Namespace) -> int:
    """Draw."""
    import time
    from urllib.parse import urlencode

    from nexus.cli import output
    from nexus.cli.times import moment
    from nexus.errors import BadRequest

    now = time.time()
    since = moment(args.since, now)
    if since >= now:
        raise BadRequest("--since must be a time that has passed")
    step_s = step(now - since)
    asked = {
        "metric": args.metric,
        "since": since,
        "step_s": step_s,
        "backend": args.backend,
        "model": args.model,
    }
    points = read(gateway.rows(f"{PATH}?{urlencode(asked)}"))
    if args.json:
        rows = [{"at": at, "value": value} for at, value in points]
        output.say_json({**asked, "points": rows})
        return 0
    whose = args.backend or args.model or "the whole gateway"
    if not any(value for _, value in points):
        output.say(f"Nothing on record since {args.since} for {whose}.")
        return 0
    output.say(drawn(points, args.metric, whose, step_s, output.columns() or 100))
    return 0


def step(span_s: float) -> int:
    """Seconds between two points: the smallest step that keeps them readable."""
    return next((each for each in STEPS_S if span_s / each <= MOST_POINTS), STEPS_S[-1])


def read(rows: Sequence[object]) -> list[tuple[int, float | None]]:
    """Points of an answer. What is not a point is left out."""
    points: list[tuple[int, float | None]] = []
    for row in rows:
        match row:
            case [int() as at, int() | float() | None as value]:
                points.append((at, value))
            case {"at": int() as at, "value": int() | float() | None as value}:
                points.append((at, value))
            case _:
                pass
    return points


def drawn(
    points: Sequence[tuple[int, float | None]],
    metric: str,
    whose: str,
    step_s: int,
    columns: int,
) -> str:
    """The chart as lines of text; colours only where the terminal shows them."""
    from importlib import import_module

    from nexus.cli.output import has_colour
    from nexus.domain.text import clean

    plotext: Any = import_module("plotext")  # it has no types

    known = [
        (at, value if value is not None else 0.0)
        for at, value in points
        if value is not None or metric in SUMS
    ]
    if not known:
        return ""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(max(40, min(columns, 160)), 18)
    unit = "" if UNITS[metric] == metric else f": {UNITS[metric]}"
    plotext.title(f"{metric} of {clean(whose, 60)}{unit}, by {_words(step_s)}")
    plotext.plot(
        [at for at, _ in known],
        [value for _, value in known],
        marker="braille",
        color="cyan" if has_colour() else "default",
    )
    first, last = known[0][0], known[-1][0]
    ticks = [first + round((last - first) * part / 4) for part in range(5)]
    plotext.xticks(ticks, [_clock(at, last - first) for at in ticks])
    marks = _marks(max(value for _, value in known))
    plotext.yticks(marks, [f"{mark:,g}" for mark in marks])
    plotext.ylim(0, marks[-1])
    text = plotext.build()
    return str(text if has_colour() else plotext.uncolorize(text))


def _marks(most: float) -> list[float]:
    """Round numbers from 0 to `most` or a little more, at most seven."""
    size = 10.0 ** (len(str(int(max(most, 1)))) - 1)
    step = next(size * part for part in (0.2, 0.5, 1, 2) if size * part * 6 >= most)
    step = max(step, 1.0)
    return [step * number for number in range(int(-(-most // step)) + 1)]


def _words(step_s: int) -> str:
    if step_s < 3600:
        minutes = step_s // 60
        return "the minute" if minutes == 1 else f"{minutes} minutes"
    hours = step_s // 3600
    return "the hour" if hours == 1 else f"{hours} hours"


def _clock(at: int, span_s: int) -> str:
    import time

    return time.strftime("%H:%M" if span_s < 86_400 else "%d %b %H:%M", time.localtime(at))
