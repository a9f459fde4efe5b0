"""One mistake in the configuration, and the report of all of them.

Found values come from files and variables, so they are printed escaped and short, and never where
they could be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from nexus.domain.urls import without_userinfo
from nexus.errors import ConfigError

Loc = tuple[str | int, ...]
"""Where a value sits: `("backends", 0, "url")`."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 60
_DEEPEST = 8
"""Tables in tables that are entered: more than the schema has."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to fix."""

    loc: Loc
    sentence: str
    """What is allowed, or what is wrong and what to do."""
    found: str = ""
    """The value, already fit to be printed; empty where there is none or it must not be shown."""
    where: str = ""
    """`nexus.toml:3`, `NEXUS_PORT` or `--port`; empty until known."""
    line: int = 0

    def text(self) -> str:
        """Two lines: where and what, then what is allowed."""
        key = key_path(self.loc)
        head = f"{self.where}: {key}" if self.where and key else self.where or key
        if self.found:
            head = f"{head} = {self.found}"
        return f"{head}\n    {self.sentence}"

    def facts(self) -> dict[str, str]:
        """The same for machines."""
        return {
            "where": self.where,
            "key": key_path(self.loc),
            "found": self.found,
            "allowed": self.sentence.removeprefix("allowed: "),
        }


def key_path(loc: Loc) -> str:
    """`backends[0].url`, `routing.aliases."gpt-4.1"`: as one would write it in TOML."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE.fullmatch(part) else printable(part)
            text += f".{key}" if text else key
    return text


def leaves(tree: Mapping[str, object], around: Loc = ()) -> Mapping[str, object]:
    """Every value of a nest of tables by its key path; lists of tables are entered."""
    found: dict[str, object] = {}
    for name, value in tree.items():
        loc = (*around, name.strip())
        entries = cast("list[object]", value) if isinstance(value, list) else []
        if isinstance(value, dict) and value and len(loc) < _DEEPEST:
            found |= leaves(cast("Mapping[str, object]", value), loc)
        elif any(isinstance(item, dict) for item in entries):
            for at, item in enumerate(entries):
                if isinstance(item, dict) and len(loc) < _DEEPEST:
                    found |= leaves(cast("Mapping[str, object]", item), (*loc, at))
        else:
            found[key_path(loc)] = value
    return found


def printable(value: object) -> str:
    """A value as TOML would have it, on one line, short, without control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        shown = ("[...]" if isinstance(item, list) else printable(item) for item in items)
        text = "[" + ", ".join(shown) + "]"
    elif isinstance(value, str):
        quoted = json.dumps(value, ensure_ascii=False)
        text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in quoted)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def found_at(loc: Loc, value: object) -> str:
    """The value for the report, with what may be a secret left out."""
    if loc and loc[-1] in ("api_key_env", "key_env", "sha256"):
        return '"..."' if value else '""'
    if loc and loc[-1] == "url" and isinstance(value, str):
        return printable(without_userinfo(value))
    return printable(value)


def config_error(problems: Sequence[Problem]) -> ConfigError:
    """The report: every problem, files first and in the order of their lines."""
    ordered = sorted(problems, key=lambda one: (one.line == 0, one.line))
    count = len(ordered)
    title = (
        "1 problem in the configuration" if count == 1 else f"{count} problems in the configuration"
    )
    return ConfigError(
        "\n\n".join([f"{title}:", *(one.text() for one in ordered)]),
        context={"problems": [one.facts() for one in ordered]},
    )
