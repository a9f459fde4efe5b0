"""Writes `docs/reference/cli.md` from the parser: `python -m nexus.cli.reference`."""

from __future__ import annotations

import argparse
from pathlib import Path

from nexus.cli.main import parser
from nexus.cli.tree import Command, Option, tree

MARKDOWN = Path("docs/reference/cli.md")

_INTRODUCTION = """\
# Command line

Made from the program by `python -m nexus.cli.reference`; do not edit.

Every command answers `--help`. Exit codes: 0 fine, 1 failed, 2 used wrongly or a configuration
that cannot be used, 130 interrupted. Errors are one sentence on standard error.

Commands with an option `--url` talk to a running Nexus. They find it by that, else the environment
variable `NEXUS_URL`, else host and port of the configuration, else `http://127.0.0.1:8000`. With
`--json` they print JSON for scripts; an error is then `{"error": {"message", "code"}}` on standard
output as well. Where Nexus asks for a key, they take it from `--key-file` or the environment
variable `NEXUS_CONTROL_KEY`.

Colour is used on a terminal only, and never when `NO_COLOR` is set."""


def markdown(root: argparse.ArgumentParser) -> str:
    """The whole page."""
    parts = [_INTRODUCTION, *(_section(command) for command in tree(root).walk())]
    return "\n\n".join(parts) + "\n"


def _section(command: Command) -> str:
    usage = command.path
    for argument in command.arguments:
        usage += f" [{argument.metavar}]" if argument.optional else f" {argument.metavar}"
    lines = [f"## `{usage}`", "", command.description or _sentence(command.help)]
    if command.commands:
        lines += ["", "| Command | What it does |", "|---|---|"]
        lines += [f"| `{child.path}` | {_cell(child.help)} |" for child in command.commands]
    if command.arguments:
        lines += ["", "| Argument | Meaning |", "|---|---|"]
        lines += [f"| `{_cell(a.metavar)}` | {_cell(a.help)} |" for a in command.arguments]
    options = [option for option in command.options if "--help" not in option.names]
    if options:
        lines += ["", "| Option | Meaning |", "|---|---|"]
        lines += [f"| {_spellings(option)} | {_cell(option.help)} |" for option in options]
    if command.epilog:
        lines += ["", "```text", command.epilog.strip(), "```"]
    return "\n".join(lines)


def _spellings(option: Option) -> str:
    value = f" {option.metavar}" if option.metavar else ""
    return ", ".join(f"`{name}{value}`" for name in option.names)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    MARKDOWN.write_text(markdown(parser()), encoding="utf-8", newline="\n")
