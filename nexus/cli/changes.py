"""`nexus backends add|edit|remove|check`: what changes the running Nexus."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nexus.cli.commands import Command, Subparsers, declare

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts

# The domain's words, written out because importing its enums costs start-up time.
TYPES = (
    "ollama",
    "vllm",
    "llamacpp",
    "exo",
    "lmstudio",
    "openai",
    "anthropic",
    "google",
    "generic",
)
ZONES = ("restricted", "open")

PATH = "/nexus/v1/backends"

NONE = "none"
"""Takes back what was said: then it is as if nobody had."""
RECOGNISE = "/nexus/v1/recognise"
PROBING_S = 30.0
"""Patience with commands that make the gateway probe a backend before it answers."""


def register(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add these sub-commands of `backends`."""
    _register_add(commands)
    _register_edit(commands)
    _register_others(commands)


def _register_add(commands: Subparsers[argparse.ArgumentParser]) -> None:
    add = declare(
        commands,
        "add",
        run_add,
        help="register a backend",
        description="Register a backend and check it at once. It is kept over a restart: in the\n"
        "configuration file, comments intact, or in a state file where there is none.",
        example="nexus backends add http://192.168.1.20:11434 --name gpu-1",
        timeout_s=PROBING_S,
    )
    add.add_argument("backend_url", metavar="URL", help="where the server listens")
    add.add_argument("-n", "--name", help="default: host and port")
    add.add_argument(
        "-t",
        "--type",
        "--backend-type",
        type=_type_name,
        choices=TYPES,
        metavar="TYPE",
        help=f"found out by asking when left out; {', '.join(TYPES)}",
    )
    add.add_argument("-p", "--priority", type=int, help="0 to 100, lower is preferred (50)")
    add.add_argument(
        "--zone",
        type=str.lower,
        choices=ZONES,
        metavar="ZONE",
        help="restricted: data stays with you; open: it may be a third party (default by type)",
    )
    add.add_argument("--tier", type=int, help="1 to 5, higher is more capable (1)")
    add.add_argument("--max-concurrent", type=int, help="most requests in flight there")
    add.add_argument(
        "--api-key-env",
        metavar="VARIABLE",
        help="environment variable of the gateway, not of this shell, that holds the key",
    )
    add.add_argument(
        "--dry-run",
        action="store_true",
        help="say what answers there, and add nothing; exit code 1 when nothing known does",
    )


def _register_edit(commands: Subparsers[argparse.ArgumentParser]) -> None:
    edit = declare(
        commands,
        "edit",
        run_edit,
        help="change priority, zone, tier or limit",
        description="Change what Nexus was told about a backend; what is not named stays.",
        example="nexus backends edit gpu-1 --priority 10",
    )
    edit.add_argument("name", metavar="NAME", help="name or id of the backend")
    edit.add_argument(
        "-p", "--priority", type=_number, help="0 to 100, lower is preferred; none: 50"
    )
    edit.add_argument(
        "--zone",
        type=_zone,
        metavar="ZONE",
        help="restricted or open; none: the usual one of its type",
    )
    edit.add_argument("--tier", type=_number, help="1 to 5, higher is more capable; none: 1")
    edit.add_argument(
        "--max-concurrent", type=_number, help="most requests in flight there; none: no limit"
    )


def _number(word: str) -> int | str:
    """A whole number, or `none`."""
    return NONE if word.lower() == NONE else int(word)


def _zone(word: str) -> str:
    """A zone, or `none`."""
    if (zone := word.lower()) not in (*ZONES, NONE):
        raise argparse.ArgumentTypeError(f"'{word}' is neither {', '.join(ZONES)} nor {NONE}")
    return zone


_number.__name__ = "number"  # argparse names it: invalid number value


def _register_others(commands: Subparsers[argparse.ArgumentParser]) -> None:
    changes: tuple[tuple[str, Command, str, str], ...] = (
        ("remove", run_remove, "forget a backend", "Its requests in flight finish."),
        ("check", run_check, "probe it now", "Ask it now, and print how it is."),
    )
    for name, run, help, more in changes:
        parser = declare(
            commands,
            name,
            run,
            help=help,
            description=f"{help[0].upper()}{help[1:]}. {more}",
            example=f"nexus backends {name} gpu-1",
            timeout_s=PROBING_S if run is run_check else None,
        )
        parser.add_argument("name", metavar="NAME", help="name or id of the backend")


