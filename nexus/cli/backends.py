"""`nexus backends` and `nexus backends list`; `nexus.cli.changes` has the rest."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli import changes, draining, waiting
from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

# The domain's words, written out because importing its enums costs start-up time.
STATUSES = (
    "healthy",
    "busy",
    "sleeping",
    "loading",
    "draining",
    "rate_limited",
    "auth_error",
    "stalled",
    "unreachable",
    "unhealthy",
    "unknown",
)


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `backends` and its sub-commands."""
    parser = declare(
        subparsers,
        "backends",
        run_list,
        help="list, add, edit, remove, drain or check backends",
        description="Show or change the backends of the running Nexus. Alone it lists them.",
        example="nexus backends add http://192.168.1.20:11434",
    )
    _status_option(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    listing = declare(
        commands,
        "list",
        run_list,
        help="every backend with its health, models and latency",
        description="List the backends of the running Nexus.",
        example="nexus backends list --status unhealthy",
    )
    _status_option(listing)
    changes.register(commands)
    draining.register(commands)
    waiting.register(commands)


def _status_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-s",
        "--status",
        type=lambda said: said.lower().replace(" ", "_").replace("-", "_"),
        choices=STATUSES,
        metavar="STATUS",
        default=argparse.SUPPRESS,
        help=f"only these: {', '.join(STATUSES)}",
    )


def run_list(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print every backend, or those of one status."""
    from nexus.cli import output
    from nexus.cli.facts import parts, text

    body = gateway.get(changes.PATH)
    if "backends" not in body:
        gateway.must_be_nexus()
    listed = parts(body, "backends")
    wanted = getattr(args, "status", None)
    if wanted:
        listed = [backend for backend in listed if text(backend, "status") == wanted]
    if args.json:
        output.say_json({"backends": listed})
    elif listed:
        output.say(_table(listed, output.columns()))
    elif wanted:
        output.say(f"No backend is {wanted.replace('_', ' ')}.")
    else:
        output.say("No backends. Add one with `nexus backends add URL`.")
    return 0


def _table(backends: list[Facts], columns_wide: int | None) -> str:
    from nexus.cli.facts import number, text, texts
    from nexus.cli.output import paint_status
    from nexus.cli.table import Column, render

    columns = [
        Column("Name"),
        Column("URL"),
        Column("Type", short=True),
        Column("Status", short=True, paint=paint_status),
        Column("Models", short=True, right=True),
        Column("Latency", short=True, right=True),
        Column("Reason"),
    ]
    rows: list[list[str]] = []
    for backend in backends:
        latency = number(backend, "avg_latency_ms")
        status = text(backend, "status")
        rows.append(
            [
                text(backend, "name"),
                text(backend, "url"),
                text(backend, "backend_type"),
                status.replace("_", " "),
                f"{len(texts(backend, 'models'))}{' old' if backend.get('models_stale') else ''}",
                "-" if latency is None else f"{latency:.0f}ms",
                "" if status == "healthy" else _why(backend),
            ]
        )
    if not any(row[-1] for row in rows):  # a fleet without trouble needs no column for it
        columns.pop()
        rows = [row[:-1] for row in rows]
    return render(columns, rows, columns_wide)


def _why(backend: Facts) -> str:
    """The reason, and what comes next."""
    from nexus.cli.facts import text

    said = [text(backend, "reason"), text(backend, "next")]
    return "; ".join(part for part in said if part)
