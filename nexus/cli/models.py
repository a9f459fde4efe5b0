"""`nexus models`: what can be asked for, and what it can do."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nexus.cli import residency
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
MORE = {"audio": "Audio", "reasoning": "Reasoning"}
"""Those that are asked about less often: shown with `--sources`, and to machines."""


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `models`."""
    parser = declare(
        subparsers,
        "models",
        run_models,
        help="every model, what it can do; load and unload one",
        description="List the models that the running Nexus serves, with context length and\n"
        "capabilities; ? where nobody says. Backends whose prompts leave your network\n"
        "are marked (open).",
        example="nexus models --backend gpu-1",
    )
    parser.add_argument(
        "-s",
        "--sources",
        action="store_true",
        help="every fact, and whose word it is: server, config, catalogue or guess",
    )
    parser.add_argument(
        "--memory",
        action="store_true",
        help="each model at each backend: whether it is in memory, and how fast it is there",
    )
    parser.add_argument("-b", "--backend", metavar="NAME", help="only the models of this backend")
    residency.register(parser.add_subparsers(title="commands", metavar="COMMAND"))


def run_models(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print the list."""
    from nexus.cli import output

    if args.memory:
        return residency.run_memory(gateway, args)
    models = _of_backend(gateway, args.backend) if args.backend else _of_all(gateway)
    if args.json:
        output.say_json({"models": models})
        return 0
    if not models:
        output.say("No models. `nexus backends` says how each backend is.")
        return 0
    output.say(_table(models, output.columns(), with_sources=args.sources))
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
        model["zones"] = entry.get("zones")
        model["sources"] = part(entry, "capability_sources")
        if "alias_of" in entry:
            model["alias_of"] = entry["alias_of"]
        found.append(model)
    return found


def _of_backend(gateway: Gateway, name: str) -> list[Facts]:
    """One backend's models with its own context lengths and capabilities.

    Raises NotFound that lists the backends there are.
    """
    from nexus.cli.facts import part, parts, text
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
        _model(model, model, [backend.get("name")])
        | {"zones": [model.get("zone") or backend.get("zone")], "sources": part(model, "sources")}
        for model in parts(backend, "model_details")
    ]


def _model(entry: Facts, capabilities: Facts, backends: object) -> Facts:
    from nexus.cli.facts import flag

    return {
        "id": entry.get("id"),
        "backends": backends,
        "context_length": entry.get("context_length"),
        "max_output_tokens": entry.get("max_output_tokens"),
    } | {f"supports_{name}": flag(capabilities, name) for name in (*CAPABILITIES, *MORE)}


def _table(models: list[Facts], columns_wide: int | None, *, with_sources: bool) -> str:
    from nexus.cli.facts import flag, number, part, text
    from nexus.cli.table import Column, render

    columns = [Column("Model"), Column("Backends"), Column("Context", short=True, right=True)]
    shown = CAPABILITIES | MORE if with_sources else CAPABILITIES
    if with_sources:
        columns.append(Column("Output", short=True, right=True))
    columns += [Column(title, short=True) for title in shown.values()]
    words = {True: "yes", False: "no", None: "?"}
    rows: list[list[str]] = []
    for model in models:
        said = part(model, "sources") if with_sources else {}

        def sourced(word: str, fact: str, said: Facts = said) -> str:
            return f"{word} ({text(said, fact)})" if fact in said else word

        alias = f" (alias of {text(model, 'alias_of')})" if "alias_of" in model else ""
        row = [text(model, "id") + alias, ", ".join(_places(model))]
        for size in ("context_length", "max_output_tokens")[: 2 if with_sources else 1]:
            tokens = number(model, size)
            row.append("?" if tokens is None else sourced(f"{tokens:.0f}", size))
        row += [sourced(words[flag(model, f"supports_{name}")], name) for name in shown]
        rows.append(row)
    return render(columns, rows, columns_wide)


def _places(model: Facts) -> list[str]:
    """The backends' names, marked where prompts leave the network."""
    from nexus.cli.facts import texts

    names, zones = texts(model, "backends"), texts(model, "zones")
    if len(zones) != len(names):
        return list(names)
    return [
        f"{name} (open)" if zone == "open" else name
        for name, zone in zip(names, zones, strict=True)
    ]
