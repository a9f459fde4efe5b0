"""`nexus backends drain|undrain`: out of rotation, if wanted until nothing runs there, and back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

PAUSE_S = 0.5
"""Between two looks while waiting."""


def register(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add these sub-commands of `backends`."""
    drain = declare(
        commands,
        "drain",
        run_drain,
        help="send it no new work",
        description="Send it no new work. Its requests in flight finish; --wait waits for that,\n"
        "with exit code 1 when they have not by then.",
        example="nexus backends drain gpu-1 --wait 10m && ssh gpu-1 sudo reboot",
    )
    drain.add_argument(
        "--wait", metavar="SPAN", help="wait until nothing is in flight there, at most: 30s, 10m"
    )
    undrain = declare(
        commands,
        "undrain",
        run_undrain,
        help="take it back into rotation",
        description="Take it back into rotation. It gets work again if healthy.",
        example="nexus backends undrain gpu-1",
    )
    for each in (drain, undrain):
        each.add_argument("name", metavar="NAME", help="name or id of the backend")


def run_drain(gateway: Gateway, args: argparse.Namespace) -> int:
    """Send no new work there. With `--wait`, 1 when requests are still in flight at the end."""
    import time

    from nexus.cli.changes import path, show, state
    from nexus.cli.output import say
    from nexus.cli.times import span_s

    patience_s = None if args.wait is None else span_s(args.wait)
    backend = gateway.ask("POST", f"{path(args.name)}/drain")
    if patience_s is None:
        return show(backend, args)
    if _in_flight(backend) and not args.json:
        say(state(backend))
    end = time.monotonic() + patience_s
    while _in_flight(backend):
        left = end - time.monotonic()
        if left <= 0:
            show(backend, args)
            return 1
        time.sleep(min(PAUSE_S, left))
        backend = _look(gateway, backend)
    return show(backend, args)


def run_undrain(gateway: Gateway, args: argparse.Namespace) -> int:
    """Take it back into rotation."""
    from nexus.cli.changes import path, show

    return show(gateway.ask("POST", f"{path(args.name)}/undrain"), args)


def _look(gateway: Gateway, before: Facts) -> Facts:
    """The backend as it is now.

    Raises Conflict when it gets work again, so that waiting makes no sense, NotFound when it left.
    """
    from nexus.cli.changes import PATH
    from nexus.cli.facts import parts, text
    from nexus.errors import Conflict, NotFound

    name = text(before, "name")
    for backend in parts(gateway.get(PATH), "backends"):
        if backend.get("id") == before.get("id"):
            if backend.get("status") != "draining":
                raise Conflict(f"{name} was taken back into rotation meanwhile")
            return backend
    raise NotFound(f"{name} was removed meanwhile")


def _in_flight(backend: Facts) -> int:
    from nexus.cli.facts import number

    return int(number(backend, "pending_requests") or 0)
