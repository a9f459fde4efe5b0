"""An OpenTelemetry collector: takes OTLP over HTTP, and shows what came."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


def plain(pairs: Any) -> dict[str, object]:
    """Attributes as a dict."""
    found: dict[str, object] = {}
    each: KeyValue
    for each in pairs:
        kind = each.value.WhichOneof("value")
        found[each.key] = getattr(each.value, kind) if kind else None
    return found


@dataclass
class Collector:
    """What has come."""

    url: str = ""
    spans: list[Span] = field(default_factory=list[Span])
    resources: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    points: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """Data points of histograms by the metric's name; those that came last."""
    paths: list[str] = field(default_factory=list[str])

    def span(self, kind: int, wanted: dict[str, object] | None = None) -> Span:
        """The one span of a kind with these attributes."""
        names = wanted or {}
        (found,) = [
            span
            for span in self.spans
            if span.kind == kind and names.items() <= plain(span.attributes).items()
        ]
        return found

    def take(self, path: str, body: bytes) -> None:
        """A request of an exporter."""
        self.paths.append(path)
        if path == "/v1/traces":
            traces = ExportTraceServiceRequest.FromString(body)
            for resource in traces.resource_spans:
                self.resources.append(plain(resource.resource.attributes))
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        elif path == "/v1/metrics":
            metrics = ExportMetricsServiceRequest.FromString(body)
            for resource in metrics.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        self.points[metric.name] = list(metric.histogram.data_points)


@contextlib.asynccontextmanager
async def collector(*, silent: bool = False) -> AsyncGenerator[Collector]:
    """Listen on a free port of 127.0.0.1.

    Args:
        silent: takes everything and never answers.
    """
    here = Collector()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                first, *lines = head.split("\r\n")
                headers = {n: v.strip() for n, _, v in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                if silent:
                    continue
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                here.take(first.split(" ")[1], body)
                writer.write(OK)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    here.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield here
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
