"""The command line: every command by name, and the one that is typed in full."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import NoReturn, cast

from nexus import __version__
from nexus.cli.index import COMMANDS
from nexus.cli.serving import add_serving_options
from nexus.cli.serving import run as serve
from nexus.errors import ConfigError, NexusError

EPILOG = """\
examples:
  nexus                          find local servers, serve them, show the dashboard
  nexus --no-tui                 the same without a dashboard, logs on stderr
  nexus demo                     try it: a simulated fleet, one real llama.cpp server, some traffic
  nexus backends add http://192.168.1.20:11434
  nexus models                   every model of every backend, with what it can do
  nexus alias set gpt-4 llama3.3:70b

Point any OpenAI client at http://127.0.0.1:8000/v1; the key can be anything.
"""


class Parser(argparse.ArgumentParser):
    """One that knows what was meant. Parsers of commands are made of the same class."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        """Made for every option that is added: without a width it would import shutil."""
        made = cast("type[argparse.HelpFormatter]", self.formatter_class)
        return made(self.prog, width=_columns() - 2)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with exit code 2."""
        typed = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message)
        if typed is not None:
            from difflib import get_close_matches  # late: only after a mistake

            near = get_close_matches(typed[1], re.findall(r"'(.*?)'", typed[2]), 1)
            message += f". Did you mean '{near[0]}'?" if near else ""
        super().error(message)


def _columns() -> int:
    """How wide the terminal is, as shutil would say."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or 80
    except (OSError, ValueError):
        return 80


def parser(words: Collection[str] | None = None) -> argparse.ArgumentParser:
    """The command line.

    Args:
        words: what was typed. A command that is not among them is only named, and its module is
            not imported. None: every command in full.
    """
    root = Parser(
        prog="nexus",
        description="One terminal and one URL over every model you have.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("-V", "--version", action="version", version=f"nexus {__version__}")
    add_serving_options(root)
    root.set_defaults(run=serve, demo=False)
    commands = root.add_subparsers(title="commands", metavar="COMMAND")
    used = {module for name, _, module in COMMANDS if words is None or name in words}
    for name, help, module in COMMANDS:
        if module not in used:
            commands.add_parser(name, help=help, add_help=False)
        elif name not in commands.choices:  # a module may have several
            import_module(f"nexus.cli.{module}").register(commands)
    return root


def run(arguments: Sequence[str]) -> int:
    """Parse and run; the exit code. 0 fine, 1 failed, 2 used wrongly, 130 interrupted."""
    args = parser(arguments).parse_args(arguments)
    try:
        return args.run(args)
    except NexusError as error:
        print(f"Error: {error.message}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
