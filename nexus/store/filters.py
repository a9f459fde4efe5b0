"""Whether a request is meant by what was asked, said once for those in memory and in the file."""

from __future__ import annotations

from typing import NamedTuple

from nexus.domain.backend import Zone
from nexus.domain.history import Outcome, Wanted, named, outcome_of


class Told(NamedTuple):
    """What filters look at that thousands of requests have in common."""

    model: str
    """The one asked for."""
    actual: str
    """The one it became."""
    backend: str
    """Name; empty where it went nowhere."""
    tenant: str
    zone: Zone | None
    status: int | None
    """None while it is under way."""

    def meant(self, wanted: Wanted) -> bool:
        """Whether requests like this one are meant, as far as this tells."""
        if wanted.model and not any(
            named(name, wanted.model, part=True) for name in (self.model, self.actual)
        ):
            return False
        if wanted.backend and not named(self.backend, wanted.backend, part=False):
            return False
        if wanted.tenant and not named(self.tenant, wanted.tenant, part=False):
            return False
        if wanted.zone is not None and self.zone is not wanted.zone:
            return False
        if wanted.status is not None and self.status != wanted.status:
            return False
        return wanted.outcome is None or outcome_of(self.status) is wanted.outcome

    def says(self, text: str) -> bool:
        """Whether a text is part of one of the names, in any case."""
        lower = text.lower()
        return any(lower in name.lower() for name in (self.model, self.actual, self.backend))


def in_time(at: float, wanted: Wanted) -> bool:
    """Whether a time is meant, Unix seconds."""
    return (wanted.since is None or at >= wanted.since) and (
        wanted.until is None or at < wanted.until
    )


def never(wanted: Wanted) -> bool:
    """True where nothing that has ended is meant."""
    return wanted.outcome is Outcome.RUNNING
