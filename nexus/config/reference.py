"""Writes the reference and the example file from the schema, so that neither can be out of date.

`python -m nexus.config.reference` writes both into the working tree; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import cast

from pydantic.fields import FieldInfo

from nexus.config.describe import Key, allowed, field_kind, keys, section_at
from nexus.config.origin import CONFIG_VARIABLE, FLAGS, VARIABLES
from nexus.config.planned import PLANNED
from nexus.config.problems import Loc

MARKDOWN = Path("docs/reference/configuration.md")
EXAMPLE = Path("nexus.example.toml")


def markdown() -> str:
    """The text of `docs/reference/configuration.md`."""
    parts = [_INTRODUCTION.format(layers=_layers())]
    for table, group in groupby(keys(), key=lambda key: key.table):
        plain = table.replace("[]", "")
        title = f"[[{plain}]]" if table.endswith("[]") else f"[{table}]"
        lines = [f"## `{title}`", "", _summary(table)]
        if table in PLANNED:
            lines += ["", _NO_EFFECT.format("This table is")]
        lines += ["", "| Key | Allowed | Default | Meaning |", "|---|---|---|---|"]
        lines += [_row(key) for key in group]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def example() -> str:
    """The text of `nexus.example.toml`: every key as a comment, with its default or an example."""
    parts = [_HEAD]
    for table, group in groupby(keys(), key=lambda key: key.table):
        parts.append("\n".join(_example_table(table, list(group))))
    return "\n\n".join(parts) + "\n"


def minimal() -> str:
    """A file with what most people set first."""
    return _MINIMAL


def toml(value: object) -> str:
    """A value in TOML's own spelling, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        word = value.value if isinstance(value, StrEnum) else value
        quoted = json.dumps(word, ensure_ascii=False)
        return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in quoted)
    if isinstance(value, Mapping):
        table = cast("Mapping[str, object]", value)
        inner = ", ".join(f"{toml(key)} = {toml(item)}" for key, item in table.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in cast("list[object]", value)) + "]"
    if isinstance(value, float) and value.is_integer() and value < 1e15:
        return str(int(value))  # every key that takes a fraction takes a whole number
    return str(value)


def _summary(table: str) -> str:
    """The first sentence of a section's docstring, without its own name."""
    section = section_at(_loc(table))
    text = (section.__doc__ or "") if section else ""
    _, _, summary = text.strip().partition(": ")
    summary = " ".join(summary.split())
    return summary[:1].upper() + summary[1:]


def _loc(table: str) -> Loc:
    """`routing.policies[]` as the place of its first entry."""
    loc: Loc = ()
    for part in table.split("."):
        loc = (*loc, part.removesuffix("[]"))
        if part.endswith("[]"):
            loc = (*loc, 0)
    return loc


