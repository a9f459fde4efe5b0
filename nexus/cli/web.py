"""`nexus web`: the dashboard of a running gateway in a browser, behind a key."""

from __future__ import annotations

import argparse

from nexus.cli.commands import Subparsers
from nexus.cli.target import add_target_options
from nexus.errors import ConfigError

DEFAULT_PORT = 8100


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `web`."""
    parser = subparsers.add_parser(
        "web",
        help="show the dashboard of a running gateway in a browser",
        description="Serve the dashboard to browsers. Each tab is `nexus attach` in a process of\n"
        "its own; the gateway runs on when this ends. Nothing is loaded from elsewhere.\n"
        "Who opens the page must say the key, which is printed as part of a link.",
        epilog="examples:\n"
        "  nexus web                      on http://127.0.0.1:8100\n"
        "  nexus web --read-only          to look, and change nothing\n"
        "  ssh -L 8100:127.0.0.1:8100 host nexus web",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_target_options(parser)
    parser.add_argument("--bind", default="127.0.0.1", metavar="HOST", help="where to listen")
    parser.add_argument(
        "--web-port",
        type=int,
        default=DEFAULT_PORT,
        metavar="PORT",
        help=f"(default {DEFAULT_PORT}; 0 for any free one)",
    )
    parser.add_argument(
        "--web-key-file",
        metavar="FILE",
        help="file with the key that browsers must say; without it one is made up",
    )
    parser.add_argument("--read-only", action="store_true", help="offer nothing that changes")
    parser.set_defaults(run=run_web)


def run_web(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    import os
    import sys
    from pathlib import Path

    from nexus.cli.output import say
    from nexus.cli.target import url_for

    try:
        from tui.web.run import new_key, serve
    except ImportError as exc:
        raise ConfigError("nexus web needs the extra `web`: pip install 'nexus[web]'") from exc
    command = [sys.executable, "-m", "nexus", "attach", url_for(args, os.environ)]
    if key_file := getattr(args, "key_file", None):
        command += ["--key-file", str(Path(key_file).absolute())]
    if args.read_only:
        command.append("--read-only")
    key = _key(args.web_key_file) if args.web_key_file else new_key()

    def told(url: str) -> None:
        shown = f"{url}/?key={key}" if not args.web_key_file else url
        say(f"The dashboard is at {shown}")
        say("Ctrl+C stops it; the gateway runs on.")

    return serve(command, args.bind, args.web_port, key, told)


def _key(path: str) -> str:
    """The key in a file.

    Raises:
        ConfigError: there is none.
    """
    from pathlib import Path

    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read: {exc}") from exc
    if len(key) < 16:
        raise ConfigError(f"the key in {path} is shorter than 16 characters")
    return key
