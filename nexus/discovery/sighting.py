"""What is remembered of each announcer: one mutable record, written by the scout's loop only."""

from __future__ import annotations

from dataclasses import dataclass

from nexus.discovery.candidate import Candidate
from nexus.domain.backend import BackendId

FIRST_RETRY_S = 2.0
"""Until a server that did not answer is asked again; doubled each time."""


@dataclass(slots=True)
class Sighting:
    candidate: Candidate
    look_at: float
    """Monotonic time of the next look."""
    looked: float = float("-inf")
    looking: bool = False
    retry_s: float = FIRST_RETRY_S
    ours: BackendId | None = None
    """Registered by us under this id."""
    waits: BackendId | None = None
    same_as: BackendId | None = None
    """A backend, or one that waits, which is the same server."""
    lost_at: float | None = None
    removed: bool = False
    """The operator took it out: not again before it was away."""
