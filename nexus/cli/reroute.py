"""An edit of the routes by a command: tried out, shown, then put in force.

The version that was looked at goes with the edit, so a change by somebody else in between is a
refusal and never lost.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

PATH = "/nexus/v1/routing"
TRYING_S = 60.0
"""Patience: the last hour's requests are decided again."""
SHOWN_MOVES = 10


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """`--dry-run`."""
    parser.add_argument(
        "--dry-run", action="store_true", help="say what it would change, and change nothing"
    )


def routes(gateway: Gateway) -> Facts:
    """The routes in force. Raises NoAnswer or Refused."""
    body = gateway.get(PATH)
    if "version" not in body:
        gateway.must_be_nexus()
    return body


def take_away(gateway: Gateway, args: argparse.Namespace, section: str, name: str) -> int:
    """Remove an entry of `aliases` or `fallbacks`. Raises NotFound that lists those there are."""
    from nexus.cli.facts import part
    from nexus.domain.text import clean
    from nexus.errors import NotFound

    now = routes(gateway)
    there = part(now, section)
    if name not in there:
        what = {"aliases": "alias", "fallbacks": "fallback"}[section]
        names = ", ".join(clean(each, 100) for each in there) or "none"
        raise NotFound(f"There is no {what} for '{clean(name, 100)}'. There are: {names}")
    return change(gateway, args, {section: {name: None}}, now=now)


def change(
    gateway: Gateway,
    args: argparse.Namespace,
    edit: Facts,
    *,
    method: str = "PATCH",
    now: Facts | None = None,
) -> int:
    """Try an edit, say what it does and, without `--dry-run`, put it in force.

    Args:
        edit: parts of the routes, or with PUT all of them.
        now: the routes that it was made from, where they were asked for already.

    Returns:
        The exit code: 1 where it cannot be.

    Raises:
        NoAnswer or Refused: also when somebody changed the routes meanwhile.
    """
    import json

    from nexus.cli import output
    from nexus.cli.facts import text, texts
    from nexus.errors import BadRequest

    version = text(now or routes(gateway), "version")
    payload = json.dumps(edit).encode()
    match = {"If-Match": f'"{version}"'}
    preview = gateway.send(method, f"{PATH}?dry_run=1", payload, match)
    problems, differs = texts(preview, "problems"), bool(texts(preview, "diff"))
    after = None
    if not problems and differs and not args.dry_run:
        after = gateway.send(method, PATH, payload, match)
    if args.json:
        output.say_json({"applied": after is not None, "preview": preview, "routing": after})
        return 1 if problems else 0
    if problems:
        raise BadRequest(f"Nothing was changed. {'; '.join(problems)}")
    output.say("\n".join(_told(preview)) if differs else "The routes say so already.")
    if after is not None:
        output.say("In force. `nexus routing undo` takes it back.")
    elif differs:
        output.say("Nothing was changed.")
    return 0


def _told(preview: Facts) -> list[str]:
    """What an edit does to the file and would have done to requests."""
    from nexus.cli.facts import texts
    from nexus.cli.output import has_colour

    lines: list[str] = []
    colours = {"-": "31", "+": "32"}
    for line in texts(preview, "diff"):
        colour = colours.get(line[:1])
        lines.append(f"\x1b[{colour}m{line}\x1b[0m" if colour and has_colour() else line)
    lines += [f"Warning: {each}" for each in texts(preview, "warnings")]
    return lines + _effect(preview)


def _effect(preview: Facts) -> list[str]:
    """What would have become of the last hour's requests."""
    from nexus.cli.facts import number, parts, text
    from nexus.cli.health import uptime

    def told(facts: Facts, key: str) -> int:
        return int(number(facts, key) or 0)

    decided = told(preview, "decided")
    if not decided:
        return ["No request of the last hour to try it on."]
    moved = parts(preview, "moved")
    refused, served = told(preview, "newly_refused"), told(preview, "newly_served")
    elsewhere = max(0, sum(told(each, "requests") for each in moved) - refused - served)
    of = "1 request" if decided == 1 else f"{decided} requests"
    said = f"Of {of} in the last {uptime(number(preview, 'since_s') or 0)}, "
    said += f"{elsewhere or 'none'} would have been served otherwise"
    if refused:
        said += f", {refused} would have been refused"
    if served:
        said += f", {served} that were refused would have been served"
    lines = [f"{said}{':' if moved else '.'}"]
    for each in moved[:SHOWN_MOVES]:
        before, after = text(each, "before") or "(served)", text(each, "after")
        if before == after:
            after += " (another model)"
        count = told(each, "requests")
        lines.append(f"  {text(each, 'model')}: {before} -> {after}, {count}")
    if len(moved) > SHOWN_MOVES:
        lines.append(f"  and {len(moved) - SHOWN_MOVES} more; --json has all")
    return lines
