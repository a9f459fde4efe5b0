"""What OpenAI documents about its models, since its model list tells only names.

Source: https://platform.openai.com/docs/models (context window, maximum output,
modalities and features of each model's page). Only exact families and their dated snapshots are
recognised; what a later model of a known family can do, `nexus.backends.families` supposes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from nexus.domain.backend import FACTS, Model

_CHAT = Model("", chat=True, embeddings=False, audio=False, tools=True, json_mode=True)
_GPT4O = replace(
    _CHAT, context_length=128_000, max_output_tokens=16_384, vision=True, reasoning=False
)
_GPT41 = replace(_GPT4O, context_length=1_047_576, max_output_tokens=32_768)
_GPT5 = replace(
    _CHAT, context_length=400_000, max_output_tokens=128_000, vision=True, reasoning=True
)
_O = replace(_GPT5, context_length=200_000, max_output_tokens=100_000)
_GPT4 = replace(
    _CHAT,
    context_length=8_192,
    max_output_tokens=8_192,
    vision=False,
    reasoning=False,
    json_mode=None,
)
_EMBED = Model(
    "",
    context_length=8_192,
    chat=False,
    embeddings=True,
    vision=False,
    audio=False,
    tools=False,
    json_mode=False,
    reasoning=False,
)
_OTHER = Model("", chat=False, embeddings=False)
"""Speech, pictures, moderation: reached by paths that no chat request uses."""

_FAMILIES: tuple[tuple[str, Model], ...] = (
    (r"gpt-5\.[45]", replace(_GPT5, context_length=1_050_000)),
    (r"gpt-5(\.1|\.2)?|gpt-5-(mini|nano)", _GPT5),
    (r"gpt-4\.1(-mini|-nano)?", _GPT41),
    (r"gpt-4o(-mini)?", _GPT4O),
    (r"o1|o3|o4-mini", _O),
    (r"o3-mini", replace(_O, vision=False)),
    (r"gpt-4-turbo", replace(_GPT4O, max_output_tokens=4_096)),
    (r"gpt-4", _GPT4),
    (
        r"gpt-3\.5-turbo",
        replace(_GPT4, context_length=16_385, max_output_tokens=4_096, json_mode=True),
    ),
    (r"text-embedding-.+", _EMBED),
    (r"(whisper|tts|dall-e|gpt-image|omni-moderation|text-moderation|sora)-.+", _OTHER),
)
_SNAPSHOT = r"(-\d{4}-\d{2}-\d{2})?"
_KNOWN: tuple[tuple[re.Pattern[str], Mapping[str, object]], ...] = tuple(
    (re.compile(f"(?:{names}){_SNAPSHOT}"), {fact: getattr(known, fact) for fact in FACTS})
    for names, known in _FAMILIES
)


def openai_model(name: str) -> Mapping[str, object] | None:
    """The documented facts of an OpenAI model, or None where we know none."""
    for pattern, facts in _KNOWN:
        if pattern.fullmatch(name):
            return facts
    return None
