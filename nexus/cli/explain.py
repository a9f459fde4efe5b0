"""`nexus explain` and `nexus route`: why a request went where it went, and where one would go."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare
from nexus.cli.requests import PATH, add_filters, run_list

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

ENDPOINTS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
}


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `explain` and `route`."""
    explain = declare(
        subparsers,
        "explain",
        run_explain,
        help="why a request went where it went",
        description="Say why a request went to its backend, why to no other one, and what came of\n"
        "it. The id is in the header X-Nexus-Request-Id of its answer, in the log and in\n"
        "the dashboard; without one the last requests are listed. Those before the last\n"
        "start of Nexus are found too, as far as [history] keeps them.",
        example="nexus explain --status error --since 24h",
    )
    explain.add_argument("request_id", metavar="REQUEST_ID", nargs="?", help="the request")
    explain.add_argument(
        "--now", action="store_true", help="what would be done with it now; nothing is sent"
    )
    add_filters(explain)
    route = declare(
        subparsers,
        "route",
        run_route,
        help="where a request would go now; nothing is sent",
        description="Ask the running Nexus to decide about a request and to send nothing.\n"
        "--model alone stands for a short chat; - as FILE reads standard input.",
        example="nexus route --model llama3.3:70b",
    )
    route.add_argument("-m", "--model", metavar="NAME", help="the model; goes before the body's")
    route.add_argument("-b", "--body", metavar="FILE", help="the JSON body; - is standard input")
    route.add_argument(
        "-H",
        "--header",
        metavar="K:V",
        action="append",
        default=[],
        help="a header that a client would send; may be repeated",
    )
    route.add_argument(
        "-e",
        "--endpoint",
        choices=tuple(ENDPOINTS),
        default="chat",
        help="what is asked for (default: chat)",
    )


def run_explain(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the account of one request, or the list of the last ones."""
    from urllib.parse import quote

    from nexus.cli import output

    if args.request_id is None:
        return run_list(gateway, args)
    path = f"{PATH}/{quote(args.request_id, safe='')}"
    facts = gateway.get(f"{path}/now" if args.now else path)
    if args.json:
        output.say_json(facts)
    else:
        _say(facts)
    return 0


def run_route(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the decision. 1 when the request would be refused."""
    from nexus.cli import output
    from nexus.cli.facts import part, text

    headers = dict(_header(each) for each in args.header) | {"X-Nexus-Dry-Run": "1"}
    facts = gateway.send("POST", ENDPOINTS[args.endpoint], _body(args), headers)
    if "decision" not in facts:
        gateway.must_be_nexus()
    if args.json:
        output.say_json(facts)
    else:
        _say(facts)
    return 0 if text(part(facts, "decision"), "outcome") == "routed" else 1


def _body(args: argparse.Namespace) -> bytes:
    """The request to be decided about. Raises BadRequest."""
    import json
    import sys
    from pathlib import Path
    from typing import cast

    from nexus.errors import BadRequest

    value: dict[str, object] = {"messages": [{"role": "user", "content": "Hello"}]}
    if args.endpoint != "chat":
        value = {"input": "Hello"} if args.endpoint == "embeddings" else {"prompt": "Hello"}
    if args.body is not None:
        try:
            raw = sys.stdin.read() if args.body == "-" else Path(args.body).read_text("utf-8")
            loaded: object = json.loads(raw)
        except OSError as problem:
            said = problem.strerror or type(problem).__name__
            raise BadRequest(f"{args.body} cannot be read: {said}") from None
        except (ValueError, RecursionError):
            raise BadRequest(f"{args.body} holds no JSON") from None
        if not isinstance(loaded, dict):
            raise BadRequest(f"{args.body} holds no JSON object")
        value = cast("dict[str, object]", loaded)
    if args.model is not None:
        value["model"] = args.model
    if "model" not in value:
        raise BadRequest("Name a model with --model, or give a body that names one with --body")
    return json.dumps(value).encode()


def _header(given: str) -> tuple[str, str]:
    """`Name: value` as a pair. Raises BadRequest."""
    from nexus.errors import BadRequest

    name, colon, value = given.partition(":")
    sendable = name.strip().isascii() and given.isprintable() and value.isascii()
    if not colon or not name.strip() or not sendable:
        raise BadRequest(f"{given!r} is no header: write it as 'Name: value'")
    return name.strip(), value.strip()


def _say(facts: Facts) -> None:
    """The account in sentences."""
    from nexus.cli import output
    from nexus.cli.facts import texts

    for sentence in texts(facts, "sentences"):
        output.say(sentence)
