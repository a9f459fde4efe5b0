"""What is allowed and still worth a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nexus.config.planned import planned_part

if TYPE_CHECKING:
    from nexus.config.load import Loaded


def warnings(loaded: Loaded, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Everything worth saying about a configuration, the most pressing first."""
    missing = [
        f"backend {backend.name}: environment variable {variable} is not set"
        for backend in loaded.config.backends
        if (variable := backend.api_key_env) and not environ.get(variable, "").strip()
    ]
    return (*missing, *without_effect(loaded))


def without_effect(loaded: Loaded) -> tuple[str, ...]:
    """Keys that are set and do nothing yet: whoever wrote one must not believe that it is kept.

    A running gateway says only this; about keys that are missing it speaks when it needs them.
    """
    idle = dict.fromkeys(filter(None, map(planned_part, loaded.origins)))
    return tuple(f"{part.removesuffix('[]')} is set, and has no effect yet" for part in idle)
