"""`nexus changes`: who changed what, from what, to what."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, cast

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

PATH = "/nexus/v1/changes"
LISTED = 20
MOST = 1000


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `changes`."""
    parser = declare(
        subparsers,
        "changes",
        run,
        help="who changed what, and when",
        description="List what people changed: by the dashboard, the command line, a key of the\n"
        "control API, or an edit of the configuration file.",
        example="nexus changes -n 50",
    )
    parser.add_argument(
        "-n", "--limit", metavar="N", type=int, default=LISTED, help=f"at most N ({LISTED})"
    )


def run(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the last changes, newest first."""
    import time

    from nexus.cli import output
    from nexus.cli.facts import number, text
    from nexus.cli.requests import clock
    from nexus.cli.table import Column, render
    from nexus.errors import BadRequest

    if not 1 <= args.limit <= MOST:
        raise BadRequest(f"--limit must be between 1 and {MOST}")
    rows = gateway.rows(f"{PATH}?limit={args.limit}")
    changes = [cast("Facts", each) for each in rows if isinstance(each, dict)]
    if args.json:
        output.say_json({"changes": changes})
        return 0
    if not changes:
        output.say("Nobody has changed anything yet.")
        return 0
    columns = [
        Column("Time", short=True),
        Column("Who", short=True),
        Column("What", short=True),
        Column("Target", short=True),
        Column("Change"),
    ]
    now = time.time()
    table = [
        [
            clock(number(each, "at"), now),
            text(each, "who"),
            text(each, "action"),
            text(each, "target"),
            _change(each),
        ]
        for each in changes
    ]
    output.say(render(columns, table, output.columns()))
    return 0


def _change(entry: Facts) -> str:
    """`priority 50 -> 7, zone open -> restricted`; what failed says why."""
    from nexus.cli.facts import part, text
    from nexus.domain.text import clean

    outcome = text(entry, "outcome")
    if outcome not in ("", "done"):
        return outcome
    before, after = part(entry, "before"), part(entry, "after")
    said: list[str] = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if key in before and key in after:
            if old != new:
                said.append(f"{key} {_word(old)} -> {_word(new)}")
        elif (old if key in before else new) is not None:
            said.append(f"{key} {_word(old if key in before else new)}")
    return clean(", ".join(said))


def _word(value: object) -> str:
    """JSON as people write it."""
    import json

    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)
