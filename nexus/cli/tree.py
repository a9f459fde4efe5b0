"""The command line as plain values, read from its argparse parser.

Completion scripts and the reference page are made from this, so neither can be out of date. No
dataclasses: a shell may ask for its script at every start, and their import is slow.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple, cast

# argparse has no public way to look into a parser.
# pyright: reportPrivateUsage=false


class Option(NamedTuple):
    """One option."""

    names: tuple[str, ...]
    help: str
    metavar: str
    """How its value is called; empty for a switch."""
    choices: tuple[str, ...] = ()

    @property
    def takes_file(self) -> bool:
        return self.metavar == "FILE"


class Argument(NamedTuple):
    """One positional argument."""

    metavar: str
    help: str
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def takes_file(self) -> bool:
        return self.metavar == "FILE"


class Command(NamedTuple):
    """A command with what stands below it."""

    path: str
    """`nexus backends list`."""
    help: str
    """What its parent says of it, in a line."""
    description: str
    epilog: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        return self.path.rpartition(" ")[2]

    def walk(self) -> Iterator[Command]:
        """This command and all below, parents first."""
        yield self
        for command in self.commands:
            yield from command.walk()


def tree(parser: argparse.ArgumentParser, path: str = "nexus", help: str = "") -> Command:
    """The parser as values."""
    options: list[Option] = []
    arguments: list[Argument] = []
    commands: list[Command] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = cast("argparse._SubParsersAction[argparse.ArgumentParser]", action)
            helps = {choice.dest: choice.help or "" for choice in below._choices_actions}
            for name, child in below.choices.items():
                commands.append(tree(child, f"{path} {name}", helps.get(name, "")))
            continue
        choices = tuple(str(choice) for choice in action.choices or ())
        shown = str(action.metavar or ("|".join(choices) or action.dest.upper()))
        said = action.help or ""
        if action.option_strings:
            metavar = "" if action.nargs == 0 else shown
            options.append(Option(tuple(action.option_strings), said, metavar, choices))
        else:
            arguments.append(Argument(shown, said, choices, optional=action.nargs == "?"))
    return Command(
        path,
        help,
        parser.description or "",
        parser.epilog or "",
        tuple(options),
        tuple(arguments),
        tuple(commands),
    )
