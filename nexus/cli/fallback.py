"""`nexus fallback`: models that may stand in for another one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare
from nexus.cli.reroute import TRYING_S, add_dry_run, change, routes, take_away

if TYPE_CHECKING:
    from nexus.cli.client import Gateway


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `fallback` and its sub-commands."""
    parser = declare(
        subparsers,
        "fallback",
        run_list,
        help="list, set or remove models that stand in for others",
        description="Show or change which models serve when nobody can serve the one that was\n"
        "asked for. Alone it lists them.",
        example="nexus fallback set llama3.3:70b qwen3:32b,llama3.1:8b",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    declare(
        commands,
        "list",
        run_list,
        help="every model with those that stand in for it",
        description="List every model that has fallbacks, and these in their order.",
        example="nexus fallback list --json",
    )
    setting = declare(
        commands,
        "set",
        run_set,
        help="say which models stand in for one",
        description="Say which models stand in for one, in the order in which they are tried.\n"
        "What was said of that model before is replaced.",
        example="nexus fallback set llama3.3:70b qwen3:32b,llama3.1:8b --dry-run",
        timeout_s=TRYING_S,
    )
    setting.add_argument("model", metavar="MODEL", help="the model that may be missing")
    setting.add_argument("others", metavar="A,B", nargs="+", help="those that stand in, in order")
    removing = declare(
        commands,
        "remove",
        run_remove,
        help="let nothing stand in for a model",
        description="Let nothing stand in for a model.",
        example="nexus fallback remove llama3.3:70b",
        timeout_s=TRYING_S,
    )
    removing.add_argument("model", metavar="MODEL", help="the model that has fallbacks")
    for each in (setting, removing):
        add_dry_run(each)


def run_list(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print every chain."""
    from nexus.cli import output
    from nexus.cli.facts import part, texts
    from nexus.cli.table import Column, render
    from nexus.domain.text import clean

    chains = part(routes(gateway), "fallbacks")
    if args.json:
        output.say_json({"fallbacks": chains})
    elif chains:
        rows = [[clean(model), ", ".join(texts(chains, model))] for model in sorted(chains)]
        output.say(render([Column("Model"), Column("Else")], rows, output.columns()))
    else:
        output.say("No fallbacks. `nexus fallback set MODEL A,B` makes some.")
    return 0


def run_set(gateway: Gateway, args: argparse.Namespace) -> int:
    """Say which models stand in for one."""
    from nexus.errors import BadRequest

    others = [name.strip() for word in args.others for name in word.split(",") if name.strip()]
    if not others:
        raise BadRequest("Name the models that stand in: `nexus fallback set MODEL A,B`")
    return change(gateway, args, {"fallbacks": {args.model: others}})


def run_remove(gateway: Gateway, args: argparse.Namespace) -> int:
    """Let nothing stand in for a model."""
    return take_away(gateway, args, "fallbacks", args.model)