def run_add(gateway: Gateway, args: argparse.Namespace) -> int:
    """Register a backend and say what it turned out to be."""
    from nexus.cli.facts import text
    from nexus.cli.output import say, say_json

    if args.dry_run:
        return _recognise(gateway, args)
    asked = {
        "url": args.backend_url,
        "name": args.name,
        "type": args.type,
        "priority": args.priority,
        "zone": args.zone,
        "tier": args.tier,
        "max_concurrent": args.max_concurrent,
        "api_key_env": args.api_key_env,
    }
    added = gateway.ask("POST", PATH, {key: v for key, v in asked.items() if v is not None})
    if args.json:
        say_json(added)
        return 0
    evidence = text(added, "recognised_by")
    how = f" ({evidence})" if evidence and evidence != "given" else ""
    named = f"'{text(added, 'name')}' ({text(added, 'id')})"
    say(f"Added backend {named} as {text(added, 'backend_type')}{how}. {state(added)}")
    return 0


def _recognise(gateway: Gateway, args: argparse.Namespace) -> int:
    """Say what answers at a URL. 1 when nothing known does."""
    from nexus.cli.facts import text
    from nexus.cli.output import say, say_json
    from nexus.domain.text import clean

    found = gateway.maybe("POST", RECOGNISE, {"url": args.backend_url})
    if args.json:
        say_json(found)
    elif found is not None:
        what = f"{text(found, 'type')} ({text(found, 'detail')})"
        say(f"{text(found, 'url')} would be added as {what}. Nothing was added.")
    else:
        url = clean(args.backend_url)
        say(f"Nothing known answers at {url}; it would be added as generic. Nothing was added.")
    return 1 if found is None else 0


def run_edit(gateway: Gateway, args: argparse.Namespace) -> int:
    """Change a backend and say how it is now."""
    from nexus.cli.facts import text
    from nexus.cli.output import say, say_json
    from nexus.errors import BadRequest

    keys = ("priority", "zone", "tier", "max_concurrent")
    asked = {key: getattr(args, key) for key in keys if getattr(args, key) is not None}
    if not asked:
        raise BadRequest("Nothing to change: give --priority, --zone, --tier or --max-concurrent")
    wanted = {key: None if value == NONE else value for key, value in asked.items()}
    edited = gateway.ask("PATCH", path(args.name), wanted)
    if args.json:
        say_json(edited)
        return 0
    # What it is now: "none" has become something.
    now = {key: "none" if edited.get(key) is None else edited[key] for key in asked}
    said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in now.items())
    say(f"Changed backend '{text(edited, 'name')}': {said}.")
    return 0


def run_remove(gateway: Gateway, args: argparse.Namespace) -> int:
    """Forget a backend."""
    from nexus.cli.facts import text
    from nexus.cli.output import say, say_json

    removed = gateway.ask("DELETE", path(args.name))
    if args.json:
        say_json(removed)
    else:
        say(f"Removed backend: {text(removed, 'removed')}")
    return 0


def run_check(gateway: Gateway, args: argparse.Namespace) -> int:
    """Probe it now."""
    return show(gateway.ask("POST", f"{path(args.name)}/check"), args)


def show(backend: Facts, args: argparse.Namespace) -> int:
    """Print how a backend is; exit code 0."""
    from nexus.cli.output import say, say_json

    if args.json:
        say_json(backend)
    else:
        say(state(backend))
    return 0


def path(name: str) -> str:
    """Where a backend is addressed. A slash would cut the path, so such a name goes as its id."""
    from urllib.parse import quote

    if "/" in name:
        from nexus.domain.urls import backend_id

        name = backend_id(name)
    return f"{PATH}/{quote(name, safe='')}"


def state(backend: Facts) -> str:
    """`gpu-1 is healthy, 3 models, 2 requests in flight.`"""
    from nexus.cli.facts import number, text, texts
    from nexus.cli.output import paint_status

    status = text(backend, "status")
    models = len(texts(backend, "models"))
    pending = int(number(backend, "pending_requests") or 0)
    facts = [f"{text(backend, 'name')} is {paint_status(status)}", _count(models, "model")]
    if pending:
        facts.append(f"{_count(pending, 'request')} in flight")
    reason = text(backend, "reason")
    why = f": {reason}" if reason and status != "healthy" else ""
    return f"{', '.join(facts)}{why}."


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _type_name(text: str) -> str:
    """`LLAMA.CPP` and `llama-cpp` are llamacpp."""
    return text.lower().replace(".", "").replace("-", "").replace(" ", "")
