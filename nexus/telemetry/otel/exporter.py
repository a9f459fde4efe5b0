"""Sends traces and metrics to a collector, from threads of the SDK's own.

A fold over the same batches of events as the log, some milliseconds after a request has ended. What
a collector does not take is dropped: nothing waits for it, and Nexus stops without it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased

from nexus import __version__
from nexus.domain.events import Event, RequestFinished, RequestRefused
from nexus.domain.fleet import Fleet
from nexus.domain.request import Endpoint
from nexus.telemetry.logs import get_logger
from nexus.telemetry.otel.metrics import Measured
from nexus.telemetry.otel.spans import SCOPE, Spans
from nexus.telemetry.otel.words import Attributes, place
from nexus.telemetry.traces import Traces

log = get_logger("nexus.telemetry")

QUEUE = 8192
"""Spans that wait for the collector, unless OTEL_BSP_MAX_QUEUE_SIZE says otherwise; about 16 MB."""

BATCH = 128
"""Spans of one message, unless OTEL_BSP_MAX_EXPORT_BATCH_SIZE says otherwise: ten milliseconds."""

SWITCH_S = 0.001
"""How long an encoding thread may keep the interpreter from the event loop, instead of 5 ms."""

PATIENCE_S = 3.0
"""How long the last batch may take when Nexus stops."""


class Exporter:
    """Makes spans and metrics of events, and has them sent.

    Args:
        endpoint: base URL of the collector; None takes it from the environment.
        environ: `OTEL_*` variables, as the SDK reads them too.
        fleet: the picture of this moment.
        name: bounds a name that servers or clients choose.
    """

    def __init__(
        self,
        endpoint: str | None,
        environ: Mapping[str, str],
        fleet: Callable[[], Fleet],
        name: Callable[[str], str],
    ) -> None:
        get_logger("opentelemetry").setLevel("ERROR")  # it warns of every retry, every dropped span
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        self._fleet = fleet
        self._places: tuple[Fleet | None, dict[str, Attributes]] = None, {}
        resource = _resource(environ)
        base = endpoint.rstrip("/") if endpoint else None
        self._spans: BatchSpanProcessor | None = None
        self._reports: _Reports | None = None
        if environ.get("OTEL_TRACES_EXPORTER", "otlp") != "none":
            self._spans = BatchSpanProcessor(
                OTLPSpanExporter(f"{base}/v1/traces" if base else None),
                max_queue_size=None if "OTEL_BSP_MAX_QUEUE_SIZE" in environ else QUEUE,
                max_export_batch_size=None
                if "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in environ
                else BATCH,
            )
        if environ.get("OTEL_METRICS_EXPORTER", "otlp") != "none":
            self._measured = Measured(resource, SCOPE, name, self._place)
            sender = OTLPMetricExporter(f"{base}/v1/metrics" if base else None)
            self._reports = _Reports(sender, self._measured, _every_s(environ))
        self._maker = Spans(resource, self._place)
        self.traces = Traces(_sampler())

    def see(self, events: Sequence[Event]) -> None:
        """Requests have ended."""
        for event in events:
            if isinstance(event, RequestFinished | RequestRefused):
                self._see(event)

    async def close(self) -> None:
        """Send what waits, for a moment. The SDK's threads do not outlive the process."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def send() -> None:
            if self._spans is not None:
                self._spans.shutdown()
            if self._reports is not None:
                self._reports.close()
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=send, name="last traces", daemon=True).start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await done.wait()
        except TimeoutError:
            log.warning("the collector did not take the last traces within %g s", PATIENCE_S)

    def _see(self, event: RequestFinished | RequestRefused) -> None:
        trace = self.traces.take(event.request_id)
        if isinstance(event, RequestRefused):
            if trace is None:  # told before, as the end of a request
                return
            if self._reports is not None:
                self._measured.refused(event, trace.endpoint)
            if self._spans is not None and trace.sampled:
                self._spans.on_end(self._maker.of_refused(event, trace))
            return
        if self._reports is not None:
            self._measured.finished(event, trace.endpoint if trace else Endpoint.CHAT)
        if self._spans is not None and trace is not None and trace.sampled:
            for span in self._maker.of_finished(event, trace):
                self._spans.on_end(span)

    def _place(self, backend: str) -> Attributes:
        """Host and port of a backend by name; nothing for one that has left."""
        fleet = self._fleet()
        if self._places[0] is not fleet:
            found = {each.name: place(each.face.url) for each in fleet.backends.values()}
            self._places = fleet, found
        return self._places[1].get(backend, {})


class _Sender(Protocol):
    """The SDK's exporter, as far as it is used."""

    def export(self, metrics_data: MetricsData) -> object: ...
    def shutdown(self) -> object: ...


class _Reports:
    """Sends all counts every so often, from a thread of its own."""

    def __init__(self, sender: _Sender, measured: Measured, every_s: float) -> None:
        self._sender = sender
        self._measured = measured
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics reports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send a last time. Blocks; idempotent."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self._sender.export(self._measured.data())
        self._sender.export(self._measured.data())
        self._sender.shutdown()


def _every_s(environ: Mapping[str, str]) -> float:
    """Seconds between reports."""
    try:
        said = float(environ.get("OTEL_METRIC_EXPORT_INTERVAL", ""))
    except ValueError:
        return 60.0
    return max(said, 1.0) / 1000


def _resource(environ: Mapping[str, str]) -> Resource:
    """What this process is called, where the operator has not said it."""
    own = {"service.version": __version__}
    if "service.name=" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        own["service.name"] = environ.get("OTEL_SERVICE_NAME") or "nexus"
    return Resource.create(own)


def _sampler() -> Callable[[int], bool]:
    """Whether a trace that begins here is recorded: OTEL_TRACES_SAMPLER, as the SDK reads it."""
    sampler = TracerProvider(shutdown_on_exit=False).sampler
    if isinstance(sampler, ParentBased):
        sampler = getattr(sampler, "_root", sampler)
    if sampler is ALWAYS_ON:
        return lambda trace_id: True

    def sampled(trace_id: int) -> bool:
        return sampler.should_sample(None, trace_id, "request").decision is not Decision.DROP

    return sampled
