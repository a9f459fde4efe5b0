"""What somebody says about a server: worth a look, or not, and why. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from nexus.domain.backend import BackendType, Source


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that is said to have a server. Hearsay until the server itself was asked."""

    key: str
    """Who says so: stable while the same announcer speaks, whatever it says."""
    name: str
    """Clean, at most 60 characters; empty where nobody gave one."""
    url: str
    """Normalised."""
    source: Source
    via: str
    """`mDNS _ollama._tcp`, for a person."""
    type: BackendType | None = None
    """A hint, used where the server itself does not tell."""
    version: str = ""
    models: tuple[str, ...] = ()
    trusted: bool = False
    """True where the operator named this very address."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """What was said is not worth a look."""

    key: str
    name: str
    """For a person; clean."""
    why: str
