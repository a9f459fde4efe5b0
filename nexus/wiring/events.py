"""What is told when something happens: what remembers it, then whoever watches.

These are the functions that lower layers are handed, so that they need not know who listens. The
order is a promise: a number is never behind what a watcher has been told.
"""

from __future__ import annotations

from collections.abc import Callable

from nexus.domain.backend import BackendId
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    Event,
    LoadChanged,
    PortProbed,
    RequestFinished,
    RequestRefused,
)
from nexus.proxy.story import Story
from nexus.registry.record import LiveLoad
from nexus.store.store import Store
from nexus.telemetry.bus import Bus
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Records
from nexus.telemetry.transitions import Transitions
from nexus.upstream.pools import Pools

MOST_PROBED = 128
"""Addresses whose last look is remembered."""


class Events:
    """See the module.

    Args:
        bus: tells whoever watches.
        records: accounts of the last requests.
        store: keeps those that have ended.
        metrics: counts.
        pools: connections to backends; closed for those that leave.
        unix: Unix seconds.
    """

    def __init__(
        self,
        bus: Bus,
        records: Records,
        store: Store,
        metrics: Metrics,
        pools: Pools,
        unix: Callable[[], float],
    ) -> None:
        self._bus = bus
        self._records = records
        self._store = store
        self._metrics = metrics
        self._pools = pools
        self._unix = unix
        self._transitions = Transitions(unix)
        self.probed: dict[str, PortProbed] = {}
        """The last look at each address, the latest last."""

    def publish(self, event: Event) -> None:
        """Something happened."""
        if isinstance(event, RequestFinished):
            self._store.put(self._records.ended(event))
            self._metrics.see_finished(event)
        elif isinstance(event, RequestRefused):
            self._store.put(self._records.ended(event))
            self._metrics.see_refused(event)
        elif isinstance(event, BackendChanged):
            self._transitions.see(event.backend)
        elif isinstance(event, BackendRemoved):
            self._transitions.forget(event.backend_id)
            self._pools.forget(event.backend_id)
        elif isinstance(event, PortProbed):
            self._looked(event)
        self._bus.publish(event)

    def load_changed(self, backend_id: BackendId, load: LiveLoad) -> None:
        """A backend is busier or less busy; made into an event only while somebody watches."""
        if self._bus.live:
            self._bus.publish_live(LoadChanged(backend_id, load.seen()))

    def routed(self, story: Story) -> None:
        """A request was sent to a backend; as above."""
        if self._bus.live:
            self._bus.publish_live(story.routed(self._unix()))

    def _looked(self, probe: PortProbed) -> None:
        self.probed.pop(probe.url, None)
        if len(self.probed) >= MOST_PROBED:  # announcers choose names: the oldest goes
            del self.probed[next(iter(self.probed))]
        self.probed[probe.url] = probe
