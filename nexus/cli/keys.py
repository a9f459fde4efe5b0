"""`nexus keys`: who may see and change the running Nexus over HTTP."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

PATH = "/nexus/v1/keys"
# The domain's words, written out because importing its enums costs start-up time.
ROLES = ("viewer", "operator", "admin")


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `keys` and its sub-commands."""
    parser = declare(
        subparsers,
        "keys",
        run_list,
        help="list, create or revoke keys of the control plane",
        description="Show or change the keys by which dashboards, commands and scripts come in\n"
        "over HTTP. Alone it lists them. For admins.",
        example="nexus keys create laptop --role operator > laptop.key",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    declare(
        commands,
        "list",
        run_list,
        help="every key with its role and when it was used last",
        description="List the keys; never the keys themselves, which Nexus does not keep.",
        example="nexus keys list --json",
    )
    creating = declare(
        commands,
        "create",
        run_create,
        help="make a key, which is shown this once",
        description="Make a key and print it, alone, on standard output; Nexus keeps its SHA-256\n"
        "only, in the configuration file where there is one. In force at once. Where the\n"
        "new key shuts somebody out, as the first one does, it says so and asks.",
        example="nexus keys create laptop --role operator > laptop.key",
    )
    creating.add_argument("name", metavar="NAME", help="whose it is: laptop, ci, maria")
    creating.add_argument(
        "--role",
        type=str.lower,
        choices=ROLES,
        metavar="ROLE",
        default=ROLES[0],
        help="viewer sees; operator also drains, checks, cancels, loads; admin also changes "
        "backends, routing and keys (viewer)",
    )
    revoking = declare(
        commands,
        "revoke",
        run_revoke,
        help="take a key away",
        description="Take a key away: whoever uses it is shut out at once. Says who\n"
        "that is first, and asks.",
        example="nexus keys revoke laptop",
    )
    revoking.add_argument("name", metavar="NAME", help="name of the key")
    for each in (creating, revoking):
        each.add_argument(
            "--dry-run", action="store_true", help="say what it would do, and change nothing"
        )
        each.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run_list(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print every key."""
    import time

    from nexus.cli import output
    from nexus.cli.facts import parts, text
    from nexus.cli.table import Column, render

    ring = gateway.get(PATH)
    if "keys" not in ring:
        gateway.must_be_nexus()
    if args.json:
        output.say_json(ring)
        return 0
    keys = parts(ring, "keys")
    if not keys:
        output.say(f"No keys. {_local(ring)} `nexus keys create NAME` makes one.")
        return 0
    columns = [
        Column("Name"),
        Column("Role", short=True),
        Column("From", short=True),
        Column("Created", short=True),
        Column("Last used", short=True, right=True),
        Column("State"),
    ]
    now = time.time()
    rows = [
        [
            text(key, "name"),
            text(key, "role"),
            _source(key),
            _day(key),
            _used(key, now),
            _state(key),
        ]
        for key in keys
    ]
    output.say(render(columns, rows, output.columns()))
    return 0


def run_create(gateway: Gateway, args: argparse.Namespace) -> int:
    """Make a key and print it."""
    from nexus.cli import output
    from nexus.cli.facts import text, texts

    said: Facts = {"name": args.name, "role": args.role}
    impact = gateway.ask("POST", f"{PATH}?dry_run=1", said)
    if args.dry_run:
        return _tried(impact, args)
    if not texts(impact, "problems"):
        _agreed(impact, args, f"Create the key '{_name(args)}'?", ask=bool(_warnings(impact)))
    made = _changed(gateway, "POST", PATH, said, impact)
    if args.json:
        output.say_json(made)
        return 0
    output.say(text(made, "key"))
    _tell(f"Made the key '{text(made, 'name')}', {text(made, 'role')}. It is shown this once.")
    if lost := text(made, "unkept"):
        _tell(f"It is lost when Nexus stops: {lost}.")
    _tell(f"Keep it in a file that only you can read: nexus attach {gateway.url} --key-file FILE")
    return 0


def run_revoke(gateway: Gateway, args: argparse.Namespace) -> int:
    """Take a key away."""
    from urllib.parse import quote

    from nexus.cli import output
    from nexus.cli.facts import text

    path = f"{PATH}/{quote(args.name, safe='')}"
    impact = gateway.ask("DELETE", f"{path}?dry_run=1")
    if args.dry_run:
        return _tried(impact, args)
    _agreed(impact, args, f"Revoke the key '{_name(args)}'?", ask=True)
    gone = _changed(gateway, "DELETE", path, None, impact)
    if args.json:
        output.say_json(gone)
        return 0
    output.say(f"Revoked the key '{text(gone, 'name')}': it opens nothing any more.")
    if lost := text(gone, "unkept"):
        _tell(f"It opens Nexus again at the next start, or edit of the file: {lost}.")
    return 0


def _changed(gateway: Gateway, method: str, path: str, body: Facts | None, impact: Facts) -> Facts:
    """Do what was looked at. Raises Refused when the keys were changed meanwhile."""
    import json

    from nexus.cli.facts import text

    payload = None if body is None else json.dumps(body).encode()
    return gateway.send(method, path, payload, {"If-Match": f'"{text(impact, "version")}"'})


def _tried(impact: Facts, args: argparse.Namespace) -> int:
    """Say what it would do; the exit code, 1 where it cannot be."""
    from nexus.cli import output
    from nexus.cli.facts import texts
    from nexus.errors import BadRequest

    problems = texts(impact, "problems")
    if args.json:
        output.say_json(impact)
        return 1 if problems else 0
    if problems:
        raise BadRequest("; ".join(problems))
    for each in _told(impact):
        output.say(each)
    output.say("Nothing was changed.")
    return 0


def _agreed(impact: Facts, args: argparse.Namespace, question: str, *, ask: bool) -> None:
    """Say what it will do, and wait for a yes. Raises BadRequest for a no."""
    from nexus.errors import BadRequest

    if not args.json:
        for each in _told(impact):
            _tell(each)
    if args.yes or not ask:
        return
    if args.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadRequest(
            "Nothing was changed: nobody can be asked here. --dry-run says what it would do, and "
            "--yes does it"
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise BadRequest("Nothing was changed")


def _warnings(impact: Facts) -> tuple[str, ...]:
    from nexus.cli.facts import texts

    return texts(impact, "warnings")


def _told(impact: Facts) -> list[str]:
    from nexus.cli.facts import texts

    return [*(f"! {each}" for each in _warnings(impact)), *texts(impact, "effects")]


def _tell(text: str) -> None:
    """Beside what is printed for pipes."""
    import shutil

    from nexus.cli.table import wrap

    encoding = sys.stderr.encoding or "utf-8"
    said = text.encode(encoding, "replace").decode(encoding)
    pieces = [said]
    if sys.stderr.isatty():
        pieces = wrap(said, max(20, shutil.get_terminal_size().columns - 1))
    print("\n".join(pieces), file=sys.stderr)


def _name(args: argparse.Namespace) -> str:
    from nexus.domain.text import clean

    return clean(args.name, 100)


def _local(ring: Facts) -> str:
    from nexus.cli.facts import text

    local = text(ring, "local")
    if not local:
        return "Nobody gets in over HTTP."
    return f"Callers on its machine are {local} without one, others are shut out."


def _source(key: Facts) -> str:
    from nexus.cli.facts import text

    source, variable = text(key, "source"), text(key, "variable")
    if not variable:
        return source
    return variable if source == "variable" else f"{source}, {variable}"


def _day(key: Facts) -> str:
    from datetime import UTC, datetime

    from nexus.cli.facts import number

    at = number(key, "created")
    if at is None or not 0 <= at < 1e11:
        return "-"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _used(key: Facts, now: float) -> str:
    from nexus.cli.facts import number
    from nexus.cli.health import uptime

    at = number(key, "last_used")
    return "-" if at is None else f"{uptime(max(0.0, now - at)).partition(' ')[0]} ago"


def _state(key: Facts) -> str:
    from nexus.cli.facts import flag, text

    if trouble := text(key, "trouble"):
        return trouble
    if text(key, "source") == "memory":
        return "until Nexus stops"
    return "usable, yours" if flag(key, "yours") else "usable"
