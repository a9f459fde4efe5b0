"""What can stand where on the command line; every shell's script is made from these."""

from __future__ import annotations

from collections.abc import Iterator

from nexus.cli.tree import Argument, Command, Option


def words_of(command: Command) -> Iterator[tuple[str, str]]:
    """What can stand next in a command: word and help."""
    for child in command.commands:
        yield child.name, child.help
    for argument in command.arguments:
        yield from ((choice, argument.help) for choice in argument.choices)
    for option in command.options:
        yield from ((name, option.help) for name in option.names)


def values_of(asked: Option | Argument) -> str:
    """The words that can stand as a value, if they are known."""
    return " ".join(asked.choices)


def steps_of(root: Command) -> Iterator[tuple[str, str]]:
    """`("nexus backends", "list")` for every sub-command."""
    return ((c.path, child.name) for c in root.walk() for child in c.commands)


def valued_options(root: Command) -> Iterator[tuple[str, str, Option]]:
    """Path, name and option for every spelling of an option with a value."""
    for command in root.walk():
        for option in command.options:
            if option.metavar:
                yield from ((command.path, name, option) for name in option.names)


def takes_files(command: Command) -> bool:
    """Whether file names can stand next."""
    return any(argument.takes_file for argument in command.arguments)
