"""`nexus alias`: names that clients may use for models."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare
from nexus.cli.reroute import TRYING_S, add_dry_run, change, routes, take_away

if TYPE_CHECKING:
    from nexus.cli.client import Gateway


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `alias` and its sub-commands."""
    parser = declare(
        subparsers,
        "alias",
        run_list,
        help="list, set or remove names that stand for models",
        description="Show or change the names that clients may use for a model. Alone it lists\n"
        "them. A real model of the same name goes before an alias.",
        example="nexus alias set gpt-4 llama3.3:70b",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    declare(
        commands,
        "list",
        run_list,
        help="every alias and its model",
        description="List every alias and the model it leads to.",
        example="nexus alias list --json",
    )
    setting = declare(
        commands,
        "set",
        run_set,
        help="point a name at a model",
        description="Point a name at a model, from the next request on; a name that exists is\n"
        "pointed elsewhere. Says which of the last hour's requests would have been\n"
        "served otherwise. It is kept in the configuration file, where there is one.",
        example="nexus alias set gpt-4 llama3.3:70b --dry-run",
        timeout_s=TRYING_S,
    )
    setting.add_argument("name", metavar="NAME", help="what clients ask for")
    setting.add_argument("model", metavar="MODEL", help="what they get: a model, or another alias")
    removing = declare(
        commands,
        "remove",
        run_remove,
        help="take a name away",
        description="Take a name away: requests for it are refused from then on, unless a model\n"
        "is called that.",
        example="nexus alias remove gpt-4",
        timeout_s=TRYING_S,
    )
    removing.add_argument("name", metavar="NAME", help="the alias")
    for each in (setting, removing):
        add_dry_run(each)


def run_list(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print every alias."""
    from nexus.cli import output
    from nexus.cli.facts import part, text
    from nexus.cli.table import Column, render
    from nexus.domain.text import clean

    aliases = part(routes(gateway), "aliases")
    if args.json:
        output.say_json({"aliases": aliases})
    elif aliases:
        rows = [[clean(name), text(aliases, name)] for name in sorted(aliases)]
        output.say(render([Column("Alias"), Column("Model")], rows, output.columns()))
    else:
        output.say("No aliases. `nexus alias set NAME MODEL` makes one.")
    return 0


def run_set(gateway: Gateway, args: argparse.Namespace) -> int:
    """Point a name at a model."""
    return change(gateway, args, {"aliases": {args.name: args.model}})


def run_remove(gateway: Gateway, args: argparse.Namespace) -> int:
    """Take a name away."""
    return take_away(gateway, args, "aliases", args.name)
