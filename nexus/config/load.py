"""From a file, the environment and the command line to one frozen `NexusConfig`, or one report.

All inputs are arguments: nothing here looks at `os.environ` or the argument vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nexus.config.checks import cross_checks
from nexus.config.describe import allowed, field_at, field_kind
from nexus.config.file import Source, find, parsed, read
from nexus.config.locate import line_at
from nexus.config.mark import Mark
from nexus.config.models import models_as_list
from nexus.config.origin import Setting, read_text, settings_over_file
from nexus.config.problems import Loc, Problem, config_error, found_at, key_path, leaves
from nexus.config.routing import policies_as_list
from nexus.config.settings import NexusConfig
from nexus.config.suggest import near_word, unknown_key

Tree = dict[str, object]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A usable configuration and where it came from."""

    config: NexusConfig
    path: Path | None
    origins: Mapping[str, str]
    """`server.port` -> `file`, `env NEXUS_PORT` or `flag --port`; keys at default are absent."""
    mark: Mark | None = None
    """The file's when it was read; None where there is none."""


def load(
    path: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    *,
    explicit: bool = False,
) -> Loaded:
    """Read, layer and validate the configuration.

    Args:
        path: the file; None looks at `NEXUS_CONFIG` and the default places.
        environ: environment variables.
        flags: values from the command line by `section.key` (`{"server.port": 9000}`); None is
            not set.
        explicit: `path` was named by a person and must exist.

    Raises ConfigError that lists every problem: where, what was found, what is allowed.
    """
    source, problems = read(find(path, environ, explicit=explicit))
    over: dict[Loc, Setting] = {
        setting.loc: setting for setting in settings_over_file(environ, flags)
    }
    return _loaded(source, problems, over)


def load_text(text: str, name: str) -> Loaded:
    """The same of a file's text, with no other layer: for a configuration that is not in force.

    Args:
        name: what the report calls the file.

    Raises ConfigError as `load` does.
    """
    source, problems = parsed(text, Path(name))
    return _loaded(source, problems, {})


def _loaded(source: Source, problems: list[Problem], over: dict[Loc, Setting]) -> Loaded:
    tree, origins = _layer(source, list(over.values()))
    config, found = _validate(tree)
    found += cross_checks(tree)
    problems += (_placed(problem, source, over) for problem in _distinct(found))
    if problems or config is None:
        raise config_error(problems)
    return Loaded(config, source.path, origins, source.mark)


def _layer(source: Source, over: list[Setting]) -> tuple[Tree, dict[str, str]]:
    """The file's tables with the stronger layers laid over them, and who set what."""
    tree = {
        name: dict(cast("Tree", value)) if isinstance(value, dict) else value
        for name, value in source.raw.items()
    }
    origins = _origins(source.raw)
    for setting in over:
        section, name = setting.loc
        table = tree.setdefault(section, {})
        if not isinstance(table, dict):
            continue  # the file is wrong here and is told so
        value = setting.value
        if isinstance(value, str) and (field := field_at(setting.loc)):
            value = read_text(value, field_kind(field).base)
        cast("Tree", table)[name] = value
        origins[key_path(setting.loc)] = setting.origin
    return tree, origins


def _origins(raw: Mapping[str, object]) -> dict[str, str]:
    """`file` for every value of the file, by its key in `NexusConfig`."""
    plain: Tree = {**raw}
    routing = raw.get("routing")
    if isinstance(routing, dict) and "policies" in routing:
        table = cast("Tree", routing)
        plain["routing"] = {**table, "policies": policies_as_list(table["policies"])}
    if "models" in raw:
        plain["models"] = models_as_list(raw["models"])
    if isinstance(backends := raw.get("backends"), list):
        plain["backends"] = [
            {**entry, "overrides": models_as_list(entry["overrides"])}
            if "overrides" in entry
            else entry
            for entry in map(_table, cast("list[object]", backends))
        ]
    return dict.fromkeys(leaves(plain), "file")


def _table(value: object) -> Tree:
    return cast("Tree", value) if isinstance(value, dict) else {}


def _validate(tree: Tree) -> tuple[NexusConfig | None, list[Problem]]:
    try:
        return NexusConfig.model_validate(tree), []
    except ValidationError as wrong:
        details = wrong.errors(include_url=False, include_context=False)
        return None, [_problem(detail, tree) for detail in details]


def _problem(detail: ErrorDetails, tree: Tree) -> Problem:
    """One of pydantic's findings in our words."""
    loc = _as_written(detail["loc"], tree)
    found = _value_at(tree, loc, detail["input"])
    if detail["type"] == "extra_forbidden":
        return Problem(loc, unknown_key(loc))
    field = field_at(loc)
    words = allowed(field) if field else "a table"
    if detail["type"] == "missing":
        return Problem(loc, f"is missing; allowed: {words}")
    if detail["type"] == "value_error":
        sentence = detail["msg"].removeprefix("Value error, ")
    else:
        sentence = f"allowed: {words}"
        base = field_kind(field).base if field else None
        if isinstance(base, type) and issubclass(base, StrEnum):
            sentence += near_word(found, [word.value for word in base])
    return Problem(loc, sentence, found_at(loc, found))


def _value_at(tree: Tree, loc: Loc, otherwise: object) -> object:
    """The value as it was written, before the schema lower-cased or trimmed it."""
    value: object = tree
    for part in loc:
        if isinstance(value, dict) and part in value:
            value = cast("dict[str | int, object]", value)[part]
        elif isinstance(value, list) and isinstance(part, int):
            value = cast("list[object]", value)[part]
        else:
            return otherwise
    return value


def _as_written(loc: Loc, tree: Tree) -> Loc:
    """Pydantic's place as the file has it: no `[key]`, and by glob where entries are written so."""
    written: list[str | int] = []
    value = cast("object", tree)
    for part in loc:
        if part == "[key]":
            continue
        here = part
        if isinstance(value, dict):
            inner = cast("dict[str | int, object]", value)
            if isinstance(here, int) and here < len(inner):
                here = list(inner)[here]
            value = inner.get(here)
        elif isinstance(value, list) and isinstance(here, int):
            entries = cast("list[object]", value)
            value = entries[here] if here < len(entries) else None
        else:
            value = None
        written.append(here)
    return tuple(written)


def _distinct(problems: list[Problem]) -> list[Problem]:
    """One problem per place: the schema's, where a rule of the whole file says the same."""
    first: dict[Loc, Problem] = {}
    for problem in problems:
        first.setdefault(problem.loc, problem)
    return list(first.values())


def _placed(problem: Problem, source: Source, over: Mapping[Loc, Setting]) -> Problem:
    """The problem with the file and line, the variable or the flag it came from."""
    if setting := over.get(problem.loc):
        hint = _hint(problem, setting) if setting.layer == "env" else ""
        return replace(problem, where=setting.name, sentence=problem.sentence + hint)
    line = line_at(source.lines, problem.loc)
    place = f"{source.path}:{line}" if line else str(source.path or "")
    return replace(problem, where=place, line=line)


def _hint(problem: Problem, setting: Setting) -> str:
    """What to know about variables that a file's author need not."""
    if str(setting.value).startswith("tcp://"):
        return (
            "\n    Kubernetes sets this for a Service named nexus; "
            "`enableServiceLinks: false` in the pod stops it"
        )
    return " (or 1/0, yes/no, on/off)" if problem.sentence.endswith("true or false") else ""
