"""`nexus attach`: the dashboard of a Nexus that runs elsewhere, over its control API."""

from __future__ import annotations

import argparse
import os
import sys

from nexus.cli.commands import Subparsers
from nexus.cli.control_key import add_key_option, key_for
from nexus.errors import BadRequest


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `attach`."""
    parser = subparsers.add_parser(
        "attach",
        help="show the dashboard of a Nexus that runs already",
        description="Show the dashboard of a Nexus that runs already, here or elsewhere. It comes\n"
        "back by itself when the connection breaks or Nexus starts anew.",
        epilog="examples:\n  nexus attach\n"
        "  nexus attach http://gateway:8000 --key-file ~/.nexus-key\n"
        "  ssh gateway -t nexus attach",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "gateway_url", metavar="URL", nargs="?", help="the running Nexus (default: as for --url)"
    )
    parser.add_argument(
        "-c", "--config", metavar="FILE", help="configuration file that names host and port"
    )
    add_key_option(parser)
    parser.add_argument(
        "--read-only", action="store_true", help="change nothing, whatever the key allows"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show it until its operator leaves; the exit code."""
    import asyncio  # late, as all that `--help` can do without
    import gc

    gc.disable()  # until the first frame stands: all that is made before it stays

    from nexus.cli.target import url_for
    from nexus.telemetry import logs
    from tui.launch import why_headless

    url = url_for(args, os.environ)
    key = key_for(args, os.environ)
    in_browser = "TEXTUAL_DRIVER" in os.environ  # `nexus web`
    if not in_browser and (why := why_headless(os.environ)):
        raise BadRequest(f"A dashboard needs a terminal: {why}. `nexus health` works without")
    sink = logs.configure("info", "pretty", {}, stream=None)
    try:
        return asyncio.run(_attached(url, key, read_only=args.read_only))
    finally:
        sink.to(sys.stderr)  # what went wrong behind the screen


async def _attached(url: str, key: str, *, read_only: bool) -> int:
    import asyncio

    from nexus.config.file import state_place
    from tui.launch import supervise
    from tui.leave import Leave
    from tui.sources.remote import open_remote

    source = await open_remote(url, key, read_only=read_only)
    try:
        state = state_place(os.environ).parent
        leave = await supervise(source, stop=asyncio.Event(), state=state, clock=source.clock)
    finally:
        await source.close()
    return 1 if leave is Leave.CRASHED else 0
