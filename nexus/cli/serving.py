"""How `nexus serve` and `nexus demo` are declared; `nexus.cli.serve` does the work."""

from __future__ import annotations

import argparse

from nexus.cli.commands import Subparsers
from nexus.cli.config import add_config_options


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `serve` and `demo`."""
    serve = subparsers.add_parser(
        "serve",
        help="run the gateway (what `nexus` alone does)",
        description="Serve every backend at one URL; on a terminal, show the dashboard.",
        epilog="example:\n  nexus serve --no-tui --port 9000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_serving_options(serve)
    serve.set_defaults(run=run, demo=False)

    demo = subparsers.add_parser(
        "demo",
        help="run over a simulated fleet, to look around",
        description="Six simulated servers on loopback and, unless --no-real, one real llama.cpp\n"
        "server with a tiny model; a trickle of traffic keeps the screen alive.",
        epilog="example:\n  nexus demo --no-real",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_serving_options(demo)
    demo.add_argument("--no-real", action="store_true", help="leave the real llama.cpp server out")
    demo.add_argument("--no-traffic", action="store_true", help="send no requests by itself")
    demo.set_defaults(run=run, demo=True)


def add_serving_options(target: argparse.ArgumentParser) -> None:
    """Those of `serve`, which `nexus` alone takes too."""
    add_config_options(target)
    target.add_argument(
        "--no-tui",
        action="store_true",
        default=argparse.SUPPRESS,
        help="no dashboard: structured logs on stderr",
    )


def run(args: argparse.Namespace) -> int:
    """Serve; the exit code."""
    from nexus.cli.serve import run_serve

    return run_serve(args)
