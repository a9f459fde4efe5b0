"""One pool per backend, made when first needed, and the one clock of all their timeouts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from nexus.domain.backend import BackendFace, BackendId
from nexus.upstream.guard import Guard
from nexus.upstream.pool import Pool, Timeouts

SWEEP_S = 0.25
"""How often deadlines are looked at: their precision, and four wake-ups a second."""


class Pools:
    """The gateway's relaying connections.

    Args:
        timeouts: for every backend.
        credentials: headers that open a backend's door, by its face.
    """

    def __init__(
        self, timeouts: Timeouts, credentials: Callable[[BackendFace], Mapping[str, str]]
    ) -> None:
        self._timeouts = timeouts
        self._credentials = credentials
        self._pools: dict[BackendId, tuple[BackendFace, Pool]] = {}
        self._leaving: list[Pool] = []
        self.guard = Guard()

    def pool(self, face: BackendFace) -> Pool:
        """The pool of a backend; a changed face gets a new one, the old one empties itself."""
        known = self._pools.get(face.id)
        if known is not None:
            if known[0] is face or known[0] == face:
                return known[1]
            self.forget(face.id)
        pool = Pool(
            face.name,
            face.url,
            self._credentials(face),
            self._timeouts,
            zone=face.zone,
            zone_told=face.zone_told,
            guard=self.guard,
        )
        self._pools[face.id] = (face, pool)
        return pool

    def forget(self, backend_id: BackendId) -> None:
        """The backend left. Requests in flight go on under the same deadlines."""
        known = self._pools.pop(backend_id, None)
        if known is not None:
            known[1].close()
            self._leaving.append(known[1])

    def retain(self, backend_ids: Mapping[BackendId, object]) -> None:
        """Forget every pool whose backend is not among these."""
        for backend_id in self._pools.keys() - backend_ids.keys():
            self.forget(backend_id)

    async def run(self) -> None:
        """Sweep deadlines until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(now())

    def sweep(self, now: float) -> None:
        """One look at every connection. Loop time."""
        for _, pool in self._pools.values():
            pool.sweep(now)
        for pool in self._leaving:
            pool.sweep(now)
        self._leaving = [pool for pool in self._leaving if pool.in_use]

    def close(self) -> None:
        """Close what is idle."""
        for _, pool in self._pools.values():
            pool.close()
