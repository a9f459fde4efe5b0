"""Everything a front end may see or do, by what it is about.

The control API and the in-process dashboard both go through these faces, so neither can do what the
other cannot. Whoever acts is told around the call (`nexus.domain.audit.acting`); a face asks for
its right first, does what is wanted, and enters the change into the ledger.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from nexus.control.asks import Admit, Checks, Keep, KeyEdits, Levers, Lobby, Recognise, RouteEdits
from nexus.control.backends import Backends
from nexus.control.keys import Keys
from nexus.control.ledger import Ledger
from nexus.control.log import Log
from nexus.control.numbers import Numbers
from nexus.control.requests import Cancel, Requests
from nexus.control.routing import Routing
from nexus.control.view import View
from nexus.control.waiting import Waiting
from nexus.domain.events import PortProbed, RequestRouted
from nexus.domain.gateway import GatewayInfo
from nexus.domain.policy import Policy
from nexus.registry.registry import Registry
from nexus.store.store import Store
from nexus.telemetry.bus import Bus
from nexus.telemetry.log_ring import LogRing
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Records


class Control:
    """See the module.

    Args:
        info: facts about this gateway.
        registry: the truth.
        bus: where updates come from.
        policy: the one in force.
        unix: Unix seconds.
        checks: the health checker.
        levers: loads and unloads models.
        scan: looks at the well-known ports.
        recognise: finds out what runs at a URL.
        probed: the last look at each address.
        waiting: servers that wait for approval.
        admit: registers one of them.
        keep: writes a change of the backends into the configuration file.
        records: the decisions of late.
        metrics: numbers since the start.
        store: keeps requests over a restart.
        ledger: told of every change.
        cancel: ends a request, and says why; False where it does not run.
        under_way: the requests that run.
        edits: edits of the routes; None where there are none.
        keys: the keys of the control plane; None where they cannot be seen or changed.
        ring: the last lines of the log.
    """

    def __init__(
        self,
        info: GatewayInfo,
        registry: Registry,
        bus: Bus,
        policy: Callable[[], Policy],
        unix: Callable[[], float],
        *,
        checks: Checks,
        levers: Levers,
        scan: Callable[[], Awaitable[object]],
        recognise: Recognise,
        probed: Mapping[str, PortProbed],
        waiting: Lobby,
        admit: Admit,
        keep: Keep,
        records: Records,
        metrics: Metrics,
        store: Store,
        ledger: Ledger,
        cancel: Cancel = lambda request_id, why: False,
        under_way: Callable[[], Iterable[RequestRouted]] = tuple,
        edits: RouteEdits | None = None,
        keys: KeyEdits | None = None,
        ring: LogRing | None = None,
    ) -> None:
        self.ledger = ledger
        self.view = View(
            info,
            registry,
            bus,
            policy,
            unix,
            probed=probed,
            waiting=waiting,
            under_way=under_way,
        )
        self.numbers = Numbers(metrics, registry, self.view, unix)
        self.backends = Backends(
            registry, checks=checks, levers=levers, recognise=recognise, keep=keep, ledger=ledger
        )
        self.waiting = Waiting(
            waiting,
            probed,
            scan,
            admit,
            registry=registry,
            checks=checks,
            keep=keep,
            ledger=ledger,
        )
        self.requests = Requests(records, store, registry, policy, unix, cancel, ledger)
        self.routing = Routing(edits, self.view, self.requests, ledger, unix)
        self.keys = Keys(keys, ledger)
        self.log = Log(ring, ledger)
