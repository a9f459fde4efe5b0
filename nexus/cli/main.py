"""The command line: one parser, and each command imported when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nexus import __version__
from nexus.cli import (
    announce,
    attach,
    audit,
    backends,
    chart,
    config,
    discover,
    explain,
    health,
    logs,
    models,
    policy,
    web,
    what_if,
)
from nexus.errors import ConfigError, NexusError

EPILOG = """\
examples:
  nexus                          find local servers, serve them, show the dashboard
  nexus --no-tui                 the same without a dashboard, logs on stderr
  nexus demo                     try it: a simulated fleet, one real llama.cpp server, some traffic
  nexus backends add http://192.168.1.20:11434
  nexus models                   every model of every backend, with what it can do

Point any OpenAI client at http://127.0.0.1:8000/v1; the key can be anything.
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="nexus",
        description="One terminal and one URL over every model you have.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("-V", "--version", action="version", version=f"nexus {__version__}")
    _serving(root)
    root.set_defaults(run=_serve, demo=False)
    commands = root.add_subparsers(title="commands", metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="run the gateway (what `nexus` alone does)",
        description="Serve every backend at one URL; on a terminal, show the dashboard.",
        epilog="example:\n  nexus serve --no-tui --port 9000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _serving(serve)
    serve.set_defaults(run=_serve, demo=False)

    demo = commands.add_parser(
        "demo",
        help="run over a simulated fleet, to look around",
        description="Six simulated servers on loopback and, unless --no-real, one real llama.cpp\n"
        "server with a tiny model; a trickle of traffic keeps the screen alive.",
        epilog="example:\n  nexus demo --no-real",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _serving(demo)
    demo.add_argument("--no-real", action="store_true", help="leave the real llama.cpp server out")
    demo.add_argument("--no-traffic", action="store_true", help="send no requests by itself")
    demo.set_defaults(run=_serve, demo=True)

    groups = (
        backends,
        models,
        health,
        explain,
        what_if,
        policy,
        chart,
        audit,
        logs,
        discover,
        announce,
        attach,
        web,
        config,
    )
    for group in groups:
        group.register(commands)
    completions = commands.add_parser(
        "completions",
        help="print a shell completion script",
        description="Print a script that teaches a shell to complete `nexus`.",
        epilog='example:\n  eval "$(nexus completions bash)"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completions.add_argument(
        "shell", choices=("bash", "zsh", "fish", "powershell", "elvish"), help="the shell"
    )
    completions.set_defaults(run=_completions)
    return root


def run(arguments: Sequence[str]) -> int:
    """Parse and run; the exit code. 0 fine, 1 failed, 2 used wrongly, 130 interrupted."""
    args = parser().parse_args(arguments)
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


def _serving(target: argparse.ArgumentParser) -> None:
    config.add_config_options(target)
    target.add_argument(
        "--no-tui",
        action="store_true",
        default=argparse.SUPPRESS,
        help="no dashboard: structured logs on stderr",
    )


def _serve(args: argparse.Namespace) -> int:
    from nexus.cli.serve import run_serve

    return run_serve(args)


def _completions(args: argparse.Namespace) -> int:
    from nexus.cli.completions import script

    print(script(args.shell, parser()), end="")
    return 0
