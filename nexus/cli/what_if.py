"""`nexus what-if`: recorded requests decided again in another fleet or configuration."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, talk
from nexus.cli.control_key import add_key_option
from nexus.cli.target import URL_VARIABLE

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

PATH = "/nexus/v1/what-if"
TIMEOUT_S = 60.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `what-if`."""
    parser = subparsers.add_parser(
        "what-if",
        help="who would serve the recorded requests in another fleet",
        description="Decide the recorded requests again, without some backends or as another\n"
        "configuration has it: what would move, what would be refused, who would have\n"
        "more to do than it has places for. Nothing is sent and nothing is changed.",
        epilog="examples:\n  nexus what-if --drop gpu-01\n"
        "  nexus what-if --config new.toml --since 7d",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-d",
        "--drop",
        metavar="BACKEND",
        action="append",
        default=[],
        help="a backend that would not be there; may be repeated",
    )
    parser.add_argument(
        "-c",
        "--config",
        dest="proposed",
        metavar="FILE",
        help="the configuration that would be in force; - is standard input",
    )
    parser.add_argument(
        "-s", "--since", metavar="TIME", default="24h", help="how far back: 30m, 24h, 7d"
    )
    add_url_and_json(parser)
    parser.set_defaults(run=_start)


def _start(args: argparse.Namespace) -> int:
    return talk(run, args, TIMEOUT_S)


def add_url_and_json(parser: argparse.ArgumentParser) -> None:
    """For commands whose `--config` is not the one that says where Nexus is."""
    parser.add_argument(
        "--url",
        dest="gateway_url",
        metavar="URL",
        default=argparse.SUPPRESS,
        help=f"the running Nexus (environment: {URL_VARIABLE})",
    )
    add_key_option(parser)
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="for machines"
    )


def run(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print what would be. 1 where requests would be refused that were not."""
    from nexus.cli import output
    from nexus.cli.facts import number
    from nexus.errors import BadRequest

    if not args.drop and args.proposed is None:
        raise BadRequest("Say what would be different: --drop BACKEND or --config FILE")
    body: dict[str, object] = {"drop": args.drop, "since_s": seconds(args.since)}
    if args.proposed is not None:
        body["config"] = text_of(args.proposed)
    found = gateway.ask("POST", PATH, body)
    if "moves" not in found:
        gateway.must_be_nexus()
    if args.json:
        output.say_json(found)
    else:
        _say(found)
    return 1 if number(found, "refused_count") else 0


def seconds(text: str) -> float:
    """`24h` in seconds. Raises BadRequest."""
    from nexus.errors import BadRequest

    amount, unit = text[:-1], text[-1:].lower()
    try:
        value = float(amount) * _UNITS[unit]
    except (KeyError, ValueError):
        value = 0.0
    if not 0 < value < 1e9:
        raise BadRequest(f"{text!r} is no time span: write 30m, 24h or 7d")
    return value


def text_of(name: str) -> str:
    """The text of a file; - is standard input. Raises BadRequest."""
    import sys

    from nexus.config.file import home_expanded
    from nexus.errors import BadRequest

    try:
        return sys.stdin.read() if name == "-" else home_expanded(name).read_text("utf-8-sig")
    except OSError as problem:
        said = problem.strerror or type(problem).__name__
        raise BadRequest(f"{name} cannot be read: {said}") from None
    except UnicodeDecodeError:
        raise BadRequest(f"{name} is not UTF-8 text") from None


def _say(found: Facts) -> None:
    from nexus.cli import output
    from nexus.cli.facts import texts

    output.say(_summary(found))
    for table in (_moves(found), _refused(found), _served_now(found), _pressure(found)):
        if table:
            output.say("")
            output.say(table)
    for note in texts(found, "notes"):
        output.say("")
        output.say(f"Note: {note}")


def _summary(found: Facts) -> str:
    from nexus.cli.facts import number

    def told(key: str) -> int:
        return int(number(found, key) or 0)

    if not told("requests"):
        return "No request is on record for that time."
    said = [
        f"{told('requests')} requests on record: {told('stay')} would stay, {told('moved')} "
        f"would move, {told('refused_count')} would be refused"
    ]
    if told("served_now_count"):
        said.append(f"{told('served_now_count')} that were refused would be served")
    if told("still_refused"):
        said.append(f"{told('still_refused')} would be refused as before")
    if told("lost_anyway"):
        said.append(f"{told('lost_anyway')} could not be served now, with this change or without")
    return "; ".join(said) + "."


def _moves(found: Facts) -> str:
    from nexus.cli import output
    from nexus.cli.facts import flag, number, parts, text
    from nexus.cli.table import Column, render

    rows: list[list[str]] = []
    for each in parts(found, "moves"):
        to, served = text(each, "to"), text(each, "served_by")
        if served and served != text(each, "model"):
            to += f" ({served})"
        if flag(each, "leaves_zone"):
            to += " ! zone open"
        count = f"{number(each, 'requests') or 0:.0f}"
        rows.append([text(each, "model"), text(each, "from"), to, count])
    columns = [
        Column("Would move"),
        Column("From"),
        Column("To"),
        Column("Requests", right=True, short=True),
    ]
    return render(columns, rows, output.columns()) if rows else ""


def _refused(found: Facts) -> str:
    from nexus.cli import output
    from nexus.cli.facts import number, parts, text
    from nexus.cli.table import Column, render

    rows = [
        [
            text(each, "model"),
            f"{number(each, 'status') or 0:.0f} {text(each, 'code')}",
            text(each, "why"),
            f"{number(each, 'requests') or 0:.0f}",
        ]
        for each in parts(found, "refused")
    ]
    columns = [
        Column("Would be refused"),
        Column("With"),
        Column("Why"),
        Column("Requests", right=True, short=True),
    ]
    return render(columns, rows, output.columns()) if rows else ""


def _served_now(found: Facts) -> str:
    from nexus.cli import output
    from nexus.cli.facts import number, parts, text
    from nexus.cli.table import Column, render

    rows = [
        [text(each, "model"), text(each, "to"), f"{number(each, 'requests') or 0:.0f}"]
        for each in parts(found, "served_now")
    ]
    columns = [
        Column("Would be served"),
        Column("By"),
        Column("Requests", right=True, short=True),
    ]
    return render(columns, rows, output.columns()) if rows else ""


def _pressure(found: Facts) -> str:
    from nexus.cli import output
    from nexus.cli.facts import flag, number, parts, text
    from nexus.cli.table import Column, render

    def change(each: Facts, before: str, after: str, unit: str = "") -> str:
        return f"{number(each, before) or 0:.0f}{unit} -> {number(each, after) or 0:.0f}{unit}"

    rows: list[list[str]] = []
    for each in parts(found, "pressure"):
        places = number(each, "places")
        over = "-" if places is None else change(each, "over_before_s", "over_after_s", " s")
        rows.append(
            [
                text(each, "backend") + (" ! overload" if flag(each, "overloads") else ""),
                change(each, "requests_before", "requests_after"),
                change(each, "peak_before", "peak_after"),
                "?" if places is None else f"{places:.0f}",
                over,
            ]
        )
    columns = [
        Column("Backend"),
        Column("Requests", right=True),
        Column("Most at once", right=True),
        Column("Places", right=True, short=True),
        Column("Above its places", right=True),
    ]
    return render(columns, rows, output.columns()) if rows else ""
