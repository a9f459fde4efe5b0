"""In which line of a TOML text each key stands. Best effort: only the error report depends on it.

Looks at table headers and at `key =` at the start of a line. A line of a multi-line string that
looks like a key may be taken for one; the first place wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import tomli

from nexus.config.problems import Loc

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"({_PART}(?:\s*\.\s*{_PART})*)"
_HEADER = re.compile(rf"\s*(\[\[?)\s*{_DOTTED}\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(rf"\s*{_DOTTED}\s*=")


def lines_of(text: str) -> Mapping[Loc, int]:
    """Line numbers, from 1, by place."""
    found: dict[Loc, int] = {}
    entries: dict[Loc, int] = {}
    prefix: Loc = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            prefix = _in_entries(_parts(header[2]), entries, is_new=header[1] == "[[")
            place = prefix
        elif key := _KEY.match(line):
            place = (*prefix, *_parts(key[1]))
        else:
            continue
        for end in range(1, len(place) + 1):
            found.setdefault(place[:end], number)
    return found


def line_at(lines: Mapping[Loc, int], loc: Loc) -> int:
    """The line of a key, or of the nearest table around it; 0 if there is none."""
    while loc:
        if loc in lines:
            return lines[loc]
        loc = loc[:-1]
    return 0


def _in_entries(parts: tuple[str, ...], entries: dict[Loc, int], *, is_new: bool) -> Loc:
    """Put the numbers of `[[...]]` entries into a header's path."""
    place: Loc = ()
    for at, part in enumerate(parts, start=1):
        place = (*place, part)
        if is_new and at == len(parts):
            entries[place] = entries.get(place, -1) + 1
        if place in entries:
            place = (*place, entries[place])
    return place


def _parts(dotted: str) -> tuple[str, ...]:
    """`a."b.c"` as ("a", "b.c"), read by the TOML parser itself."""
    try:
        table: object = tomli.loads(f"{dotted} = 0")
    except (tomli.TOMLDecodeError, RecursionError):
        return (dotted.strip(),)
    parts: list[str] = []
    while isinstance(table, dict):
        name, table = next(iter(cast("dict[str, object]", table).items()))
        parts.append(name)
    return tuple(parts)
