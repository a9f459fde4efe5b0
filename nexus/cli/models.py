"""`nexus models`: what can be asked for, and what it can do."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

CAPABILITIES = {
    "vision": "Vision",
    "tools": "Tools",
    "json_mode": "JSON",
    "embeddings": "Embeddings",
}
"""Capability -> heading of its column."""


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `models`."""
    parser = declare(
        subparsers,
        "models",
        run_models,
        help="every model, its backends and what it can do",
        description="List the models that the running Nexus serves, with context length and\n"
        "capabilities; ? where a backend does not say.",
        example="nexus models --backend gpu-1",
    )
    parser.add_argument("-b", "--backend", metavar="NAME", help="only the models of this backend")


def run_models(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the list."""
    from nexus.cli import output

    models = _of_backend(gateway, args.backend) if args.backend else _of_all(gateway)
    if args.json:
        output.say_json({"models": models})
        return 0
    if not models:
        output.say("No models. `nexus backends` says how each backend is.")
        return 0
    output.say(_table(models, output.columns()))
    return 0


def _of_all(gateway: Gateway) -> list[Facts]:
    """Every model that clients see, aliases included."""
    from nexus.cli.facts import part, parts

    body = gateway.get("/v1/models")
    listed = parts(body, "data")
    if not listed or not all("backends" in entry for entry in listed):
        gateway.must_be_nexus()  # every OpenAI-like server has this list
    found: list[Facts] = []
    for entry in listed:
        model = _model(entry, part(entry, "capabilities"), entry.get("backends"))
        if "alias_of" in entry:
            model["alias_of"] = entry["alias_of"]
        found.append(model)
    return found


def _of_backend(gateway: Gateway, name: str) -> list[Facts]:
    """One backend's models with its own context lengths and capabilities.

    Raises NotFound that lists the backends there are.
    """
    from nexus.cli.facts import parts, text
    from nexus.domain.text import clean
    from nexus.errors import NotFound

    backends = parts(gateway.get("/nexus/v1/backends"), "backends")
    for backend in backends:
        if name in (backend.get("name"), backend.get("id")):
            break
    else:
        names = ", ".join(text(backend, "name") for backend in backends) or "none"
        raise NotFound(f"No backend is called '{clean(name, 100)}'. Backends: {names}")
    status = text(backend, "status")
    if status != "healthy":
        print(f"{text(backend, 'name')} is {status}: its models get no new work", file=sys.stderr)
    return [
        _model(model, model, [backend.get("name")]) for model in parts(backend, "model_details")
    ]


def _model(entry: Facts, capabilities: Facts, backends: object) -> Facts:
    from nexus.cli.facts import flag

    return {
        "id": entry.get("id"),
        "backends": backends,
        "context_length": entry.get("context_length"),
    } | {f"supports_{name}": flag(capabilities, name) for name in CAPABILITIES}


def _table(models: list[Facts], columns_wide: int | None) -> str:
    from nexus.cli.facts import flag, number, text, texts
    from nexus.cli.table import Column, render

    columns = [Column("Model"), Column("Backends"), Column("Context", short=True, right=True)]
    columns += [Column(title, short=True) for title in CAPABILITIES.values()]
    words = {True: "yes", False: "no", None: "?"}
    rows: list[list[str]] = []
    for model in models:
        alias = f" (alias of {text(model, 'alias_of')})" if "alias_of" in model else ""
        context = number(model, "context_length")
        row = [text(model, "id") + alias, ", ".join(texts(model, "backends"))]
        row.append("?" if context is None else f"{context:.0f}")
        row += [words[flag(model, f"supports_{name}")] for name in CAPABILITIES]
        rows.append(row)
    return render(columns, rows, columns_wide)
