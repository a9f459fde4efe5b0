"""Backends by the name or the id that somebody typed."""

from __future__ import annotations

from nexus.domain.backend import Backend
from nexus.errors import NotFound
from nexus.registry.registry import Registry


def named(registry: Registry, name_or_id: str) -> Backend:
    """A backend by name or id.

    Raises:
        NotFound: there is none; the sentence lists those there are.
    """
    backend = registry.resolve(name_or_id)
    if backend is None:
        names = ", ".join(b.name for b in registry.fleet().backends.values()) or "none"
        raise NotFound(f"No backend is called '{name_or_id[:100]}'. Backends: {names}")
    return backend
