"""What clients meet: the server with its two doors, and the line that each request leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus.api.app import App
from nexus.api.asgi_door import AsgiDoor
from nexus.api.errors import unreadable
from nexus.api.hot import Hot
from nexus.control.control import Control
from nexus.domain.events import Event
from nexus.domain.fleet import Fleet
from nexus.domain.logline import LogValue
from nexus.explain.meter import Meter
from nexus.explain.rehearsal import rehearsal
from nexus.proxy.carrier import Carrier
from nexus.server.guest import GuestServer, guest
from nexus.server.protocol import Fast
from nexus.telemetry.bus import Bus
from nexus.telemetry.logs import Sink, get_logger
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.previews import Previews
from nexus.telemetry.records import Records
from nexus.telemetry.request_log import RequestLog
from nexus.wiring.in_force import InForce

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig
    from nexus.telemetry.otel.exporter import Exporter

log = get_logger("nexus.runtime")

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Front:
    """See the module."""

    server: GuestServer
    request_log: RequestLog


def front(
    config: NexusConfig,
    control: Control,
    carrier: Carrier,
    in_force: InForce,
    publish: Callable[[Event], None],
    unix: Callable[[], float],
    *,
    bus: Bus,
    records: Records,
    metrics: Metrics,
    sink: Sink,
    exporter: Exporter | None,
) -> Front:
    """Puts it together; nothing runs yet.

    Args:
        config: that of the start.
        control: behind the control surface.
        carrier: behind the relayed endpoints.
        in_force: who may use the control surface.
        publish: where refusals are told.
        unix: Unix seconds.
        bus: what the request log reads, from now on.
        records: accounts of the last requests, which are measured again.
        metrics: counts what that finds.
        sink: where lines go.
        exporter: sends traces; None where no collector is named.
    """
    body_limit = config.server.max_body_mb * MB

    def rehearsed(*decided: Any) -> bytes:
        fleet: Fleet = decided[2]
        return json.dumps(rehearsal(records.snapshot(*decided), fleet)).encode()

    previews = Previews() if config.logging.enable_content_logging else None
    if previews is not None:
        log.warning("the beginning of every prompt is logged (logging.enable_content_logging)")
    hot = Hot(
        carrier,
        publish,
        unix,
        body_limit,
        rehearsed,
        previews.keep if previews else None,
        exporter.traces.begin if exporter else None,
    )
    server = guest(
        App(control, AsgiDoor(hot, body_limit), lambda: in_force.access),
        Fast(hot.answer, unreadable, body_limit),
    )
    meter = Meter(records.get, metrics)
    also = (meter.see, exporter.see) if exporter else (meter.see,)
    return Front(server, RequestLog(bus, sink, also, _more(previews, exporter)))


def _more(
    previews: Previews | None, exporter: Exporter | None
) -> Callable[[str], dict[str, LogValue]] | None:
    """Further fields of a request's line, by its id; None where there are none."""
    if previews is None and exporter is None:
        return None

    def more(request_id: str) -> dict[str, LogValue]:
        told = {
            "prompt_preview": previews.take(request_id) if previews else "",
            "trace_id": exporter.traces.trace_id(request_id) if exporter else "",
        }
        return {name: value for name, value in told.items() if value}

    return more
