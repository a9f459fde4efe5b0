"""`nexus models load|unload` and `nexus models --memory`: what is in memory, and where."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nexus.cli.commands import Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

BACKENDS = "/nexus/v1/backends"
MODELS = "/nexus/v1/models"
LOADING_S = 660.0
"""Patience: the gateway waits ten minutes for a server that reads a large model from disk."""
UNLOADING_S = 120.0


def register(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add these sub-commands of `models`."""
    load = declare(
        commands,
        "load",
        run_load,
        help="bring a model into a backend's memory",
        description="Bring a model into the memory of a backend, where its server can do that,\n"
        "and wait until it is there. Large models take minutes.",
        example="nexus models load llama3.3:70b --on gpu-1",
        timeout_s=LOADING_S,
    )
    unload = declare(
        commands,
        "unload",
        run_unload,
        help="free the memory of a model",
        description="Free the memory of a model, where the server of its backend can do that.\n"
        "Some can only put all of their models to sleep; the answer says so.",
        example="nexus models unload llama3.3:70b --on gpu-1",
        timeout_s=UNLOADING_S,
    )
    for each in (load, unload):
        each.add_argument("model", metavar="MODEL", help="its name at the backend")
        each.add_argument(
            "--on",
            metavar="BACKEND",
            help="name or id; may be left out where only one backend has the model",
        )


def run_load(gateway: Gateway, args: argparse.Namespace) -> int:
    """Bring a model into memory."""
    return _pull(gateway, args, "load")


def run_unload(gateway: Gateway, args: argparse.Namespace) -> int:
    """Free the memory of a model."""
    return _pull(gateway, args, "unload")


def run_memory(gateway: Gateway, args: argparse.Namespace) -> int:
    """Print each model at each backend."""
    from nexus.cli import output
    from nexus.cli.facts import number, parts, text
    from nexus.cli.table import Column, render

    body = gateway.get(MODELS)
    if "models" not in body:
        gateway.must_be_nexus()
    found = [
        (model, [at for at in parts(model, "backends") if _is_wanted(at, args.backend)])
        for model in parts(body, "models")
    ]
    if args.json:
        output.say_json({"models": [{**model, "backends": at} for model, at in found if at]})
        return 0
    rows: list[list[str]] = []
    for model, places in found:
        for at in places:
            speed = number(at, "tokens_per_second")
            rows.append(
                [
                    text(model, "id"),
                    text(at, "backend"),
                    text(at, "status").replace("_", " "),
                    text(at, "residency") or "?",
                    "-" if speed is None else f"{speed:.0f}",
                ]
            )
    columns = [
        Column("Model"),
        Column("Backend"),
        Column("Status", short=True, paint=output.paint_status),
        Column("Memory", short=True),
        Column("Tokens/s", short=True, right=True),
    ]
    output.say(render(columns, rows, output.columns()) if rows else "No models.")
    return 0


def _is_wanted(at: Facts, backend: str | None) -> bool:
    return backend is None or at.get("backend") == backend


def _pull(gateway: Gateway, args: argparse.Namespace, verb: str) -> int:
    from urllib.parse import quote

    from nexus.cli import output
    from nexus.cli.facts import text
    from nexus.domain.text import clean

    model = clean(args.model, 100)
    backend = _backend(gateway, args.on, args.model)
    if verb == "load" and sys.stderr.isatty():
        print(f"{text(backend, 'name')} loads {model}...", file=sys.stderr)
    path = f"{BACKENDS}/{quote(str(backend.get('id')), safe='')}"
    done = gateway.ask("POST", f"{path}/{verb}", {"model": args.model})
    if args.json:
        output.say_json(done)
        return 0
    name = text(done, "backend")
    after = "Loaded" if verb == "load" else "Unloaded"
    sleeps = verb == "unload" and text(backend, "backend_type") == "vllm"
    note = " All of it sleeps, and gets no requests until a model is loaded." if sleeps else ""
    output.say(f"{after} {model} on {name}.{note}")
    return 0


def _backend(gateway: Gateway, named: str | None, model: str) -> Facts:
    """The backend that was named, or the only one that has the model.

    Raises NotFound or BadRequest with those there are.
    """
    from nexus.cli.facts import parts
    from nexus.domain.text import clean
    from nexus.errors import BadRequest, NotFound

    body = gateway.get(BACKENDS)
    if "backends" not in body:
        gateway.must_be_nexus()
    backends = parts(body, "backends")
    if named is not None:
        found = [each for each in backends if named in (each.get("name"), each.get("id"))]
        if not found:
            raise NotFound(
                f"No backend is called '{clean(named, 100)}'. Backends: {_names(backends)}"
            )
        return found[0]
    having = [each for each in backends if model in _models(each)]
    if not having:
        raise NotFound(
            f"No backend lists '{clean(model, 100)}': `nexus models --sources` says what there is; "
            "--on names a backend"
        )
    if len(having) > 1:
        raise BadRequest(f"Say where with --on: '{clean(model, 100)}' is at {_names(having)}")
    return having[0]


def _models(backend: Facts) -> list[object]:
    from typing import cast

    models = backend.get("models")
    return cast("list[object]", models) if isinstance(models, list) else []


def _names(backends: list[Facts]) -> str:
    from nexus.cli.facts import text

    return ", ".join(text(each, "name") for each in backends) or "none"
