"""How the commands that talk to a running Nexus are declared and run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from nexus.cli.target import add_target_options
from nexus.errors import NexusError

if TYPE_CHECKING:
    from nexus.cli.client import Gateway

Subparsers = argparse._SubParsersAction  # pyright: ignore[reportPrivateUsage] # its only name

Command = Callable[["Gateway", argparse.Namespace], int]
"""Does the work and prints; the exit code."""


def declare(
    subparsers: Subparsers[argparse.ArgumentParser],
    name: str,
    run: Command,
    *,
    help: str,
    description: str,
    example: str,
    timeout_s: float | None = None,
) -> argparse.ArgumentParser:
    """Add a command with its help, the common options, and one example."""
    parser = subparsers.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_target_options(parser)

    def start(args: argparse.Namespace) -> int:
        return talk(run, args, timeout_s)

    parser.set_defaults(run=start)
    return parser


def talk(run: Command, args: argparse.Namespace, timeout_s: float | None = None) -> int:
    """Run a command against the gateway that the arguments name.

    With `--json` an error goes to standard output as JSON too, so that one stream tells all.
    """
    import os

    from nexus.cli.client import TIMEOUT_S, Gateway
    from nexus.cli.control_key import key_for
    from nexus.cli.target import url_for

    args.json = getattr(args, "json", False)
    try:
        url = url_for(args, os.environ)
        return run(Gateway(url, timeout_s or TIMEOUT_S, key_for(args, os.environ)), args)
    except NexusError as error:
        if args.json:
            from nexus.cli.output import say_json

            say_json({"error": {"message": error.message, "code": error.code}})
        raise
