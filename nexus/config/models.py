"""Settings about models by name: what is to be believed of them, whatever their server says."""

from __future__ import annotations

from typing import Annotated, cast

from pydantic import BeforeValidator, Field

from nexus.config.kinds import Allowed, Glob, Switch, ZoneWord
from nexus.config.section import Section
from nexus.domain.backend import FACTS, BackendId
from nexus.domain.overrides import Override

Tokens = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]


class ModelConfig(Section):
    """`[[models]]`: facts that beat what servers say. Of each fact, the first entry wins."""

    pattern: Glob = Field(
        description="Matches the whole model name; case-sensitive.", examples=["llava*"]
    )
    context_length: Tokens | None = Field(
        default=None, description="Prompt and answer together, tokens.", examples=[32768]
    )
    max_output_tokens: Tokens | None = Field(
        default=None, description="Longest answer, tokens.", examples=[4096]
    )
    chat: Switch | None = Field(default=None, description="Answers chats.", examples=[True])
    vision: Switch | None = Field(default=None, description="Reads images.", examples=[True])
    audio: Switch | None = Field(default=None, description="Hears audio.", examples=[False])
    tools: Switch | None = Field(default=None, description="Calls tools.", examples=[True])
    json_mode: Switch | None = Field(
        default=None, description="Answers in JSON on request.", examples=[True]
    )
    embeddings: Switch | None = Field(
        default=None, description="Makes embeddings.", examples=[False]
    )
    reasoning: Switch | None = Field(
        default=None, description="Thinks before it answers.", examples=[False]
    )
    zone: ZoneWord | None = Field(
        default=None,
        description="Where its prompts go, where that is not the backend's zone.",
        examples=["open"],
    )

    def override(self, backend: BackendId | None = None) -> Override:
        """The entry as the registry takes it; for all backends or for one."""
        facts = {fact: getattr(self, fact) for fact in FACTS}
        return Override(self.pattern, facts, self.zone, backend)


class BackendModelConfig(ModelConfig):
    """`[[backends.overrides]]`: the same for models of one backend; they beat `[[models]]`."""


def models_as_list(value: object) -> object:
    """Accept `[models."glob"]` tables beside `[[models]]` entries."""
    if not isinstance(value, dict):
        return value
    table = cast("dict[str, object]", value)
    return [
        {"pattern": pattern, **cast("dict[str, object]", rest)} if isinstance(rest, dict) else rest
        for pattern, rest in table.items()
    ]


Models = Annotated[
    tuple[ModelConfig, ...],
    BeforeValidator(models_as_list),
    Allowed('[[models]] entries, or [models."glob"] tables'),
]
BackendModels = Annotated[
    tuple[BackendModelConfig, ...],
    BeforeValidator(models_as_list),
    Allowed('[[backends.overrides]] entries, or [backends.overrides."glob"] tables'),
]
