"""What would be, for whoever asks a running gateway: nothing is sent and nothing is changed.

Deciding a hundred thousand requests again takes long for an event loop, so it runs in a thread, on
values only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nexus.domain.fleet import Fleet, Loads
from nexus.domain.history import Columns, columns_of, joined
from nexus.domain.policy import Policy
from nexus.explain.asked import asked
from nexus.explain.expectations import read_expectations
from nexus.explain.promises import check
from nexus.explain.proposal import Proposal, proposed
from nexus.explain.told import verdicts_told, what_if_told
from nexus.explain.what_if import WhatIf, what_if
from nexus.telemetry.records import Record, Records

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Foresight:
    """See the module."""

    fleet: Callable[[], Fleet]
    policy: Callable[[], Policy]
    loads: Callable[[], Loads]
    records: Records
    """The last requests. Read on the event loop."""
    stored: Callable[[float, float | None], Columns]
    """Those from one time until another (Unix seconds; None is now). Read in a thread."""
    unix: Callable[[], float]

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
        plan = await asyncio.to_thread(proposed, self.fleet(), self.policy(), drop, config)
        found = await self.decided_again(plan, since_s)
        return what_if_told(found, plan.notes)

    async def decided_again(self, plan: Proposal, since_s: float = DAY_S) -> WhatIf:
        """The same for a plan that is made already: as values."""
        fleet, policy, loads = self.fleet(), self.policy(), dict(self.loads())
        ring, since = list(self.records), self.unix() - since_s

        def again() -> WhatIf:
            return what_if(
                self._past(ring, since),
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
        fleet, policy = self.fleet(), self.policy()
        expectations = read_expectations(table)
        return verdicts_told(await asyncio.to_thread(check, expectations, fleet, policy))

    def _past(self, ring: Sequence[Record], since: float) -> Columns:
        """Everything younger than the ring's oldest is in the ring."""
        oldest = ring[0].at if ring else None
        recent = columns_of(each for each in asked(ring) if each.at >= since)
        if oldest is not None and oldest <= since:
            return recent
        return joined(self.stored(since, oldest), recent)
