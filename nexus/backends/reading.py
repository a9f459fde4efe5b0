"""Narrow what a server sent, without trusting any of it.

Every answer is hostile text: the wrong shape gives an empty value, never an exception, except in
`parse`, whose callers want to know that there is nothing to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec

from nexus.domain.http import HttpReply

MAX_MODELS = 5000
"""Models kept per backend; the largest public lists have some hundreds."""
MAX_ID = 256
"""Characters of a model id; longer ones are left out."""
_MAX_COUNT = 1 << 40
"""Token counts above this are nonsense."""

Object = Mapping[str, object]
_EMPTY: Object = {}


def parse(reply: HttpReply) -> object:
    """The reply's JSON.

    Raises ValueError with a short reason when the reply is not a 2xx with JSON in it.
    """
    if not 200 <= reply.status < 300:
        raise ValueError(f"HTTP {reply.status}" if reply.status else "no answer")
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        kind = reply.headers.get("content-type", "").partition(";")[0].strip()[:40]
        shown = f" ({kind})" if kind and "json" not in kind else ""
        raise ValueError(f"not readable JSON{shown}") from None


def document(reply: HttpReply) -> Object:
    """The reply's JSON object; empty when the reply is anything else."""
    try:
        return obj(parse(reply))
    except ValueError:
        return _EMPTY


def error_document(reply: HttpReply) -> Object:
    """The JSON object in a body of any status; empty when there is none."""
    return document(HttpReply(200, reply.body))


def obj(value: object) -> Object:
    """`value` as an object, or an empty one."""
    return cast("Object", value) if isinstance(value, dict) else _EMPTY


def array(value: object) -> tuple[object, ...] | None:
    """`value` as a list, or None where it is something else."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else None


def items(value: object) -> tuple[object, ...]:
    """`value` as a list, or an empty one."""
    return array(value) or ()


def objects(value: object) -> tuple[Object, ...]:
    """The objects in a list."""
    return tuple(found for entry in items(value) if (found := obj(entry)))


def text(value: object) -> str:
    """`value` as text, or empty."""
    return value if isinstance(value, str) else ""


def flag(value: object) -> bool | None:
    """`value` as a truth, or None where nothing was said."""
    return value if isinstance(value, bool) else None


def count(value: object) -> int | None:
    """`value` as a positive number of tokens, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 < value < _MAX_COUNT else None


def first_count(*values: object) -> int | None:
    """The first of `values` that is a positive number."""
    return next((found for value in values if (found := count(value)) is not None), None)


def words(value: object) -> frozenset[str]:
    """The texts in a list, lower case."""
    return frozenset(entry.lower() for entry in items(value) if isinstance(entry, str))


def model_id(value: object) -> str:
    """`value` as a model id that can be shown, sent and looked up; empty when it cannot."""
    name = text(value)
    return name if name and len(name) <= MAX_ID and name.isprintable() else ""


def named(entries: tuple[Object, ...], *keys: str) -> Iterator[tuple[str, Object]]:
    """Each entry with its id, which is under the first of `keys` that has one.

    An id is given once; entries without a usable id are left out.
    """
    seen: set[str] = set()
    for entry in entries:
        name = next((found for key in keys if (found := model_id(entry.get(key)))), "")
        if name and name not in seen and len(seen) < MAX_MODELS:
            seen.add(name)
            yield name, entry


def short(value: object, limit: int = 120) -> str:
    """Text from outside, cut to one printable line."""
    line = " ".join(text(value)[: limit * 4].split())
    line = "".join(char for char in line if char.isprintable())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def error_text(reply: HttpReply) -> str:
    """What an error body says, in any of the shapes in use; empty when it says nothing."""
    body = error_document(reply)
    error = body.get("error")
    for said in (obj(error).get("message"), error, body.get("message"), body.get("detail")):
        if found := short(said):
            return found
    return ""
