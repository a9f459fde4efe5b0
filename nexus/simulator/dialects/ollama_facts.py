"""What Ollama tells about its models: `/api/tags`, `/api/show` and `/api/ps`. Pure."""

from __future__ import annotations

import hashlib

from nexus.domain.backend import Model
from nexus.simulator.dialects.base import Situation, stamp
from nexus.simulator.spec import TRAINED_FACTOR

KEEP_ALIVE_S = 300


def tag(model: Model, situation: Situation) -> dict[str, object]:
    """An entry of `/api/tags`. Its context length is the trained one."""
    return {
        "name": model.id,
        "model": model.id,
        "modified_at": stamp(situation.unix_s - 86_400),
        "size": _size(model),
        "digest": _digest(model),
        "details": {
            **_details(model),
            "context_length": _trained(model),
            "embedding_length": 4096,
        },
        "capabilities": _capabilities(model),
    }


def show(model: Model, situation: Situation) -> dict[str, object]:
    """The answer of `/api/show`."""
    family = _family(model)
    return {
        "license": "simulated",
        "parameters": 'stop                           "<|end|>"',
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": {
            "general.architecture": family,
            "general.parameter_count": 8_030_261_248,
            f"{family}.context_length": _trained(model),
            f"{family}.embedding_length": 4096,
        },
        "capabilities": _capabilities(model),
        "modified_at": stamp(situation.unix_s - 86_400),
    }


def running(situation: Situation) -> list[dict[str, object]]:
    """The entries of `/api/ps`. Their context length is the running one."""
    return [
        {
            "name": model.id,
            "model": model.id,
            "size": _size(model),
            "digest": _digest(model),
            "details": _details(model),
            "expires_at": stamp(situation.unix_s + KEEP_ALIVE_S),
            "size_vram": _size(model),
            "context_length": model.context_length or 4096,
        }
        for model in situation.spec.models
        if model.id in situation.loaded
    ]


def _capabilities(model: Model) -> list[str]:
    said = (
        ("completion", model.chat is not False),
        ("tools", model.tools),
        ("vision", model.vision),
        ("audio", model.audio),
        ("thinking", model.reasoning),
        ("embedding", model.embeddings),
    )
    return [word for word, true in said if true]


def _details(model: Model) -> dict[str, object]:
    family = _family(model)
    _, _, size = model.id.partition(":")
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": size.upper() if size[:1].isdigit() else "8B",
        "quantization_level": "Q4_K_M",
    }


def _family(model: Model) -> str:
    name = model.id.rpartition("/")[2].partition(":")[0]
    return "".join(c for c in name if c.isalnum()).rstrip("0123456789") or "llama"


def _trained(model: Model) -> int:
    return (model.context_length or 4096) * TRAINED_FACTOR


def _size(model: Model) -> int:
    return 4_000_000_000 + int(_digest(model)[:6], 16)


def _digest(model: Model) -> str:
    return hashlib.sha256(model.id.encode()).hexdigest()
