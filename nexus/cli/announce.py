"""`nexus announce`: tells the network about a model server that does not do so itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.changes import TYPES
from nexus.cli.commands import Subparsers

if TYPE_CHECKING:
    from nexus.discovery.announce import Offer

_PORTS = {"ollama": 11434, "lmstudio": 1234, "llamacpp": 8080, "vllm": 8000, "exo": 52415}


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `announce`."""
    parser = subparsers.add_parser(
        "announce",
        help="announce a server of this machine over mDNS",
        description="Announce a model server of this machine over mDNS, so that Nexus elsewhere\n"
        "on the network finds it. Runs until Ctrl+C, and says goodbye then. A server that\n"
        "listens on loopback only is refused: nobody else could reach it.",
        epilog="example:\n  nexus announce --type ollama --port 11434 --name 'GPU box'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-t",
        "--type",
        type=str.lower,
        choices=TYPES,
        metavar="TYPE",
        help="found out by asking the server when left out",
    )
    parser.add_argument(
        "-p", "--port", type=int, help="where it listens (default by type, else 11434)"
    )
    parser.add_argument("-n", "--name", help="what others see (default: this host's name)")
    parser.add_argument(
        "--api-path", default="", metavar="PATH", help="what comes before /v1, for a proxy"
    )
    parser.add_argument(
        "--address",
        action="append",
        metavar="ADDRESS",
        help="announce this address of this machine only; may be repeated",
    )
    parser.set_defaults(run=run_announce)


def run_announce(args: argparse.Namespace) -> int:
    """Announce until interrupted."""
    import asyncio
    import signal
    import threading

    from nexus.cli.output import say
    from nexus.discovery.announce import announce

    def told(offer: Offer, name: str) -> None:
        where = ", ".join(offer.addresses)
        say(f"Announcing {offer.type} on port {offer.port} as '{name}' at {where}. Ctrl+C stops.")
        for warning in offer.warnings:
            say(f"Warning: {warning}")

    if threading.current_thread() is threading.main_thread():
        # A service manager's stop is to say goodbye too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = args.port or _PORTS.get(args.type or "", 11434)
    asyncio.run(
        announce(
            port,
            type=args.type or "",
            name=args.name or "",
            api_path=args.api_path,
            addresses=tuple(args.address or ()),
            told=told,
        )
    )
    return 0
