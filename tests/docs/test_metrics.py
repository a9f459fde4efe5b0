"""Every metric is in its reference with its type and labels, and none that does not exist."""

import re
from pathlib import Path

from nexus.domain.fleet import Fleet
from nexus.telemetry.exposition import Exposition
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.otel import words
from nexus.telemetry.otel.metrics import Measured
from nexus.upstream.guard import Guard

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference/metrics.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "guides/observability.md").read_text(encoding="utf-8")


def families() -> dict[str, tuple[str, tuple[str, ...]]]:
    exposition = Exposition(Metrics(sockets=Guard()), Fleet, dict, lambda: 0.0)
    return {f"nexus_{each.name}": (each.kind, each.labels) for each in exposition.families()}


def test_every_metric_has_its_row_with_type_and_labels() -> None:
    rows = re.findall(r"^\| `(nexus_\w+)` \| (\w+) \| (.*?) \| \S", PAGE, re.MULTILINE)
    told = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert told == families()


def test_metrics_named_in_the_guide_exist() -> None:
    known = set(families())
    named = set(re.findall(r"\bnexus_\w+", GUIDE))
    assert named
    assert not {each.removesuffix("_bucket") for each in named} - known


def test_every_metric_of_opentelemetry_has_its_row_with_its_unit() -> None:
    measured = Measured(None, None, str, lambda name: {})  # type: ignore[arg-type]
    kept = (value for name, value in vars(measured).items() if hasattr(value, "series"))
    rows = re.findall(r"^\| `(gen_ai[\w.]+)` \| (\S+) \|", PAGE, re.MULTILINE)
    assert dict(rows) == {each.name: each.unit for each in kept}


def test_every_attribute_of_spans_is_in_the_guide() -> None:
    used = {
        value
        for name, value in vars(words).items()
        if name.isupper() and isinstance(value, str) and value not in (words.METHOD, words.PATH)
    }
    assert not {each for each in used - {words.TOKEN_TYPE} if each not in GUIDE}
