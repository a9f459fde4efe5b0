"""`[[control.keys]]` as operators see and change it at run time: listed, added, taken away.

Only the entry is touched, so comments, order and spelling of everything else stay.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Mapping, MutableSequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import tomli

from nexus.config.edit import Table, dump, parse
from nexus.domain.access import Role
from nexus.domain.keys import KeySeen

if TYPE_CHECKING:
    from nexus.config.control import ControlConfig, KeyConfig

_HEADER = re.compile(r"\s*\[")
_ENTRY = re.compile(r"\s*\[\[\s*control\s*\.\s*keys\s*\]\]\s*(#.*)?")
_CONTROL = re.compile(r"\s*\[\s*control\s*(\.[^\]]*)?\]\s*(#.*)?")


# ---- seen


def seen(
    control: ControlConfig,
    environ: Mapping[str, str],
    unkept: Container[str] = (),
) -> tuple[KeySeen, ...]:
    """Every key in the order of the file, one for each name.

    Args:
        environ: where keys in variables are looked up.
        unkept: names of keys that are in no file.
    """
    found: dict[str, KeySeen] = {}
    for each in control.keys:
        if each.name not in found:
            found[each.name] = _seen(each, environ, in_memory=each.name in unkept)
    return tuple(found.values())


def _seen(key: KeyConfig, environ: Mapping[str, str], *, in_memory: bool) -> KeySeen:
    source = "variable" if key.sha256 is None else "memory" if in_memory else "file"
    trouble = key.trouble(environ)
    return KeySeen(
        key.name,
        key.role,
        source,
        key.key_env or "",
        trouble,
        None if key.created is None else datetime.fromisoformat(key.created).timestamp(),
    )


def version(control: ControlConfig) -> str:
    """Changes with everything in `[control]`."""
    return hashlib.sha256(control.model_dump_json().encode()).hexdigest()[:12]


# ---- changed


def with_key(text: str, name: str, role: Role, digest: str, created: str) -> str:
    """The text with one more entry, behind the others.

    Args:
        text: the file.
        digest: SHA-256 of the key, in hexadecimal.
        created: date and time, ISO 8601.
    """
    keys = {"name": name, "role": role.value, "sha256": digest, "created": created}
    lines = text.splitlines(keepends=True)
    at = _end_of(lines, _ENTRY) or _end_of(lines, _CONTROL) or _end(lines, len(lines), 0)
    said = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items()]
    new = _joined(lines[:at], ["[[control.keys]]\n", *said], lines[at:])
    if _keys(new) == [*(_keys(text) or []), keys]:
        return new
    return _added(text, keys)  # written in another way: inline, or quoted


def without_key(text: str, name: str) -> str:
    """The text without the entries of that name; the same where there are none."""
    before = _keys(text) or []
    after = [each for each in before if each.get("name") != name]
    if after == before:
        return text
    lines = text.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if _ENTRY.fullmatch(line.rstrip("\r\n"))]
    if len(starts) == len(before):
        for at, entry in reversed(list(zip(starts, before, strict=True))):
            if entry.get("name") == name:
                _cut(lines, at)
        new = "".join(lines)
        if (_keys(new) or []) == after:
            return new
    return _removed(text, name)


def _keys(text: str) -> list[dict[str, object]] | None:
    """The entries as TOML reads them; None where it does not."""
    try:
        control = tomli.loads(text).get("control", {})
    except (tomli.TOMLDecodeError, RecursionError):
        return None
    return cast("list[dict[str, object]]", control.get("keys", []))


def _cut(lines: list[str], at: int) -> None:
    """Take an entry away, with the comment right above it; what is below is about what follows."""
    end = _end(lines, _next(lines, at), at + 1)
    while at > 1 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    del lines[at:end]
    blank_before = at == 0 or not lines[at - 1].strip()
    if blank_before and at < len(lines) and not lines[at].strip():
        del lines[at]
    while lines and at >= len(lines) and not lines[-1].strip():
        lines.pop()
        at -= 1


def _end_of(lines: list[str], header: re.Pattern[str]) -> int:
    """Behind the last table of that kind; 0 where there is none."""
    starts = [at for at, line in enumerate(lines) if header.fullmatch(line.rstrip("\r\n"))]
    return _end(lines, _next(lines, starts[-1]), starts[-1] + 1) if starts else 0


def _next(lines: list[str], at: int) -> int:
    """The header after the one in that line, or the end."""
    rest = range(at + 1, len(lines))
    return next((number for number in rest if _HEADER.match(lines[number])), len(lines))


def _end(lines: list[str], end: int, least: int) -> int:
    """Without the blank lines and comments at the end, unless nothing follows them."""
    if end == len(lines):
        while end > least and not lines[end - 1].strip():
            end -= 1
        return end
    while end > least and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _joined(before: list[str], new: list[str], after: list[str]) -> str:
    """One blank line on each side."""
    if before and not before[-1].endswith("\n"):
        before = [*before[:-1], before[-1] + "\n"]
    gap = ["\n"] if before else []
    follows = ["\n"] if after and after[0].strip() else []
    return "".join([*before, *gap, *new, *follows, *after])


def _added(text: str, keys: Mapping[str, str]) -> str:
    import tomlkit
    from tomlkit.items import Array, InlineTable

    document = parse(text)
    control: Any = document.get("control")
    if control is None:
        control = document["control"] = tomlkit.table(is_super_table=True)
    inline = isinstance(control, InlineTable) or isinstance(control.get("keys"), Array)
    entry: Any = tomlkit.inline_table() if inline else tomlkit.table()
    entry.update(keys)
    if "keys" not in control:
        control["keys"] = tomlkit.array() if inline else tomlkit.aot()
    control["keys"].append(entry)
    return dump(document)


def _removed(text: str, name: str) -> str:
    document = parse(text)
    control = cast("Table", document["control"])
    entries = cast("MutableSequence[Table]", control["keys"])
    for at in range(len(entries) - 1, -1, -1):
        if entries[at].get("name") == name:
            del entries[at]
    if not entries:
        del control["keys"]
    return dump(document)
