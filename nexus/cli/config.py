"""`nexus config init|check|show`.

Exit codes: 0 fine, 1 a file could not be written, 2 the configuration cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from nexus.config.origin import FLAGS, flags_from
from nexus.errors import ConfigError

if TYPE_CHECKING:
    from nexus.config.load import Loaded

Subparsers = argparse._SubParsersAction  # pyright: ignore[reportPrivateUsage] # its only name


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `config` and its sub-commands; each sets `run(args) -> exit code`."""
    parser = _declare(
        subparsers,
        "config",
        help="write, check or show the configuration",
        description="Write, check or show the configuration. Needs no running Nexus.",
        example="nexus config check",
    )
    commands = parser.add_subparsers(required=True, title="commands", metavar="COMMAND")

    init = _declare(
        commands,
        "init",
        help="write an example file with every key",
        description="Write an example file with every key, its default and what it does.",
        example="nexus config init --minimal",
    )
    init.add_argument("-o", "--output", default="nexus.toml", metavar="FILE", help="- is stdout")
    init.add_argument("-f", "--force", action="store_true", help="overwrite the file")
    init.add_argument("--minimal", action="store_true", help="only what most people set first")
    init.set_defaults(run=run_init)

    check = _declare(
        commands,
        "check",
        help="list every mistake at once",
        description="List every mistake at once, each with its line and what is allowed. Exit\n"
        "code 2 when there is one.",
        example="nexus config check nexus.toml",
    )
    check.add_argument("file", nargs="?", metavar="FILE", help="the file to check")
    check.set_defaults(run=run_check)

    show = _declare(
        commands,
        "show",
        help="print every value and the layer that set it",
        description="Print every value and the layer that set it: a flag, the environment, the\n"
        "file, or the default. Secrets are not shown.",
        example="nexus config show --port 9000",
    )
    show.set_defaults(run=run_show)
    for command in (check, show):
        command.add_argument("--json", action="store_true", help="for machines")
        add_config_options(command)


def _declare(
    subparsers: Subparsers[argparse.ArgumentParser],
    name: str,
    *,
    help: str,
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    return subparsers.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """The options that choose the file and set keys; `serve` takes the same."""
    parser.add_argument(
        "-c", "--config", metavar="FILE", default=argparse.SUPPRESS, help="configuration file"
    )
    for flag in FLAGS:
        if flag.turns_off:
            parser.add_argument(
                *flag.names,
                dest=flag.dest,
                action="store_true",
                default=argparse.SUPPRESS,
                help=flag.help,
            )
        else:
            parser.add_argument(
                *flag.names,
                dest=flag.dest,
                metavar=flag.metavar,
                default=argparse.SUPPRESS,
                help=flag.help,
            )


def load_for(args: argparse.Namespace) -> Loaded:
    """The configuration that these arguments and this environment ask for.

    Raises ConfigError with the full report.
    """
    from nexus.config.file import home_expanded
    from nexus.config.load import load

    named = getattr(args, "file", None) or getattr(args, "config", None)
    path = home_expanded(named) if named else None
    return load(path, os.environ, flags_from(args), explicit=path is not None)


def run_init(args: argparse.Namespace) -> int:
    """Write the example file; an existing file stays unless `--force`."""
    from nexus.config.file import home_expanded
    from nexus.config.reference import example, minimal

    text = minimal() if args.minimal else example()
    if args.output == "-":
        print(text, end="")
        return 0
    path = home_expanded(args.output)
    try:
        with path.open("w" if args.force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        print(f"Error: {path} exists; --force overwrites it", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"Error: {path} cannot be written: {problem.strerror}", file=sys.stderr)
        return 1
    print(f"Wrote {path}. Edit it, then run `nexus config check`.")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Say in one line that all is well, or list every problem."""
    import json

    from nexus.config.advice import warnings

    try:
        loaded = load_for(args)
    except ConfigError as problem:
        return _report(problem, as_json=args.json)
    said = warnings(loaded, os.environ)
    if args.json:
        path = str(loaded.path) if loaded.path else None
        print(json.dumps({"ok": True, "file": path, "problems": [], "warnings": said}, indent=2))
        return 0
    print(_summary(loaded))
    for sentence in said:
        print(f"warning: {sentence}")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print every key, its value and who set it."""
    import json

    from nexus.config.show import rows

    try:
        loaded = load_for(args)
    except ConfigError as problem:
        return _report(problem, as_json=args.json)
    if args.json:
        facts = [{"key": row.key, "value": row.value, "origin": row.origin} for row in rows(loaded)]
        path = str(loaded.path) if loaded.path else None
        print(json.dumps({"file": path, "settings": facts}, indent=2))
        return 0
    table = [(row.key, row.text, row.origin) for row in rows(loaded)]
    keys = max(len(key) for key, _, _ in table)
    values = min(48, max(len(text) for _, text, _ in table))
    print(f"# file: {loaded.path or 'none'}")
    for key, text, origin in table:
        print(f"{key:{keys}}  {text:{values}}  {origin}")
    return 0


def _summary(loaded: Loaded) -> str:
    config = loaded.config
    count = len(config.backends)
    backends = "1 backend" if count == 1 else f"{count} backends"
    what = f"{loaded.path} is valid" if loaded.path else "No configuration file; all is valid"
    return (
        f"{what}: {backends}, strategy {config.routing.strategy}, "
        f"listening on {config.server.host} port {config.server.port}"
    )


def _report(problem: ConfigError, *, as_json: bool) -> int:
    """Print why the configuration cannot be used; exit code 2."""
    if as_json:
        import json

        facts = (problem.context or {}).get("problems", [])
        print(json.dumps({"ok": False, "problems": facts}, indent=2))
    else:
        print(problem.message, file=sys.stderr)
    return 2
