"""What is allowed and still worth a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nexus.config.planned import planned_part
from nexus.domain.conditions import matches

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


def _hidden(loaded: Loaded) -> tuple[str, ...]:
    """Policies that an earlier one always speaks for, as far as plain globs tell.

    Only `*` is compared: with `?` and `[a-z]` the text of a glob does not tell what it matches.
    """
    said: list[str] = []
    plain = [
        (at, each.model_pattern)
        for at, each in enumerate(loaded.config.routing.policies)
        if not each.rule().when and "[" not in each.model_pattern
    ]
    for number, (at, pattern) in enumerate(plain):
        for first, earlier in plain[:number]:
            if "?" not in earlier and matches(earlier, pattern):
                said.append(
                    f"routing.policies[{at}] ({pattern}) never counts: routing.policies[{first}] "
                    f"({earlier}) comes first and matches the same names"
                )
                break
    return tuple(said)


def without_effect(loaded: Loaded) -> tuple[str, ...]:
    """What is set and does nothing: whoever wrote one must not believe that it is kept.

    A running gateway says only this; about keys that are missing it speaks when it needs them.
    """
    idle = dict.fromkeys(filter(None, map(planned_part, loaded.origins)))
    said = (f"{part.removesuffix('[]')} is set, and has no effect yet" for part in idle)
    return (*_hidden(loaded), *said)
