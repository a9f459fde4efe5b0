"""The list of requests that `nexus explain` shows without an id, and its filters."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus.cli.client import Gateway

PATH = "/nexus/v1/requests"
LISTED = 20
MOST = 5000
OUTCOMES = ("ok", "error", "left", "running")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Options that say which requests are listed."""
    add = parser.add_argument_group("which requests are listed, where no id is given").add_argument
    add("-m", "--model", metavar="NAME", help="a part of the model's name, or a glob")
    add("-b", "--backend", metavar="NAME", help="the backend's name, or a glob")
    add("-s", "--status", metavar="STATUS", help="ok, error, left, running, or a number: 503")
    add("-z", "--zone", choices=("restricted", "open"), help="where it went")
    add("--tenant", metavar="NAME", help="whose it was")
    add("--slower", metavar="SPAN", help="those that took at least this long: 500ms, 2s")
    add("--since", metavar="TIME", help="how long ago (30m, 24h, 7d), or a date")
    add("--until", metavar="TIME", help="the same, for the end")
    add("--text", metavar="TEXT", help="a part of the id, of a name or of the error")
    add("--before", metavar="REQUEST_ID", help="go on from this request of an earlier list")
    add("-n", "--limit", metavar="N", type=int, default=LISTED, help=f"at most N ({LISTED})")


def query(args: argparse.Namespace, now: float) -> str:
    """The filters as the query of a URL. Raises BadRequest."""
    from urllib.parse import urlencode

    from nexus.cli.times import moment, span_s
    from nexus.errors import BadRequest

    if not 1 <= args.limit <= MOST:
        raise BadRequest(f"--limit must be between 1 and {MOST}")
    wanted: dict[str, object] = {"limit": args.limit}
    for name in ("model", "backend", "zone", "tenant", "text", "before"):
        if (value := getattr(args, name)) is not None:
            wanted[name] = value
    if args.status is not None:
        word = str(args.status).lower()
        if word.isdecimal():
            wanted["status"] = int(word)
        elif word in OUTCOMES:
            wanted["outcome"] = word
        else:
            raise BadRequest(f"--status is one of {', '.join(OUTCOMES)}, or a number such as 503")
    if args.slower is not None:
        wanted["min_duration_ms"] = span_s(args.slower) * 1000
    for name in ("since", "until"):
        if (value := getattr(args, name)) is not None:
            wanted[name] = moment(value, now)
    return urlencode(wanted)


def run_list(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the last requests, newest first."""
    import time

    from nexus.cli import output
    from nexus.cli.facts import number, parts, text
    from nexus.cli.table import Column, render

    asked = query(args, time.time())
    body = gateway.get(f"{PATH}?{asked}")
    if "requests" not in body:
        gateway.must_be_nexus()
    requests = parts(body, "requests")
    if args.json:
        output.say_json({"requests": requests})
        return 0
    if not requests:
        filtered = asked != f"limit={args.limit}"
        output.say("No request is like that." if filtered else "No request has come yet.")
        return 0
    columns = [
        Column("Time", short=True),
        Column("Request", short=True),
        Column("Model"),
        Column("Backend"),
        Column("Status", short=True, right=True),
        Column("Took", short=True, right=True),
        Column("Why"),
    ]
    rows: list[list[str]] = []
    for each in requests:
        status, took = number(each, "status"), number(each, "duration_ms")
        rows.append(
            [
                clock(number(each, "at"), time.time()),
                text(each, "request_id"),
                text(each, "model"),
                text(each, "backend") or "-",
                "..." if status is None else f"{status:.0f}",
                "-" if took is None else f"{took:.0f}ms",
                text(each, "error") or text(each, "why"),
            ]
        )
    output.say(render(columns, rows, output.columns()))
    return 0


def clock(at: float | None, now: float) -> str:
    """`08:30:12` of today, `11-23 08:30` of another day, in local time."""
    import time

    try:
        then, today = time.localtime(at or 0), time.localtime(now)
    except (OverflowError, ValueError, OSError):
        return "-"
    same = then[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same else "%m-%d %H:%M", then)
