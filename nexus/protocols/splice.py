"""Edits to a request body, made in its bytes: what is not edited stays as the client wrote it.

`spans()` finds where the top-level values lie; an edit cuts at those offsets. Re-serialising would
be simpler, and would change numbers, escapes, order and spacing that a backend may care about (and
cost five times as much). When a key is repeated all its values are edited: parsers disagree on
which one counts, and no backend may read another model than the one that was routed.
"""

from __future__ import annotations

import json
import re

import msgspec

from nexus.errors import BadRequest

_values = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_parse = json.JSONDecoder().raw_decode
_WS = rb"[ \t\n\r]*"
_PLAIN_KEY = rb'"([^"\\]*)"' + _WS + b":" + _WS
_ANY_KEY = rb'("(?:[^"\\]|\\.)*")' + _WS + b":" + _WS
_OPEN = re.compile(_WS + rb"\{" + _WS)
_CLOSE = re.compile(_WS + rb"\}")
_EMPTY = re.compile(_WS + rb"\{" + _WS + rb"\}")
_FIRST = re.compile(_OPEN.pattern + _PLAIN_KEY)
_FURTHER = re.compile(_WS + b"," + _WS + _PLAIN_KEY)
_FIRST_ANY = re.compile(_OPEN.pattern + _ANY_KEY, re.DOTALL)
_FURTHER_ANY = re.compile(_WS + b"," + _WS + _ANY_KEY, re.DOTALL)

Span = tuple[str, int, int]
"""Key, start and end: a top-level value is `body[start:end]`."""


def with_model(body: bytes, model: str) -> bytes:
    """The body with another model. Byte-identical elsewhere.

    Args:
        body: a body that `read_needs` accepted.

    Raises:
        BadRequest: the body is not a JSON object with a `model`.
    """
    name = msgspec.json.encode(model)
    edits = [(start, end, name) for key, start, end in spans(body) if key == "model"]
    if not edits:
        raise BadRequest("`model` is missing: name the model to use.", param="model")
    return _spliced(body, edits)


def as_stream(body: bytes) -> bytes:
    """The body asking for a stream that ends with its usage. Byte-identical elsewhere. Idempotent.

    Raises:
        BadRequest: the body is not a JSON object.
    """
    edits: list[tuple[int, int, bytes]] = []
    missing = {
        "stream": b'"stream":true',
        "stream_options": b'"stream_options":{"include_usage":true}',
    }
    found = spans(body)
    for key, start, end in found:
        missing.pop(key, None)
        if key == "stream":
            edits.append((start, end, b"true"))
        elif key == "stream_options":
            edits.append((start, end, _with_usage(body[start:end])))
    return _spliced(body, [*_insertion(body, list(missing.values()), bool(found)), *edits])


def _with_usage(options: bytes) -> bytes:
    if options[:1] != b"{":
        return b'{"include_usage":true}'  # null, or nonsense that would refuse the stream
    found = spans(options)
    edits = [(start, end, b"true") for key, start, end in found if key == "include_usage"]
    return _spliced(options, edits or _insertion(options, [b'"include_usage":true'], bool(found)))


def _insertion(body: bytes, members: list[bytes], more: bool) -> list[tuple[int, int, bytes]]:
    """The edit that puts `members` first in the object."""
    opening = _OPEN.match(body)
    if not members or opening is None:
        return []
    text = b",".join(members) + (b"," if more else b"")
    return [(opening.end(), opening.end(), text)]


def _spliced(body: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """`body` with each `body[start:end]` replaced. Edits are in order and do not overlap."""
    view = memoryview(body)  # its slices copy nothing
    pieces: list[bytes | memoryview] = []
    at = 0
    for start, end, replacement in edits:
        pieces += (view[at:start], replacement)
        at = end
    pieces.append(view[at:])
    return b"".join(pieces)


def spans(body: bytes) -> list[Span]:
    """Where the top-level values lie, repeated keys included, in order of appearance.

    Raises:
        BadRequest: the body is not a JSON object.
    """
    try:
        found = _walk(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    return _walk_thoroughly(body) if found is None else found


def _walk(body: bytes) -> list[Span] | None:
    """Walk by the lengths of the values, which the decoder finds at C speed without reading them.

    A repeated key has one value here. The comparison catches that: a JSON value that stands at its
    place and is followed by a comma or a brace is the whole value there. None when the body has
    something this does not read.
    """
    values = _values(body)
    found: list[Span] = []
    member = _FIRST.match(body)
    while member is not None:
        key = member[1].decode()
        value = values.get(key)
        if value is None:
            return None
        whole = bytes(value)
        at = member.end()
        end = at + len(whole)
        if not body.startswith(whole, at):
            return None
        found.append((key, at, end))
        member = _FURTHER.match(body, end)
    return found if _CLOSE.match(body, found[-1][2] if found else 0) else None


def _walk_thoroughly(body: bytes) -> list[Span]:
    """Walk by parsing each value: slower, and at ease with repeated keys, escapes, surrogates.

    Latin-1 makes one character of each byte, so that the parser's positions are byte offsets;
    JSON's own punctuation is ASCII, and what the strings say does not matter here.
    """
    text = body.decode("latin-1")
    found: list[Span] = []
    try:
        member = _FIRST_ANY.match(body)
        while member is not None:
            key = str(json.loads(member[1].decode("utf-8", "surrogateescape")))
            end = _parse(text, member.end())[1]
            found.append((key, member.end(), end))
            member = _FURTHER_ANY.match(body, end)
    except (ValueError, RecursionError) as exc:
        raise BadRequest("The request body is not valid JSON.") from exc
    if not (_CLOSE.match(body, found[-1][2]) if found else _EMPTY.match(body)):
        raise BadRequest("The request body is not a valid JSON object.")
    return found
