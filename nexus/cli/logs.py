"""`nexus logs`: the last lines of the running Nexus, and how much it says."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

PATH = "/nexus/v1/log"
LEVELS = ("trace", "debug", "info", "warn", "error")
MOST = 1000
"""Lines that a gateway remembers."""
PAUSE_S = 0.5
"""Between two looks while following."""

_COLOURS = {"warn": "33", "error": "31"}


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `logs`."""
    parser = declare(
        subparsers,
        "logs",
        run,
        help="what the running Nexus says, and how much of it",
        description="Print the last lines of the log of a running Nexus, also of one that shows a\n"
        "dashboard. --set changes how much one part logs, until the next start.",
        example="nexus logs --follow --component request --level warn",
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    parser.add_argument("-n", "--lines", type=int, default=50, help="how many of the last (50)")
    parser.add_argument(
        "-l", "--level", type=str.lower, choices=LEVELS, default="trace", help="at least this level"
    )
    parser.add_argument("--component", metavar="NAME", help="of this part only")
    parser.add_argument("-g", "--grep", metavar="TEXT", default="", help="only lines with this")
    parser.add_argument(
        "--set", metavar="NAME=LEVEL", help="log more or less of a part; nexus=LEVEL is all others"
    )
    parser.add_argument("--levels", action="store_true", help="print the level of each part")


def run(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print lines, or levels."""
    if args.set is not None:
        return _set(gateway, args.set, as_json=args.json)
    if args.levels:
        return _levels(gateway, as_json=args.json)
    from time import sleep

    show = _as_json if args.json else _as_text
    lines = _read(gateway)
    found = [line for line in lines if _is_wanted(line, args)]
    for line in found[max(0, len(found) - max(0, args.lines)) :]:
        show(line)
    if not args.follow:
        return 0
    for line in _coming(lambda after: _read(gateway, after), _newest(lines, 0), sleep):
        if _is_wanted(line, args):
            show(line)
    return 0


def _coming(
    read: Callable[[int], list[Facts]], seen: int, sleep: Callable[[float], object]
) -> Iterator[Facts]:
    """Lines as they come, for ever. A Nexus that starts anew counts its lines from 1 again."""
    while True:
        sleep(PAUSE_S)
        lines = read(seen)
        if not lines and _newest(read(0), 0) < seen:
            lines = read(0)
        seen = _newest(lines, seen) if lines else seen
        yield from lines


def _read(gateway: Gateway, after: int = 0) -> list[Facts]:
    from nexus.cli.facts import parts

    return parts({"lines": gateway.rows(f"{PATH}?after={after}&limit={MOST}")}, "lines")


def _newest(lines: list[Facts], seen: int) -> int:
    from nexus.cli.facts import number

    return int(number(lines[-1], "seq") or 0) if lines else seen


def _is_wanted(line: Facts, args: argparse.Namespace) -> bool:
    from nexus.cli.facts import text

    level = text(line, "level")
    return (
        (level not in LEVELS or LEVELS.index(level) >= LEVELS.index(args.level))
        and args.component in (None, text(line, "component"))
        and args.grep.lower() in _plain(line).lower()
    )


def _plain(line: Facts) -> str:
    """Component, sentence and fields."""
    from nexus.cli.facts import part, text
    from nexus.domain.text import clean

    fields = part(line, "fields")
    pairs: list[str] = []
    for key, value in fields.items():
        said = clean(str(value))
        pairs.append(f' {clean(key)}="{said}"' if " " in said else f" {clean(key)}={said}")
    return f"{text(line, 'component'):<10} {text(line, 'message')}{''.join(pairs)}"


def _as_text(line: Facts) -> None:
    from datetime import datetime

    from nexus.cli import output
    from nexus.cli.facts import number, text

    try:
        at = datetime.fromtimestamp(number(line, "at") or 0).strftime("%H:%M:%S")  # noqa: DTZ006
    except (ValueError, OverflowError, OSError):
        at = "--:--:--"
    level = text(line, "level")
    shown = f"{level.upper():<5}"
    if level in _COLOURS and output.has_colour():
        shown = f"\x1b[{_COLOURS[level]}m{shown}\x1b[0m"
    output.say(f"{at} {shown} {_plain(line)}")


def _as_json(line: Facts) -> None:
    import json

    from nexus.cli import output

    output.say(json.dumps(line))  # one object a line: it may go on


def _set(gateway: Gateway, wish: str, *, as_json: bool) -> int:
    import json
    from urllib.parse import quote

    from nexus.cli import output
    from nexus.errors import BadRequest

    name, _, level = wish.partition("=")
    level = level.strip().lower()
    if not name.strip() or level not in LEVELS:
        raise BadRequest(f"Write --set NAME=LEVEL with a level of {', '.join(LEVELS)}")
    path = f"{PATH}/levels/{quote(name.strip(), safe='')}"
    told = gateway.send("PUT", path, json.dumps({"level": level}).encode())
    if as_json:
        output.say_json(told)
    else:
        output.say(f"{name.strip()} logs from level {level} on, until Nexus starts anew.")
    return 0


def _levels(gateway: Gateway, *, as_json: bool) -> int:
    from nexus.cli import output
    from nexus.cli.facts import text
    from nexus.cli.table import Column, render

    told = gateway.get(f"{PATH}/levels")
    if as_json:
        output.say_json(told)
        return 0
    rows = [[name, text(told, name)] for name in told]
    output.say(render([Column("Part"), Column("Level")], rows, output.columns()))
    return 0
