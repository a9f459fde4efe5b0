"""Nothing is sent, and nothing imported, unless somebody names a collector."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nexus.config.load import load
from nexus.domain.fleet import Fleet
from nexus.errors import ConfigError
from nexus.telemetry import tracing as module
from nexus.telemetry.otel import exporter
from nexus.telemetry.tracing import VARIABLES, tracing

NAMED = '[telemetry]\notlp_endpoint = "http://127.0.0.1:4318"\n'


def made(tmp_path: Path, config: str, environ: dict[str, str]) -> object:
    path = tmp_path / "nexus.toml"
    path.write_text(config)
    return tracing(load(path, {}, {}, explicit=True).config, environ, Fleet, str)


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nexus.telemetry.otel.exporter", None)


def test_nothing_is_sent_by_default(tmp_path: Path) -> None:
    assert made(tmp_path, "", {}) is None


def test_the_standard_switch_turns_it_off(tmp_path: Path) -> None:
    assert made(tmp_path, NAMED, {"OTEL_SDK_DISABLED": "true"}) is None


@pytest.mark.usefixtures("without_the_extra")
def test_a_configured_collector_without_the_extra_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"otlp_endpoint is set.*pip install '\.\[otel\]'"):
        made(tmp_path, NAMED, {})


@pytest.mark.usefixtures("without_the_extra")
@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_without_the_extra_is_a_warning(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger=module.log.name)
    assert made(tmp_path, "", {name: "http://127.0.0.1:4318"}) is None
    assert name in caplog.text
    assert ".[otel]" in caplog.text


def test_a_protocol_that_is_not_spoken_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "Exporter", lambda *told: told)
    caplog.set_level("WARNING", logger=module.log.name)
    assert made(tmp_path, NAMED, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert "grpc" in caplog.text


def test_a_gateway_without_a_collector_imports_nothing_of_it() -> None:
    program = (
        "import sys, nexus.runtime, nexus.cli.serve; from nexus.config.load import load;"
        "from nexus.telemetry.tracing import tracing;"
        "assert tracing(load(None, {'NEXUS_CONFIG': ''}, {}).config, {}, None, str) is None;"
        "print([m for m in sys.modules if m.partition('.')[0] in"
        " ('opentelemetry', 'prometheus_client', 'structlog')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
