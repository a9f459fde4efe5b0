"""`nexus completions SHELL`: completion scripts, made from the parser.

Each script works the same way: walk over the words typed so far to find the command they lead to
(values of options are skipped), then offer that command's sub-commands, values and options. All
text in a script is our own; no script asks a server.
"""

from __future__ import annotations

import argparse

from nexus.cli.commands import Subparsers
from nexus.cli.shells import bash, elvish, fish, powershell, zsh
from nexus.cli.tree import tree

_SHELLS = {
    "bash": bash.write,
    "zsh": zsh.write,
    "fish": fish.write,
    "powershell": powershell.write,
    "elvish": elvish.write,
}


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `completions`."""
    parser = subparsers.add_parser(
        "completions",
        help="print a shell completion script",
        description="Print a script that teaches a shell to complete `nexus`.",
        epilog='example:\n  eval "$(nexus completions bash)"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=tuple(_SHELLS), help="the shell")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from nexus.cli.main import parser

    print(script(args.shell, parser()), end="")
    return 0


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The completion script of a shell: bash, zsh, fish, powershell or elvish."""
    return _SHELLS[shell](tree(parser))
