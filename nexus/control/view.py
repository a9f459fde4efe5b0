"""What is so now, and what becomes of it: the fleet, its traffic, and every update."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from nexus.control.asks import Lobby
from nexus.domain.backend import BackendId, Load
from nexus.domain.events import PortProbed, RequestRouted, Update
from nexus.domain.fleet import Fleet
from nexus.domain.gateway import GatewayInfo
from nexus.domain.policy import Policy
from nexus.registry.registry import Registry
from nexus.telemetry.bus import Bus


class View:
    """See the module.

    Args:
        info: facts that do not change while the process lives.
        registry: the truth.
        bus: where updates come from; also for those that serve them to others.
        policy: the one in force.
        unix: Unix seconds.
        probed: the last look at each address.
        waiting: servers that wait for approval.
        under_way: the requests that run.
    """

    def __init__(
        self,
        info: GatewayInfo,
        registry: Registry,
        bus: Bus,
        policy: Callable[[], Policy],
        unix: Callable[[], float],
        *,
        probed: Mapping[str, PortProbed],
        waiting: Lobby,
        under_way: Callable[[], Iterable[RequestRouted]],
    ) -> None:
        self.info = info
        self.bus = bus
        self.policy = policy
        self._registry = registry
        self._unix = unix
        self._probed = probed
        self._waiting = waiting
        self._under_way = under_way

    def uptime_s(self) -> float:
        """Seconds since start."""
        return self._unix() - self.info.started_at

    def fleet(self) -> Fleet:
        """The picture of this moment, with the times of the last checks."""
        return self._registry.shown()

    def load(self, backend_id: BackendId) -> Load:
        """One backend's traffic; zeros for one that has left."""
        return self._registry.load(backend_id)

    def opening(self) -> list[Update]:
        """Everything that is so now, for a reader that starts or has missed something."""
        found = (*self._probed.values(), *self._waiting.all(), *self._under_way())
        return [self._registry.seen(), *found]

    async def updates(self) -> AsyncIterator[Update]:
        """`FleetSeen` first, changes after it, `FleetSeen` again when this reader fell behind."""
        reader = self.bus.reader()
        try:
            for update in self.opening():
                yield update
            while not reader.closed:
                await reader.wait()
                events, missed = reader.take()
                if missed:
                    for update in self.opening():
                        yield update
                for event in events:
                    yield event
        finally:
            reader.close()
