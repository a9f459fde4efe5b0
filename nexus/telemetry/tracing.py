"""Whether traces and metrics are sent to a collector; without a wish, nothing is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from nexus.domain.fleet import Fleet
from nexus.errors import ConfigError
from nexus.telemetry.logs import get_logger

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig
    from nexus.telemetry.otel.exporter import Exporter

log = get_logger("nexus.telemetry")

VARIABLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
"""Any of them names a collector, as for every program that speaks OpenTelemetry."""

PROTOCOL = "http/protobuf"

MISSING = (
    "OpenTelemetry is not installed: install Nexus with its extra `otel`, "
    "in a checkout by `pip install '.[otel]'`"
)


def tracing(
    config: NexusConfig,
    environ: Mapping[str, str],
    fleet: Callable[[], Fleet],
    name: Callable[[str], str],
) -> Exporter | None:
    """What sends traces and metrics; None where no collector is named.

    Args:
        environ: see `VARIABLES`; `OTEL_SDK_DISABLED=true` turns everything off.
        fleet: the picture of this moment.
        name: bounds a name that servers or clients choose.

    Raises:
        ConfigError: the configuration names a collector, and the extra is not installed.
    """
    endpoint = config.telemetry.otlp_endpoint
    named = next((each for each in VARIABLES if environ.get(each)), None)
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if off or (endpoint is None and named is None):
        return None
    try:
        from nexus.telemetry.otel.exporter import Exporter
    except ImportError as error:
        if endpoint is not None:
            raise ConfigError(f"telemetry.otlp_endpoint is set, and {MISSING}") from error
        log.warning("%s is set, and %s; nothing is sent", named, MISSING)
        return None
    spoken = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL)
    if spoken != PROTOCOL:
        log.warning("OTEL_EXPORTER_OTLP_PROTOCOL is %s, and Nexus speaks %s", spoken, PROTOCOL)
    made = Exporter(endpoint, environ, fleet, name)
    log.info("traces and metrics go to %s", endpoint or f"the collector of {named}")
    return made
