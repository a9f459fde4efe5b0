"""Families of models and what they are known for, read off a model's name.

The weakest word there is: it fills only what nobody said, says only what a model can do, never what
it cannot, and never how long its context is. A name may lie, and an unknown passes anyway; this is
for people who look at a list, and for choosing who is tried next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from nexus.domain import facts
from nexus.domain.backend import BackendType, FactSource, Model

_EMBEDS = re.compile(r"embed|(^|[/_-])(bge|gte|e5|all-minilm|paraphrase-\w+)-")
_SEES = re.compile(
    r"llava|moondream|minicpm-?v|pixtral|internvl|smolvlm|idefics|molmo|paligemma|cogvlm"
    r"|qwen[\d.]*-?vl|-vl[-:/]|-vl$|vision|multimodal|llama-?4|glm-4\.\dv"
    r"|gemma-?3(?!n|.*(?<!\d)(1b|270m))|mistral-small-?3\.[12]"
)
_HEARS = re.compile(r"qwen2-audio|omni|ultravox|voxtral|gemma-?3n|phi-4-multimodal")
_CALLS = re.compile(
    r"qwen-?(2\.5|3)|llama-?(3\.[123]|4)|mistral-(nemo|small|large)|ministral|devstral|hermes-?[23]"
    r"|command-r|granite-?[34]|gpt-oss|glm-4\.[5-9]|deepseek-v3|kimi-k2|functionary|firefunction"
)
_THINKS = re.compile(
    r"deepseek-r1|qwq|gpt-oss|magistral|thinking|reasoning|glm-4\.[5-9]"
    r"|qwen-?3(?!.*(coder|instruct|embed|vl))"
)
_GPT = re.compile(r"gpt-(?:[5-9]|[1-9]\d)(?:\.\d+)?(?:-(?:mini|nano|pro|codex|max|[a-z]?\d+))*")
"""What OpenAI adds to the family since GPT-5 sees, calls, reasons and writes JSON. Names with words
that are not here (`chat`, `audio`, `spark`) may be of another make."""
_O_SERIES = re.compile(r"o[1-9]\d?(?:-(?:mini|pro|preview|deep-research|\d+))*")
_LOCAL = frozenset(type for type in BackendType if not type.is_cloud)


@lru_cache(maxsize=4096)
def known_for(name: str) -> Mapping[str, object]:
    """What models of this name are known for; only ever `True`."""
    plain = name.lower()
    if _EMBEDS.search(plain):
        return {"embeddings": True}
    found = {"vision": _SEES, "audio": _HEARS, "tools": _CALLS, "reasoning": _THINKS}
    return {fact: True for fact, pattern in found.items() if pattern.search(plain)}


@lru_cache(maxsize=1024)
def openai_family(name: str) -> Mapping[str, object]:
    """What OpenAI's own families can do, for models that came after its documentation was read."""
    if _GPT.fullmatch(name):
        return dict.fromkeys(("vision", "tools", "json_mode", "reasoning"), True)
    return {"reasoning": True} if _O_SERIES.fullmatch(name) else {}


def guessed(model: Model, type: BackendType) -> Model:
    """`model` with what its name suggests, where nobody said."""
    if type is BackendType.OPENAI:
        return facts.filled(model, openai_family(model.id), FactSource.GUESS)
    if type not in _LOCAL:
        return model
    return facts.filled(model, known_for(model.id), FactSource.GUESS)
