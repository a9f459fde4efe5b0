"""`nexus backends waiting|approve|dismiss`: servers that were found and are not used yet."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway

DISCOVERED = "/nexus/v1/discovered"
SCAN = "/nexus/v1/scan"
PROBING_S = 30.0
"""Patience with commands that make the gateway look at servers before it answers."""


def register(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add these sub-commands of `backends`."""
    waiting = declare(
        commands,
        "waiting",
        run_waiting,
        help="servers that were found and wait for approval",
        description="List the servers that the running Nexus found beyond its machine and that\n"
        "wait for approval. --scan looks again first, at this machine too: what is\n"
        "found on it is used at once.",
        example="nexus backends waiting --scan",
        timeout_s=PROBING_S,
    )
    waiting.add_argument("--scan", action="store_true", help="look around now")
    approve = declare(
        commands,
        "approve",
        run_approve,
        help="use a server that was found",
        description="Use a server that was found. It is checked at once, and kept.",
        example="nexus backends approve gpu-1",
        timeout_s=PROBING_S,
    )
    dismiss = declare(
        commands,
        "dismiss",
        run_dismiss,
        help="forget a server that was found",
        description="Forget a server that was found. Until Nexus starts anew.",
        example="nexus backends dismiss gpu-1",
    )
    for each in (approve, dismiss):
        each.add_argument("name", metavar="NAME", help="name, id or URL of the backend")


def run_waiting(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the servers that wait."""
    from nexus.cli import output
    from nexus.cli.facts import parts, text
    from nexus.cli.table import Column, render

    if args.scan:
        gateway.ask("POST", SCAN)
    body = gateway.get(DISCOVERED)
    if "waiting" not in body:
        gateway.must_be_nexus()
    if args.json:
        output.say_json(body)
        return 0
    found = parts(body, "waiting")
    if not found:
        output.say("Nothing waits for approval. `nexus discover` says what was looked at.")
        return 0
    keys = ("name", "url", "backend_type", "detail", "via")
    rows = [[text(each, key) for key in keys] for each in found]
    columns = [Column("Name"), Column("URL"), Column("Type", short=True), Column("What")]
    output.say(render([*columns, Column("Found by")], rows, output.columns()))
    output.say(f"Use one with `nexus backends approve {text(found[0], 'id')}`.")
    return 0


def run_approve(gateway: Gateway, args: argparse.Namespace) -> int:
    """Use a server that waits."""
    from nexus.cli.changes import state
    from nexus.cli.facts import text
    from nexus.cli.output import say, say_json

    backend = gateway.ask("POST", f"{DISCOVERED}/{_waiting_id(gateway, args.name)}/approve")
    if args.json:
        say_json(backend)
    else:
        kind = text(backend, "backend_type")
        say(f"Approved '{text(backend, 'name')}' as {kind}. {state(backend)}")
    return 0


def run_dismiss(gateway: Gateway, args: argparse.Namespace) -> int:
    """Forget a server that waits."""
    from nexus.cli.facts import text
    from nexus.cli.output import say, say_json

    gone = gateway.ask("POST", f"{DISCOVERED}/{_waiting_id(gateway, args.name)}/dismiss")
    if args.json:
        say_json(gone)
    else:
        say(f"Dismissed: {text(gone, 'dismissed')}")
    return 0


def _waiting_id(gateway: Gateway, word: str) -> str:
    """The id of a server that waits, so that names and URLs need no place in a path."""
    from urllib.parse import quote

    from nexus.cli.facts import parts
    from nexus.domain.urls import backend_id, normalise

    try:
        url = normalise(word if "://" in word else f"http://{word}")
    except ValueError:
        url = ""
    for server in parts(gateway.get(DISCOVERED), "waiting"):
        if word in (server.get("id"), server.get("name")) or server.get("url") == url:
            return quote(str(server.get("id")), safe="")
    return quote(backend_id(word), safe="")
