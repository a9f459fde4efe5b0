"""Reads the schema back: which keys there are, and in words, what each may be.

The error report and the reference both use these words, so they cannot contradict the checks.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo

from nexus.config.kinds import Allowed
from nexus.config.problems import Loc
from nexus.config.section import Section
from nexus.config.settings import NexusConfig


@dataclass(frozen=True, slots=True)
class Kind:
    """An annotation taken apart: the bare type and what was attached to it."""

    base: object
    notes: tuple[object, ...]

    @property
    def section(self) -> type[Section] | None:
        """The table this key holds, or the table each of its entries is."""
        inner = self.base
        if get_origin(inner) is tuple:
            inner = kind_of(get_args(inner)[0]).base
        return inner if isinstance(inner, type) and issubclass(inner, Section) else None

    @property
    def is_list(self) -> bool:
        """True for `[[...]]` and for lists."""
        return get_origin(self.base) is tuple


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the file that holds a value."""

    table: str
    """`server`, `routing.weights`, `backends[]`."""
    name: str
    field: FieldInfo

    @property
    def path(self) -> str:
        return f"{self.table}.{self.name}"


def kind_of(annotation: object, notes: tuple[object, ...] = ()) -> Kind:
    """Take `Annotated[...] | None` apart, whichever way it is nested."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = cast("tuple[object, ...]", get_args(annotation))
        flat: list[object] = []
        for note in extra:
            flat.extend(note.metadata if isinstance(note, FieldInfo) else (note,))
        return kind_of(inner, (*notes, *flat))
    if origin in (Union, types.UnionType):
        inner = next(arg for arg in get_args(annotation) if arg is not type(None))
        return kind_of(inner, notes)
    return Kind(annotation, notes)


def field_kind(field: FieldInfo) -> Kind:
    """The kind of one field of a section."""
    return kind_of(field.annotation, tuple(field.metadata))


def allowed(field: FieldInfo) -> str:
    """What the field accepts, in words: `a whole number, 1 to 65535`."""
    kind = field_kind(field)
    for note in kind.notes:
        if isinstance(note, Allowed):
            return note.text
    base = kind.base
    if kind.section:
        return "a table"
    if base is bool:
        return "true or false"
    if isinstance(base, type) and issubclass(base, StrEnum):
        return ", ".join(word.value for word in base)
    if base in (int, float):
        return _number("a whole number" if base is int else "a number", kind.notes)
    return "text"


def _number(noun: str, notes: tuple[object, ...]) -> str:
    bounds: dict[str, float] = {}
    for note in notes:
        for bound in ("ge", "gt", "le", "lt"):
            if (value := getattr(note, bound, None)) is not None:
                bounds[bound] = value
    shown = {bound: f"{value:.10g}" for bound, value in bounds.items()}
    match shown:
        case {"ge": low, "le": high}:
            return f"{noun}, {low} to {high}"
        case {"gt": low, "le": high}:
            return f"{noun} above {low}, at most {high}"
        case {"ge": low}:
            return f"{noun}, {low} or more"
        case _:
            return noun


def section_at(loc: Loc) -> type[Section] | None:
    """The table at a place, if the schema has one there."""
    if not loc:
        return NexusConfig
    field = field_at(loc)
    return field_kind(field).section if field else None


def field_at(loc: Loc) -> FieldInfo | None:
    """The field that governs a place; for `routing.aliases.x` that is `routing.aliases`."""
    section: type[Section] | None = NexusConfig
    found: FieldInfo | None = None
    for part in loc:
        if section is None:
            return found
        if found is not None and field_kind(found).is_list and _is_entry(found, part):
            continue
        found = section.model_fields.get(str(part))
        if found is None:
            return None
        section = field_kind(found).section
    return found


def _is_entry(field: FieldInfo, part: str | int) -> bool:
    """True when `part` picks an entry of a list of tables, by number or, for policies, by glob."""
    section = field_kind(field).section
    return isinstance(part, int) or section is None or part not in section.model_fields


def keys() -> Iterator[Key]:
    """Every key that holds a value, table by table in the order of the schema."""
    yield from _keys("", NexusConfig)


def _keys(table: str, section: type[Section]) -> Iterator[Key]:
    fields: Mapping[str, FieldInfo] = section.model_fields
    tables: list[tuple[str, type[Section]]] = []
    for name, field in fields.items():
        kind = field_kind(field)
        if kind.section:
            path = f"{table}.{name}" if table else name
            tables.append((path + "[]" * kind.is_list, kind.section))
        else:
            yield Key(table, name, field)
    for path, inner in tables:
        yield from _keys(path, inner)