def _row(key: Key) -> str:
    meaning = key.field.description or ""
    if key.path in PLANNED:
        meaning += " " + _NO_EFFECT.format("It is")
    if also := _set_by(key.path):
        meaning += f" Also {also}."
    cells = (f"`{key.name}`", allowed(key.field), _default(key.field), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is None else f"`{toml(value)}`"


def _set_by(path: str) -> str:
    """The flag and the variable that set a key: `` `--port`, `NEXUS_PORT` ``."""
    names = [flag.names[-1] for flag in FLAGS if flag.key == path]
    names += [name for name, loc in VARIABLES.items() if ".".join(loc) == path]
    return ", ".join(f"`{name}`" for name in names)


def _layers() -> str:
    variables = ", ".join(f"`{name}`" for name in VARIABLES)
    flags = ", ".join(f"`{flag.names[-1]}`" for flag in FLAGS)
    return (
        f"1. flags: {flags};\n2. environment variables: {variables};\n"
        "3. the file;\n4. the defaults below."
    )


def _example_table(table: str, group: list[Key]) -> Iterator[str]:
    """One table of the example: heading, then each key under its meaning."""
    plain = table.replace("[]", "")
    yield f"# {_summary(table)}"
    if table in PLANNED:
        yield f"# {_NO_EFFECT.format('This table is')}"
    yield f"#[[{plain}]]" if table.endswith("[]") else f"[{table}]"
    # In an entry of a list a table is written on one line: its own heading would stand outside.
    maps = [key for key in group if _is_map(key.field) and not table.endswith("[]")]
    for key in group:
        if key not in maps:
            yield from _about(key)
            yield f"#{key.name} = {toml(_sample(key.field))}"
    for key in maps:
        yield ""
        yield from _about(key)
        yield f"[{key.path}]"
        for name, item in cast("Mapping[str, object]", _sample(key.field)).items():
            yield f"#{toml(name)} = {toml(item)}"


def _about(key: Key) -> Iterator[str]:
    words = allowed(key.field)
    note = f" ({words})" if words != "true or false" and not _is_map(key.field) else ""
    text = f"{key.field.description}{note}".replace("`", "")
    yield from wrap(text, 98, initial_indent="# ", subsequent_indent="# ")
    if key.path in PLANNED:
        yield f"# {_NO_EFFECT.format('It is')}"


def _is_map(field: FieldInfo) -> bool:
    return "Mapping" in str(field_kind(field).base)


def _sample(field: FieldInfo) -> object:
    """What the example shows: the default, or where that says nothing, an example."""
    if field.examples:
        return field.examples[0]
    return field.get_default(call_default_factory=True, validated_data={})


_NO_EFFECT = "{} checked, and has no effect yet."

_INTRODUCTION = f"""\
# Configuration

<!-- Written by `python -m nexus.config.reference` from nexus/config/settings.py. -->

Nexus needs no configuration. What you do set goes into a [TOML](https://toml.io) file, environment
variables or flags; the first of these that sets a key wins:

{{layers}}

The file is the one given by `--config`, else by `{CONFIG_VARIABLE}`, else `nexus.toml` in the
current directory, else `nexus/nexus.toml` in your configuration directory (`$XDG_CONFIG_HOME`,
`%APPDATA%` or `~/.config`). A file that is named and does not exist is an error.

- `nexus config init` writes an example with every key, `nexus config check` lists every mistake at
  once, and `nexus config show` prints every value and which layer set it.
- Unknown keys are errors. Words such as `smart` or `Restricted` are read in any case. Numbers are
  numbers: `port = "8000"` is an error.
- In variables, switches accept `true`, `1`, `yes`, `on` and `false`, `0`, `no`, `off`; an empty
  variable counts as unset.
- Secrets are never written into the file: `api_key_env` names the variable that holds the key.
- The file is watched: a valid edit is applied within a second or two and told in the log, an
  invalid one is refused and the old one kept. `[server]`, `[health_check]`, `[discovery]`,
  `[logging]` and `[history]` are read at start only.
- What `nexus backends add|edit|remove|drain` and `nexus keys` change is written into the file,
  comments intact.
  Without a file it goes to `nexus.toml` in the state directory (`~/.local/state/nexus`), which is
  then read like any other."""

_HEAD = """\
# Nexus configuration. Every key is optional.
#
# Lines such as `#port = 8000` show a default or an example: remove the # to set the key.
# `nexus config check` lists every mistake at once; `nexus config show` prints what is in force.
# Flags win over NEXUS_* environment variables, which win over this file."""

_MINIMAL = """\
# Nexus configuration. `nexus config init` without --minimal lists every key.

[server]
host = "127.0.0.1"
port = 8000

# Servers on this machine are found by themselves; name the others here.
#[[backends]]
#name = "gpu-01"
#url = "http://gpu-01:11434"
#type = "ollama"
"""


def main() -> None:
    """Write both files below the current directory."""
    MARKDOWN.write_text(markdown(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")


if __name__ == "__main__":
    main()
