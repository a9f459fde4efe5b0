"""What is allowed and still worth a word when Nexus starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nexus.config.planned import planned_part

if TYPE_CHECKING:
    from nexus.config.load import Loaded


def warnings(loaded: Loaded, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Sentences for the operator, the most pressing first."""
    said: list[str] = []
    for backend in loaded.config.backends:
        variable = backend.api_key_env
        if variable and not environ.get(variable, "").strip():
            said.append(f"backend {backend.name}: environment variable {variable} is not set")
    # Somebody who wrote a privacy rule must not believe that it is kept.
    idle = dict.fromkeys(filter(None, map(planned_part, loaded.origins)))
    said += (f"{part.removesuffix('[]')} is set, and has no effect yet" for part in idle)
    return tuple(said)
