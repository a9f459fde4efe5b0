"""Settings of `[telemetry]`: what is sent to a collector."""

from __future__ import annotations

from pydantic import Field

from nexus.config.kinds import Url
from nexus.config.section import Section


class TelemetryConfig(Section):
    """`[telemetry]`: traces and metrics for an OpenTelemetry collector. Off by default."""

    otlp_endpoint: Url | None = Field(
        default=None,
        description="Base URL of a collector that takes OTLP over HTTP; needs the extra "
        "`otel`. Absent, the variable `OTEL_EXPORTER_OTLP_ENDPOINT` counts, and without "
        "both nothing is sent.",
        examples=["http://localhost:4318"],
    )
