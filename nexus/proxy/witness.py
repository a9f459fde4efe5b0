"""Who is told what requests run into: `nexus.health.witness`, as the data path sees it."""

from __future__ import annotations

from typing import Protocol

from nexus.domain.backend import BackendId
from nexus.errors import UpstreamError


class Witness(Protocol):
    """Told once per attempt. A client's fault and a client's leaving are not told.

    `trial` is the lease's: the attempt shows whether a backend in doubt works.
    """

    def served(self, backend_id: BackendId, trial: bool) -> None:
        """Answered well; of a trial, as soon as the answer begins."""
        ...

    def failed(self, backend_id: BackendId, error: UpstreamError, trial: bool) -> None:
        """Not answered, or not to the end."""
        ...

    def answered(
        self, backend_id: BackendId, status: int, lines: bytes, body: bytes, trial: bool
    ) -> None:
        """Answered with an error status."""
        ...
