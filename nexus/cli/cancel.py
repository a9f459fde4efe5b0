"""`nexus cancel`: ends a request that runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare
from nexus.cli.requests import PATH

if TYPE_CHECKING:
    from nexus.cli.client import Gateway


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `cancel`."""
    parser = declare(
        subparsers,
        "cancel",
        run,
        help="end a request that runs",
        description="End a request that runs: its client is told, and its backend stops working\n"
        "for it. `nexus explain --status running` lists those that run.",
        example="nexus cancel req-7f3a2c",
    )
    parser.add_argument("request_id", metavar="REQUEST_ID", help="the request")


def run(gateway: Gateway, args: argparse.Namespace) -> int:
    """End it."""
    from urllib.parse import quote

    from nexus.cli import output
    from nexus.cli.facts import text

    done = gateway.ask("POST", f"{PATH}/{quote(args.request_id, safe='')}/cancel")
    if args.json:
        output.say_json(done)
    else:
        output.say(f"Cancelled {text(done, 'cancelled')}.")
    return 0
