"""What would be, for whoever asks a running gateway: nothing is sent and nothing is changed.

Deciding a hundred thousand requests again takes long for an event loop, so it runs in a thread, on
values only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nexus.domain.fleet import Fleet, Loads
from nexus.domain.history import Columns, columns_of, joined
from nexus.domain.policy import Policy
from nexus.errors import BadRequest
from nexus.explain.asked import asked
from nexus.explain.expectations import read_expectations
from nexus.explain.promises import check
from nexus.explain.proposal import Proposal, proposed
from nexus.explain.reading import Reading
from nexus.explain.rehearsal import rehearsal
from nexus.explain.told import verdicts_told, what_if_told
from nexus.explain.what_if import WhatIf, what_if
from nexus.routing.router import decide
from nexus.telemetry.records import Record, Records

DAY_S = 86_400.0


KEPT_S = 120.0
"""How long what was read is kept for the next question, seconds."""


class Foresight:
    """See the module.

    Args:
        fleet: the one in force.
        policy: the one in force.
        loads: of now.
        records: the last requests. Read on the event loop.
        stored: those from one time until another (Unix seconds). Read in a thread.
        unix: Unix seconds.
    """

    def __init__(
        self,
        fleet: Callable[[], Fleet],
        policy: Callable[[], Policy],
        loads: Callable[[], Loads],
        records: Records,
        stored: Callable[[float, float | None], Columns],
        unix: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._policy = policy
        self._loads = loads
        self._records = records
        self._reading = Reading(stored)
        self._unix = unix
        self._forget: asyncio.TimerHandle | None = None

    def again(self, record: Record) -> dict[str, Any]:
        """What would be done with a request now, as the account of a dry run.

        Raises:
            BadRequest: it could not be read when it came.
        """
        needs = record.needs
        if needs is None:
            raise BadRequest("That request could not be read, so there is nothing to decide")
        fleet, policy, loads = self._fleet(), self._policy(), self._loads()
        answer = decide(needs, fleet, loads, policy, turn=record.turn)
        now = self._records.snapshot(
            record.request_id, needs, fleet, loads, policy, record.turn, answer
        )
        return rehearsal(now, fleet)

    async def what_if(
        self, drop: Sequence[str] = (), config: str | None = None, since_s: float = DAY_S
    ) -> dict[str, Any]:
        """Recorded requests decided again, as JSON.

        Args:
            drop: names or ids of backends that would not be there.
            config: the text of a configuration that would be in force.
            since_s: how far back, seconds.

        Raises:
            NotFound: no such backend.
            BadRequest: the configuration cannot be used.
        """
        plan = await asyncio.to_thread(proposed, self._fleet(), self._policy(), drop, config)
        found = await self.decided_again(plan, since_s)
        return what_if_told(found, plan.notes)

    async def decided_again(self, plan: Proposal, since_s: float = DAY_S) -> WhatIf:
        """The same for a plan that is made already: as values."""
        fleet, policy, loads = self._fleet(), self._policy(), dict(self._loads())
        ring, now = list(self._records), self._unix()
        self._keep_for_a_while()

        def again() -> WhatIf:
            return what_if(
                self._past(ring, now - since_s, now),
                fleet,
                policy,
                plan.policy,
                plan.dropped,
                fleet_after=plan.fleet,
                loads=loads,
            )

        return await asyncio.to_thread(again)

    async def policy_test(self, table: Mapping[str, object]) -> dict[str, Any]:
        """Whether expectations hold in the running fleet and under losses, as JSON.

        Raises:
            BadRequest: the expectations cannot be read.
        """
        fleet, policy = self._fleet(), self._policy()
        expectations = read_expectations(table)
        return verdicts_told(await asyncio.to_thread(check, expectations, fleet, policy))

    def _past(self, ring: Sequence[Record], since: float, now: float) -> Columns:
        """Everything younger than the ring's oldest is in the ring."""
        oldest = ring[0].at if ring else now
        recent = columns_of(each for each in asked(ring) if each.at >= since)
        if oldest <= since:
            return recent
        return joined(self._reading.columns(since, oldest), recent)

    def _keep_for_a_while(self) -> None:
        if self._forget is not None:
            self._forget.cancel()
        loop = asyncio.get_running_loop()
        self._forget = loop.call_later(KEPT_S, self._reading.forget)
