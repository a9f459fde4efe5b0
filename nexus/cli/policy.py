"""`nexus policy test`: whether the policies keep what a file expects of them, whatever is lost.

Exit codes: 0 all hold, 1 one does not, 2 a file cannot be used.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nexus.cli.commands import Subparsers, talk
from nexus.cli.what_if import TIMEOUT_S, add_url_and_json, text_of

if TYPE_CHECKING:
    from nexus.cli.client import Gateway
    from nexus.cli.facts import Facts
    from nexus.config.settings import NexusConfig
    from nexus.domain.fleet import Fleet

PATH = "/nexus/v1/policy/test"


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `policy` and its sub-command."""
    policy = subparsers.add_parser(
        "policy",
        help="check what the policies promise",
        description="Check what policies, aliases and fallbacks promise together.",
        epilog="example:\n  nexus policy test policies.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = policy.add_subparsers(required=True, metavar="COMMAND")
    test = commands.add_parser(
        "test",
        help="check a file of expectations under every loss of up to two backends",
        description="Check expectations ([[expect]] entries of a TOML file) in the running fleet\n"
        "and under every loss of one or two backends, each of them down or gone. With\n"
        "--config no Nexus is asked: the policies and backends are those of that file,\n"
        "and [fleet] of the expectations says which models each backend has.",
        epilog="example:\n  nexus policy test policies.toml --config nexus.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.add_argument("file", metavar="FILE", help="the expectations; - is standard input")
    test.add_argument(
        "-c", "--config", dest="proposed", metavar="FILE", help="the configuration to check"
    )
    add_url_and_json(test)
    test.set_defaults(run=run_test)


def run_test(args: argparse.Namespace) -> int:
    """Check, and print what does not hold with an example."""
    if args.proposed is None:
        return talk(_ask, args, TIMEOUT_S)
    from nexus.cli.output import say_json
    from nexus.errors import NexusError

    args.json = getattr(args, "json", False)
    try:
        return _files(args)
    except NexusError as error:
        if args.json:
            say_json({"error": {"message": error.message, "code": error.code}})
        raise


def _files(args: argparse.Namespace) -> int:
    """The two files alone. Raises ConfigError."""
    from nexus.errors import BadRequest, ConfigError
    from nexus.explain.expectations import read_expectations
    from nexus.explain.promises import check
    from nexus.explain.told import verdicts_told

    table = _table(args.file)
    try:
        config = _configured(args.proposed)
        fleet = _described(table, config)
        verdicts = check(read_expectations(table), fleet, config.policy())
    except BadRequest as wrong:
        raise ConfigError(wrong.message) from None
    return _report(cast("Facts", verdicts_told(verdicts)), as_json=args.json)


def _ask(gateway: Gateway, args: argparse.Namespace) -> int:
    from nexus.errors import BadRequest, ConfigError
    from nexus.explain.expectations import read_expectations

    table = _table(args.file)
    try:
        read_expectations(table)
    except BadRequest as wrong:
        raise ConfigError(wrong.message) from None
    found = gateway.ask("POST", PATH, {"expect": table["expect"]})
    if "results" not in found:
        gateway.must_be_nexus()
    return _report(found, as_json=args.json)


def _table(name: str) -> Mapping[str, object]:
    """The expectations as they are written. Raises ConfigError."""
    import tomllib

    from nexus.errors import BadRequest, ConfigError

    try:
        return tomllib.loads(text_of(name))
    except BadRequest as wrong:
        raise ConfigError(wrong.message) from None
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise ConfigError(f"{name} is not TOML: {wrong}") from None


def _configured(name: str) -> NexusConfig:
    from nexus.explain.proposal import configured

    return configured(text_of(name), name)


def _described(table: Mapping[str, object], config: NexusConfig) -> Fleet:
    """The fleet that the two files describe, everybody well. Raises BadRequest."""
    from nexus.domain.backend import Backend, BackendStatus, Model
    from nexus.domain.fleet import picture
    from nexus.domain.overrides import overridden
    from nexus.errors import BadRequest

    given = table.get("fleet")
    models: Mapping[str, object] = {}
    if isinstance(given, dict):
        models = cast("Mapping[str, object]", given)
    faces = {face.name: face for face in config.faces()}
    wrong = [
        f"[fleet] names {name}, which the configuration does not"
        for name in models
        if name not in faces
    ]
    wrong += [
        f"[fleet] does not say which models {name} has" for name in faces if name not in models
    ]
    backends: dict[str, Backend] = {}
    for name, face in faces.items():
        listed = models.get(name)
        if not isinstance(listed, list) or not all(
            isinstance(each, str) for each in cast("list[object]", listed)
        ):
            if name in models:
                wrong.append(f"fleet.{name} must be a list of models")
            continue
        own = [each for each in config.overrides() if each.concerns(face.id)]
        status = BackendStatus.HEALTHY
        if face.id in config.drained():
            status = BackendStatus.DRAINING
        its = tuple(overridden(Model(each), own) for each in cast("list[str]", listed))
        backends[face.id] = Backend(face, status, models=its)
    if wrong:
        raise BadRequest("\n".join(wrong))
    return picture(0, {each.id: each for each in backends.values()})


def _report(found: Facts, *, as_json: bool) -> int:
    from nexus.cli import output
    from nexus.cli.facts import flag, number, part, parts, text, texts

    holds = flag(found, "holds") is True
    if as_json:
        output.say_json(found)
        return 0 if holds else 1
    results = parts(found, "results")
    for each in results:
        worlds = int(number(each, "worlds") or 0)
        if flag(each, "holds"):
            losses = worlds - 1  # the first world is the one without any
            under = "1 loss" if losses == 1 else f"{losses} losses"
            output.say(f"holds   {text(each, 'name')} (under {under})")
            continue
        broken = part(each, "counterexample")
        output.say(f"BROKEN  {text(each, 'name')}")
        output.say(f"        With {text(broken, 'lost_words')}: {text(broken, 'why')}")
    for note in texts(found, "notes"):
        output.say(f"Note: {note}")
    failed = sum(flag(each, "holds") is not True for each in results)
    output.say(f"{len(results) - failed} of {len(results)} hold.")
    return 0 if holds else 1
