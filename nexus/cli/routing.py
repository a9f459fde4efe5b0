"""`nexus routing`: all that decides where requests go, shown and changed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare
from nexus.cli.reroute import PATH, TRYING_S, add_dry_run, change, routes

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

# The domain's words, written out because importing its enums costs start-up time.
STRATEGIES = (
    "smart",
    "round_robin",
    "priority_only",
    "random",
    "least_pending",
    "power_of_two",
)
WEIGHTS = ("priority", "load", "latency")


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `routing` and its sub-commands."""
    parser = declare(
        subparsers,
        "routing",
        run_show,
        help="show or change how requests are routed",
        description="Show or change how the running Nexus routes: strategy, weights, retries,\n"
        "aliases, fallbacks, policies. Alone it shows them. Changes are in force at the\n"
        "next request, and kept in the configuration file where there is one.",
        example="nexus routing set --strategy least_pending --dry-run",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    declare(
        commands,
        "show",
        run_show,
        help="strategy, weights, aliases, fallbacks and policies",
        description="Show the routes in force.",
        example="nexus routing show --json > routes.json",
    )
    setting = declare(
        commands,
        "set",
        run_set,
        help="change strategy, weights or retries",
        description="Change how one of several backends is chosen; what is not named stays.\n"
        "`nexus alias` and `nexus fallback` change names and chains.",
        example="nexus routing set --strategy smart --weights 50,30,20",
        timeout_s=TRYING_S,
    )
    setting.add_argument(
        "--strategy",
        type=lambda word: word.lower().replace("-", "_"),
        choices=STRATEGIES,
        metavar="NAME",
        help=", ".join(STRATEGIES),
    )
    setting.add_argument(
        "--weights",
        metavar="P,L,L",
        help="parts of the smart score for priority, load and latency; they make 100",
    )
    setting.add_argument(
        "--max-retries", type=int, metavar="N", help="further backends that a request may try"
    )
    applying = declare(
        commands,
        "apply",
        run_apply,
        help="put the routes of a file in force",
        description="Put routes in force that `nexus routing show --json` printed and you edited:\n"
        "the way to change policies, or much at once. If somebody changed the routes\n"
        "since, nothing happens.",
        example="nexus routing apply routes.json --dry-run",
        timeout_s=TRYING_S,
    )
    applying.add_argument("file", metavar="FILE", help="JSON; - is standard input")
    for each in (setting, applying):
        add_dry_run(each)
    declare(
        commands,
        "undo",
        run_undo,
        help="take the last change back",
        description="Take the last change of the routes back; again takes that back.",
        example="nexus routing undo",
    )


def run_show(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the routes in force."""
    from nexus.cli import output

    now = routes(gateway)
    if args.json:
        output.say_json(now)
    else:
        output.say("\n".join(_shown(now)))
    return 0


def run_set(gateway: Gateway, args: argparse.Namespace) -> int:
    """Change strategy, weights or retries."""
    from nexus.errors import BadRequest

    edit: Facts = {}
    if args.strategy is not None:
        edit["strategy"] = args.strategy
    if args.weights is not None:
        edit["weights"] = _weights(args.weights)
    if args.max_retries is not None:
        edit["max_retries"] = args.max_retries
    if not edit:
        raise BadRequest("Nothing to change: give --strategy, --weights or --max-retries")
    return change(gateway, args, edit)


def run_apply(gateway: Gateway, args: argparse.Namespace) -> int:
    """Put the routes of a file in force. Raises Outdated when it is older than they are."""
    import json
    from typing import cast

    from nexus.cli.facts import text
    from nexus.cli.what_if import text_of
    from nexus.errors import BadRequest, Outdated

    try:
        loaded: object = json.loads(text_of(args.file))
    except (ValueError, RecursionError):
        loaded = None
    if not isinstance(loaded, dict):
        raise BadRequest(
            f"{args.file} holds no JSON object: start with `nexus routing show --json`"
        )
    wanted = cast("Facts", loaded)
    now = routes(gateway)
    made_from = wanted.get("version")
    if made_from and made_from != now.get("version"):
        raise Outdated(
            f"The routes were changed since {args.file} was made (version {made_from!s:.20}, now "
            f"{text(now, 'version')}). Edit what `nexus routing show --json` prints now"
        )
    return change(gateway, args, wanted, method="PUT", now=now)


def run_undo(gateway: Gateway, args: argparse.Namespace) -> int:
    """Take the last change back."""
    from nexus.cli import output

    before = routes(gateway)
    after = gateway.ask("POST", f"{PATH}/undo")
    if args.json:
        output.say_json(after)
        return 0
    output.say("Taken back. Again takes that back.")
    was, now = _shown(before), _shown(after)
    for sign, some, others in (("-", was, now), ("+", now, was)):
        for line in some:
            if line and line not in others:
                output.say(f"{sign} {line}")
    return 0


def _weights(said: str) -> Facts:
    """`50,30,20` as an object. That they make 100 is for the gateway to say. Raises BadRequest."""
    from nexus.errors import BadRequest

    try:
        numbers = [int(word) for word in said.replace(",", " ").split()]
        return dict(zip(WEIGHTS, numbers, strict=True))
    except ValueError:
        raise BadRequest(
            "Write --weights as three whole numbers for priority, load and latency: 50,30,20"
        ) from None


def _shown(now: Facts) -> list[str]:
    """The routes in lines, one for each thing that can be changed."""
    from nexus.cli.facts import number, part, parts, text, texts
    from nexus.domain.text import clean

    weights = part(now, "weights")
    score = ", ".join(f"{name} {number(weights, name) or 0:.0f}" for name in WEIGHTS)
    lines = [
        f"strategy: {text(now, 'strategy')}",
        f"weights of the smart score: {score}",
        f"max retries: {number(now, 'max_retries') or 0:.0f}",
    ]
    aliases, fallbacks = part(now, "aliases"), part(now, "fallbacks")
    lines += [f"alias {clean(name)} -> {text(aliases, name)}" for name in sorted(aliases)]
    lines += [
        f"fallback {clean(name)} -> {', '.join(texts(fallbacks, name))}"
        for name in sorted(fallbacks)
    ]
    return [*lines, *(_policy(rule) for rule in parts(now, "policies"))]


def _policy(rule: Facts) -> str:
    """`policy llama* for tenant acme: privacy restricted, tier 3 or more`."""
    from nexus.cli.explain import ENDPOINTS
    from nexus.cli.facts import flag, lists, number, part, text, texts

    when = part(rule, "when")
    asked = [f"tenant {' or '.join(texts(when, 'tenants'))}"] if texts(when, "tenants") else []
    words = {path: word for word, path in ENDPOINTS.items()}
    if endpoints := [words.get(path, path) for path in texts(when, "endpoints")]:
        asked.append(f"endpoint {' or '.join(endpoints)}")
    asked += [f"header {' '.join(pair)}" for pair in lists(when, "headers")]
    said = [f"privacy {text(rule, 'privacy')}"] if text(rule, "privacy") else []
    if (tier := number(rule, "min_tier")) is not None:
        said.append(f"tier {tier:.0f} or more")
    if flag(rule, "fallback_allowed") is False:
        said.append("no fallback")
    if (cost := number(rule, "max_cost_usd")) is not None:
        said.append(f"at most ${cost:g}")
    name = text(rule, "pattern") + (f" for {', '.join(asked)}" if asked else "")
    return f"policy {name}: {', '.join(said) or 'asks nothing'}"
