"""`nexus discover`: looks around once, and says what is there, what it is, and why not the rest."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts
    from nexus.config.settings import NexusConfig
    from nexus.discovery.look import Outlook


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `discover`."""
    parser = declare(
        subparsers,
        "discover",
        run_discover,
        help="look for model servers on this machine and network",
        description="Look at the well-known ports of this machine, listen to mDNS and beacons,\n"
        "and look at the hosts that the configuration names. Needs no running Nexus;\n"
        "where one runs, what waits for approval there is shown too.",
        example="nexus discover --seconds 10",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        metavar="SECONDS",
        help="how long to listen to the network (3)",
    )


def run_discover(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print what a look around sees. Exit code 0 when a server was found."""
    import asyncio
    import contextlib

    from nexus.cli import output
    from nexus.cli.client import NoAnswer, Refused
    from nexus.cli.config import load_for
    from nexus.cli.facts import parts

    view: Facts | None = None
    with contextlib.suppress(NoAnswer, Refused):
        view = gateway.get("/nexus/v1/discovered")
    config = load_for(args).config
    seconds = min(max(args.seconds, 0.0), 60.0)
    outlook = asyncio.run(_look(gateway.url if view is not None else "", config, seconds))
    there = any(probe.found for probe in outlook.looked_at) or bool(outlook.waiting)
    waiting = parts(view, "waiting") if view is not None else []
    if args.json:
        output.say_json(_json(outlook, gateway.url, view))
    else:
        heard = _listened(config, seconds)
        output.say(_text(outlook, heard, waiting, gateway.url if view is not None else ""))
    return 0 if there or waiting else 1


async def _look(own_url: str, config: NexusConfig, seconds: float) -> Outlook:
    from nexus.discovery.look import look_around
    from nexus.discovery.network import wishes
    from nexus.upstream.client import ProbeClient

    return await look_around(
        ProbeClient(),
        wishes(config.discovery),
        own_url=own_url,
        configured=config.faces(),
        patience_s=seconds,
    )


def _json(outlook: Outlook, url: str, view: Facts | None) -> Facts:
    return {
        "looked_at": [
            {
                "url": probe.url,
                "found": probe.found.value if probe.found else None,
                "detail": probe.detail,
            }
            for probe in outlook.looked_at
        ],
        "would_wait": [
            {
                "name": server.name,
                "url": server.url,
                "backend_type": server.type.value,
                "detail": server.detail,
                "via": server.via,
            }
            for server in outlook.waiting
        ],
        "mdns_problem": outlook.mdns_problem,
        "gateway": None if view is None else {"url": url, **view},
    }


def _listened(config: NexusConfig, seconds: float) -> str:
    """What a look around has listened to, in a sentence."""
    wanted = config.discovery
    if wanted.trust == "off":
        return "The network was left out: discovery.trust is off."
    types = ", ".join(service.removesuffix(".local.") for service in wanted.service_types)
    heard = [f"mDNS ({types})"] if wanted.mdns else []
    heard += ["beacons of Lemonade and exo"] if wanted.beacons else []
    named = f" Looked at {', '.join(wanted.hosts)}." if wanted.hosts else ""
    listened = f"Listened {seconds:g} s to {' and '.join(heard)}." if heard else ""
    return (listened + named).strip()


def _text(outlook: Outlook, heard: str, waiting: list[Facts], gateway: str) -> str:
    from nexus.cli.facts import text
    from nexus.cli.output import columns
    from nexus.cli.table import Column, render
    from nexus.domain.text import clean

    probes = sorted(outlook.looked_at, key=lambda probe: (probe.found is None, probe.url))
    rows = [
        [clean(p.url, 80), p.found.value if p.found else "-", clean(p.detail, 200)] for p in probes
    ]
    headings = [Column("Address"), Column("Found", short=True), Column("What, or why not")]
    lines = [render(headings, rows, columns())]
    if heard:
        lines += ["", heard]
    if outlook.mdns_problem:
        lines += ["", f"mDNS does not work here: {clean(outlook.mdns_problem, 200)}"]
    if outlook.waiting and not gateway:
        names = ", ".join(clean(server.name, 60) for server in outlook.waiting)
        lines += ["", f"Beyond this machine, a running Nexus would ask about: {names}"]
    if gateway:
        lines.append("")
        if waiting:
            lines.append(f"Waiting for approval at {gateway}:")
            lines += [
                f"  {text(one, 'name')}: {text(one, 'backend_type')} at {text(one, 'url')} "
                f"({text(one, 'via')})"
                for one in waiting
            ]
            lines.append(f"Use one with `nexus backends approve {text(waiting[0], 'id')}`.")
        else:
            lines.append(f"Nothing waits for approval at {gateway}.")
    return "\n".join(lines)
