"""Changes to a configuration text that leave everything else as it was, comments included. Pure.

Text in, text out: tomlkit keeps what a person wrote around the change.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, MutableSequence
from typing import Any, cast

from nexus.domain.urls import backend_id, normalise

Value = str | int | float | bool
Table = MutableMapping[str, Any]
"""tomlkit's tables are mappings; its own types are not complete."""


def with_backend(text: str, name: str, keys: Mapping[str, Value | None]) -> str:
    """Set keys of a `[[backends]]` entry, which is added when there is none of that name.

    Args:
        text: the file.
        name: of the backend; entries are told apart by the id it gives.
        keys: new values by key; None takes a key away.
    """
    document = parse(text)
    entry = next((e for e in _entries(document) if _is(e, name)), None)
    if entry is None:
        entry = _append(document, name)
    for key, value in keys.items():
        if value is None:
            entry.pop(key, None)
        elif entry.get(key) != value:
            entry[key] = value
    return dump(document)


def without_backend(text: str, name: str) -> str:
    """Take a `[[backends]]` entry away; the same text when there is none of that name."""
    document = parse(text)
    entries = _entries(document)
    for index, entry in enumerate(entries):
        if _is(entry, name):
            del entries[index]
            if not entries:
                del document["backends"]
            return dump(document)
    return text


def has_backend(text: str, name: str, url: str) -> bool:
    """Whether the text configures a backend of this name or this URL."""
    return any(_is(entry, name) or _url(entry) == url for entry in _entries(parse(text)))


def _is(entry: Table, name: str) -> bool:
    return backend_id(str(entry.get("name", ""))) == backend_id(name)


def _url(entry: Table) -> str:
    try:
        return normalise(str(entry.get("url", "")))
    except ValueError:
        return ""


def _entries(document: Table) -> MutableSequence[Table]:
    return cast("MutableSequence[Table]", document.get("backends", []))


def _append(document: Table, name: str) -> Table:
    import tomlkit

    entry = cast("Table", tomlkit.table())
    entry["name"] = name
    if "backends" not in document:
        document["backends"] = tomlkit.aot()
    _entries(document).append(entry)
    return _entries(document)[-1]


def parse(text: str) -> Table:
    """A text to change."""
    import tomlkit

    return cast("Table", tomlkit.parse(text))


def dump(document: Table) -> str:
    """The text again."""
    import tomlkit

    return tomlkit.dumps(document)  # pyright: ignore[reportUnknownMemberType]
