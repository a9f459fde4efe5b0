"""How lines look, and that structlog comes alone."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from nexus.telemetry.lines import HEAD, printable, renderer, stamp

HOSTILE = "a\nERROR forged\x1b[2J\r\x07\u202e\ud800 end"


def event(message: str = "said", **fields: object) -> dict[str, object]:
    head = ("2026-01-01T00:00:00.000+00:00", "info", "nexus.health", message)
    return dict(zip(HEAD, head, strict=True)) | fields


def test_a_pretty_line_has_time_level_component_sentence_and_fields() -> None:
    text = renderer(as_json=False)(None, "info", event(a="b c", d=1, ok=True))
    assert text == ('2026-01-01T00:00:00.000+00:00 INFO    health     said a="b c" d=1 ok=True')


@pytest.mark.parametrize("field", ["plain", HOSTILE])
def test_a_pretty_line_is_one_printable_line_whatever_it_says(field: str) -> None:
    text = renderer(as_json=False)(None, "info", event(HOSTILE, model=field))
    assert text.isascii()
    assert text.isprintable()


def test_a_json_line_is_one_object_whatever_it_says() -> None:
    text = renderer(as_json=True)(None, "info", event(HOSTILE, model=HOSTILE, n=1, odd={1, 2}))
    said = json.loads(text)
    assert (said["message"], said["model"], said["n"]) == (HOSTILE, HOSTILE, 1)
    assert "\n" not in text
    text.encode()  # can be written


def test_json_lines_come_without_rich() -> None:
    program = (
        "import sys; from nexus.telemetry.lines import renderer; renderer(as_json=True);"
        "print([name for name in sys.modules if name.partition('.')[0] == 'rich']);"
        "import rich.text"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_printable_leaves_plain_text_alone() -> None:
    assert printable("llama3:70b ok") == "llama3:70b ok"
    assert printable("a\x9bb") == "a\\x9bb"


@pytest.mark.parametrize("seconds", [0.0, 1_700_000_000.0, 1_700_000_000.9996, 1_700_000_000.0625])
def test_a_stamp_is_rfc_3339_in_utc(seconds: float) -> None:
    read = datetime.fromisoformat(stamp(seconds))

    assert read.tzinfo == UTC
    assert abs(read.timestamp() - seconds) <= 0.001
