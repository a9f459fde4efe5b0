"""OpenAI request body -> `Needs`: one pass of a fast decoder over the fields that routing reads.

What is not read is not judged: unknown fields, malformed parts and odd values go to the backend as
they came. Only what makes routing impossible, or would be read differently by Nexus and by the
backend, is refused. Of a repeated key the last counts, as in most JSON parsers, but `model` is said
once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NoReturn, cast

import msgspec

from nexus.domain.request import Endpoint, Needs
from nexus.errors import BadRequest
from nexus.protocols.splice import spans

MAX_MODEL_CHARS: Final = 512
"""Characters. Longer names are no model's, and would be echoed in headers and logs."""

MAX_EMBEDDING_INPUTS: Final = 2048
"""Texts in one embeddings request; OpenAI's own limit."""

MAX_KEY_CHARS: Final = 256
"""Characters of a prompt cache key that are looked at."""

MOST_TOKENS: Final = 1_000_000_000
"""Of a limit: no window is longer, and no reader of records has to hold a number without end."""

BYTES_PER_TOKEN: Final = 4
"""UTF-8 bytes that make one token, roughly: the contract's estimate."""

_VISION_PARTS = frozenset({"image_url", "input_image"})
_AUDIO_PARTS = frozenset({"input_audio", "audio_url"})
_JSON_FORMATS = frozenset({"json_object", "json_schema"})

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters and lone surrogates: they break header lines, log lines and terminals."""

_ESCAPED = re.compile(rb"\\u00[46]", re.IGNORECASE)
"""An escaped Latin letter. No encoder writes one, and a name may hide in them."""

_CHAT, _EMBEDDINGS = Endpoint.CHAT, Endpoint.EMBEDDINGS
_NO_SCHEMA = msgspec.Raw(b"")


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct, gc=False):
    content: str | list[_Part | str] | None = None


class _Body(msgspec.Struct, gc=False):
    """The fields routing reads. `Any`: their shape is judged one by one, with better sentences.

    Conversations are long, and of each message only its content is made into an object. One that
    does not look like this is read slowly.
    """

    model: Any = None
    stream: Any = None
    messages: list[_Message] | None = None
    prompt: Any = None
    input: Any = None
    response_format: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    prompt_cache_key: Any = None
    tools: msgspec.Raw = _NO_SCHEMA
    functions: msgspec.Raw = _NO_SCHEMA


_decode = msgspec.json.Decoder(_Body).decode


def read_needs(endpoint: Endpoint, body: bytes) -> Needs:
    """What the request needs of a backend. Pure; O(len(body)).

    Raises:
        BadRequest: the body is not a JSON object in UTF-8, or names no usable model, or its
            `messages`, `input` or `stream` have a type that no backend understands.
    """
    fields = _fields(body)
    model = _model(fields.model)
    if body.lower().count(b'"model"') != 1 or (body.find(b"\\u00") >= 0 and _ESCAPED.search(body)):
        _refuse_second_model(body)
    if endpoint is _EMBEDDINGS:
        return Needs(endpoint, model, prompt_tokens=_inputs_tokens(fields.input))

    stream = fields.stream
    if stream is not None and stream is not True and stream is not False:
        raise BadRequest("`stream` must be true or false.", param="stream")
    if endpoint is _CHAT:
        vision, audio, tokens = _read_messages(fields.messages)
    else:
        vision, audio, tokens = False, False, _prompt_tokens(fields.prompt)
    schema_bytes = 0
    if fields.tools is not _NO_SCHEMA or fields.functions is not _NO_SCHEMA:
        schema_bytes = _schema_bytes(fields.tools) + _schema_bytes(fields.functions)
    format = fields.response_format
    limit = fields.max_completion_tokens
    key = fields.prompt_cache_key
    # In the order of its fields: names would cost half a microsecond at each request.
    needs = Needs(
        endpoint,
        model,
        stream is True,
        vision,
        audio,
        schema_bytes > 0,
        format is not None and _is_json_format(format),
        tokens + schema_bytes // BYTES_PER_TOKEN,
        _count(limit if limit is not None else fields.max_tokens),
    )
    return replace(needs, affinity=key[:MAX_KEY_CHARS]) if isinstance(key, str) else needs


def _fields(body: bytes) -> _Body:
    try:
        fields = _decode(body)
        if not body.isascii():
            # The decoder looks only at the strings it keeps; the backend will look at all of them.
            body.decode()
    except RecursionError as exc:
        raise BadRequest("The request body is nested too deeply.") from exc
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _fields_slowly(body)
    return fields


def _fields_slowly(body: bytes) -> _Body:
    """Read what the fast decoder would not: a lone surrogate is fine, the rest is an error.

    The standard library says where a body goes wrong, which a person needs and msgspec does not.
    """
    if not body.strip():
        raise BadRequest("The request body is empty; a JSON object is expected.")
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        raise BadRequest(f"The request body is not UTF-8 (byte {exc.start}).") from exc
    try:
        decoded: object = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        at = len(text[: exc.pos].encode())
        raise BadRequest(
            f"The request body is not valid JSON: {exc.msg} at byte {at} of {len(body)}"
            f" (line {exc.lineno}, column {exc.colno})."
        ) from exc
    except RecursionError as exc:
        raise BadRequest("The request body is nested too deeply.") from exc
    except ValueError as exc:  # NaN and its kin, or a number of thousands of digits
        raise BadRequest("The request body is not valid JSON: a number is out of range.") from exc
    if not isinstance(decoded, dict):
        raise BadRequest(f"The request body must be a JSON object, not {_kind(decoded)}.")
    found = cast("dict[str, Any]", decoded)
    plain = {name: found[name] for name in _Body.__struct_fields__ if name in found}
    if isinstance(messages := plain.get("messages"), list):
        plain["messages"] = list(_messages(cast("list[object]", messages)))
    for name in ("tools", "functions"):
        if name in plain:
            plain[name] = msgspec.Raw(json.dumps(plain[name]).encode())
    return _Body(**plain)


def _messages(messages: list[object]) -> Iterator[_Message]:
    """What is well-formed of a conversation; the backend will say what it thinks of the rest."""
    for message in messages:
        if isinstance(message, dict):
            content = cast("dict[str, object]", message).get("content")
            if isinstance(content, list):
                yield _Message(list(_parts(cast("list[object]", content))))
            elif isinstance(content, str):
                yield _Message(content)


def _parts(content: list[object]) -> Iterator[_Part | str]:
    for part in content:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            fields = cast("dict[str, object]", part)
            kind, text = fields.get("type"), fields.get("text")
            yield _Part(
                kind if isinstance(kind, str) else "", text if isinstance(text, str) else ""
            )


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _model(model: object) -> str:
    if model is None:
        raise BadRequest("`model` is missing: name the model to use.", param="model")
    if not isinstance(model, str):
        raise BadRequest(f"`model` must be a string, not {_kind(model)}.", param="model")
    if len(model) > MAX_MODEL_CHARS:
        raise BadRequest(
            f"`model` has {len(model)} characters; at most {MAX_MODEL_CHARS} are allowed.",
            param="model",
        )
    if not model.isprintable() and _UNPRINTABLE.search(model):
        raise BadRequest("`model` contains control characters.", param="model")
    if not model or model.isspace():
        raise BadRequest("`model` is empty: name the model to use.", param="model")
    return model


def _refuse_second_model(body: bytes) -> None:
    """No backend may read another model than the one that was routed.

    Of a key said twice parsers take the first or the last, and Go's (Ollama) also takes `Model`: a
    request for a local model could be answered by one whose prompts leave the network.
    """
    if sum(key.lower() == "model" for key, _, _ in spans(body)) > 1:
        raise BadRequest("`model` is said more than once.", param="model")


def _read_messages(messages: list[_Message] | None) -> tuple[bool, bool, int]:
    """Whether there are images, whether there is sound, and the estimate of the text, tokens."""
    if messages is None:
        raise BadRequest("`messages` is missing: send the conversation.", param="messages")
    if type(messages) is not list:  # read slowly, and left as it was
        raise BadRequest(f"`messages` must be an array, not {_kind(messages)}.", param="messages")
    vision = audio = False
    tokens = 0
    for message in messages:
        content = message.content
        if isinstance(content, str):
            tokens += _text_tokens(content)
        elif content is not None:
            for part in content:
                if isinstance(part, str):
                    tokens += _text_tokens(part)
                    continue
                # Pictures and sound have no text.
                tokens += _text_tokens(part.text)
                vision = vision or part.type in _VISION_PARTS
                audio = audio or part.type in _AUDIO_PARTS
    return vision, audio, tokens


def _prompt_tokens(prompt: object) -> int:
    """Of several prompts in one request the longest counts: each has a context of its own."""
    if isinstance(prompt, str):
        return _text_tokens(prompt)
    if not isinstance(prompt, list):
        return 0
    items = cast("list[object]", prompt)
    if items and isinstance(items[0], int):
        return len(items)  # one prompt, as token ids
    return max((_one_prompt_tokens(item) for item in items), default=0)


def _one_prompt_tokens(prompt: object) -> int:
    """Text or token ids; what is neither has no size that could be known."""
    if isinstance(prompt, list):
        return len(cast("list[object]", prompt))
    return _text_tokens(prompt) if isinstance(prompt, str) else 0


def _inputs_tokens(inputs: object) -> int:
    if inputs is None:
        raise BadRequest("`input` is missing: send the text to embed.", param="input")
    if isinstance(inputs, list):
        items = cast("list[object]", inputs)
        if not items:
            raise BadRequest("Input must not be empty", param="input")
        is_tokens = isinstance(items[0], int)
        if len(items) > MAX_EMBEDDING_INPUTS and not is_tokens:
            raise BadRequest(
                f"Input has {len(items)} items; at most {MAX_EMBEDDING_INPUTS} are allowed.",
                param="input",
            )
    elif not isinstance(inputs, str):
        raise BadRequest(
            f"`input` must be a string or an array, not {_kind(inputs)}.", param="input"
        )
    return _prompt_tokens(cast("object", inputs))


def _text_tokens(text: str) -> int:
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return size // BYTES_PER_TOKEN


def _schema_bytes(schema: msgspec.Raw) -> int:
    """Size of a non-empty array of tools; 0 for anything else."""
    raw = bytes(schema)
    return len(raw) if raw[:1] == b"[" and raw[1:-1].strip() else 0


def _is_json_format(format: object) -> bool:
    if not isinstance(format, dict):
        return False
    kind = cast("dict[str, object]", format).get("type")
    return isinstance(kind, str) and kind in _JSON_FORMATS


def _count(limit: object) -> int | None:
    """A limit in tokens; None for "no limit", however it is said (-1 is llama.cpp's way)."""
    if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
        return min(limit, MOST_TOKENS)
    return None


def _kind(value: object) -> str:
    """JSON's name for a decoded value, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
