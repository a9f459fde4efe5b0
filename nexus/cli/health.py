"""`nexus health`: one look at the whole fleet. Exit code 0 when anything can be served."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

SERVING = frozenset({"healthy", "degraded"})


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `health`."""
    declare(
        subparsers,
        "health",
        run_health,
        help="is it up, and are its backends?",
        description="Ask the running Nexus how it and its backends are.\n"
        "Exit code 0 when healthy or degraded, 1 when unhealthy or when nothing answers.",
        example="nexus health && echo serving",
    )


def run_health(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the report."""
    from nexus.cli import output
    from nexus.cli.client import Refused
    from nexus.cli.facts import number, part, parts, text

    report = gateway.get("/health")
    if report.get("service") != "nexus":
        gateway.must_be_nexus()
    try:
        listed = parts(gateway.get("/nexus/v1/backends"), "backends")
    except Refused as problem:  # whether it serves is told to everybody, the rest takes a key
        print(f"Backends are not shown: {problem.message}", file=sys.stderr)
        listed = []
    status = text(report, "status")
    counts = part(report, "backends")
    models = int(number(report, "models") or 0)
    if args.json:
        output.say_json(
            {
                "status": report.get("status"),
                "version": report.get("version"),
                "uptime_seconds": report.get("uptime_seconds"),
                "backends": counts,
                "models": {"total": models},
                "backend_details": [_detail(backend) for backend in listed],
            }
        )
    else:
        healthy, total = (int(number(counts, key) or 0) for key in ("healthy", "total"))
        lines = [
            f"Status:   {output.paint_status(status)}",
            f"Version:  {text(report, 'version')}",
            f"Uptime:   {uptime(number(report, 'uptime_seconds') or 0)}",
            f"Backends: {healthy}/{total} healthy",
            f"Models:   {models} available",
        ]
        if listed:
            lines += ["", *(_line(backend) for backend in listed)]
        output.say("\n".join(lines))
    return 0 if status in SERVING else 1


def uptime(seconds: float) -> str:
    """`1h 2m 3s`, with days in front where there are any."""
    left = max(int(seconds), 0)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return " ".join([*parts, f"{left}s"])


def _detail(backend: Facts) -> Facts:
    """What contract and scripts want to know of one backend."""
    keys = ("name", "status", "reason", "next", "models", "avg_latency_ms", "pending_requests")
    return {key: backend.get(key) for key in keys}


def _line(backend: Facts) -> str:
    from nexus.cli.facts import text, texts
    from nexus.cli.output import sign

    status = text(backend, "status")
    count = len(texts(backend, "models"))
    models = "1 model" if count == 1 else f"{count} models"
    line = f"  {sign(status)} {text(backend, 'name')}: {status.replace('_', ' ')}, {models}"
    said = "; ".join(part for key in ("reason", "next") if (part := text(backend, key)))
    return f"{line} ({said})" if said and status != "healthy" else line
