"""Requests: those of the past and why they went where they went, and an end to one that runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from nexus.control.ledger import Ledger
from nexus.control.rights import needed
from nexus.domain.access import Role
from nexus.domain.audit import actor
from nexus.domain.gateway import Lately, Standing
from nexus.domain.history import Metric, Point, Wanted
from nexus.domain.policy import Policy
from nexus.domain.text import clean
from nexus.errors import NotFound
from nexus.explain.account import account, standings, summary
from nexus.registry.registry import Registry
from nexus.store.past import Past
from nexus.store.store import Store
from nexus.telemetry.logs import get_logger
from nexus.telemetry.records import Record, Records

if TYPE_CHECKING:
    from nexus.explain.foresight import Foresight

log = get_logger("nexus.control")

T = TypeVar("T")

LATELY_S = 900.0
"""Seconds that a dashboard looks back when it starts: as far as its charts go."""
MOST_LATELY = 600
"""Requests that it starts with: compressed less than half a second of a link of 1 Mbit/s."""

Cancel = Callable[[str, str], bool]
"""Ends a request, by id, and says why; False where it does not run."""


class Requests:
    """See the module.

    Args:
        records: the last requests, and those under way.
        store: those before them.
        registry: what they would be decided on now.
        policy: the one in force.
        unix: Unix seconds.
        cancel: ends one that runs.
        ledger: told of that.
    """

    def __init__(
        self,
        records: Records,
        store: Store,
        registry: Registry,
        policy: Callable[[], Policy],
        unix: Callable[[], float],
        cancel: Cancel,
        ledger: Ledger,
    ) -> None:
        self._records = records
        self._store = store
        self._past = Past(records, store)
        self._registry = registry
        self._policy = policy
        self._unix = unix
        self._cancel = cancel
        self._ledger = ledger

    @cached_property
    def foresight(self) -> Foresight:
        """What would be in another fleet or under another policy."""
        from nexus.explain.foresight import Foresight  # a megabyte that few gateways need

        fleet, loads = self._registry.fleet, self._registry.loads
        kept = self._store.columns
        return Foresight(fleet, self._policy, loads, self._records, kept, self._unix)

    async def recent(
        self, wanted: Wanted, limit: int = 100, *, before: str = ""
    ) -> tuple[dict[str, Any], ...]:
        """Requests in a line each, newest first: those in memory, then those in the history file.

        Args:
            before: the id of the request to go on from.
        """
        return tuple(await self._past.requests(limit, wanted, summary, before))

    async def lately(self) -> Lately:
        """Requests that ended of late, as they were told then."""
        since = self._unix() - LATELY_S
        wanted = Wanted(since=since)
        found = await self._past.requests(MOST_LATELY, wanted, lambda each: (each.at, each.ended))
        if len(found) == MOST_LATELY:
            since = found[-1][0]
        ended = sorted((end for _, end in found if end is not None), key=lambda end: end.at)
        return Lately(since, tuple(ended))

    async def story(self, request_id: str) -> dict[str, Any]:
        """Why a request went where it went, and what came of it.

        Raises:
            NotFound: it is not remembered.
        """
        return await self._told(request_id, account)

    async def standings(self, request_id: str) -> tuple[Standing, ...]:
        """What each candidate of a request got, the chosen one first. Raises as above."""
        return await self._told(request_id, standings)

    async def decide_again(self, request_id: str) -> dict[str, Any]:
        """What would be done with the same request now; nothing is sent.

        Raises:
            NotFound: it is not remembered.
            BadRequest: it could not be read when it came.
        """
        return self.foresight.again(await self._told(request_id, lambda record: record))

    async def series(
        self, metric: Metric, since: float, step_s: int, *, backend: str = "", model: str = ""
    ) -> tuple[Point, ...]:
        """A number over time, of one backend or model (by name) or of all, oldest first."""
        return tuple(await self._past.series(metric, since, step_s, backend=backend, model=model))

    async def cancel(self, request_id: str) -> None:
        """End a request that runs: its client is told, its backend is let go.

        Raises:
            NotFound: it does not run (any more).
        """
        needed(Role.OPERATOR, "cancel a request")
        if not self._cancel(request_id, f"Cancelled by an operator ({clean(actor().who, 100)})"):
            raise NotFound(f"Request '{clean(request_id, 100)}' does not run (any more)")
        self._ledger.enter("cancel", request_id, None, None)
        log.info("request %s was cancelled", request_id)

    async def _told(self, request_id: str, tell: Callable[[Record], T]) -> T:
        told = await self._past.one(request_id, tell)
        if told is None:
            raise NotFound(
                f"No request '{clean(request_id, 100)}' is remembered: "
                f"{self._store.reach}. `nexus explain` without an id lists the last ones"
            )
        return told
