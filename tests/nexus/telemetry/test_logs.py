"""Lines for people and for machines, which hostile text can neither break nor forge."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from nexus.telemetry.logs import RING_LINES, Sink, configure, get_logger, printable, stamp


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """`configure` sets up the whole process; put it back."""
    root, nexus = logging.getLogger(), logging.getLogger("nexus")  # noqa: TID251
    handlers, levels, raises = root.handlers[:], (root.level, nexus.level), logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    nexus.setLevel(levels[1])
    logging.raiseExceptions = raises
    for component in ("routing", "health"):
        logging.getLogger(f"nexus.{component}").setLevel(logging.NOTSET)  # noqa: TID251


def lines(format: str, level: str = "info", **components: str) -> tuple[Sink, io.StringIO]:
    stream = io.StringIO()
    return configure(level, format, components, stream=stream), stream


HOSTILE = "a\nERROR forged\x1b[2J\r\x07\u202e\ud800 end"


def test_a_pretty_line_is_one_line_whatever_it_says() -> None:
    _, stream = lines("pretty")
    get_logger("nexus.health").info("model %s", HOSTILE, extra={"fields": {"model": HOSTILE}})

    (line,) = stream.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert " INFO    health     model a\\nERROR" in line


def test_a_json_line_is_one_flat_object_whatever_it_says() -> None:
    _, stream = lines("json")
    fields = {"model": HOSTILE, "latency_ms": 12, "ok": True}
    get_logger("nexus.health").warning("model %s", HOSTILE, extra={"fields": fields})

    (line,) = stream.getvalue().split("\n")[:-1]
    said = json.loads(line)
    assert said["message"] == f"model {HOSTILE}"
    assert (said["level"], said["target"]) == ("warning", "nexus.health")
    assert (said["model"], said["latency_ms"], said["ok"]) == (HOSTILE, 12, True)
    assert "\x1b" not in line
    line.encode("utf-8")  # can be written to a real stream


def test_a_value_with_a_space_is_quoted() -> None:
    _, stream = lines("pretty")
    get_logger("nexus.x").info("said", extra={"fields": {"a": "b c", "d": 1}})

    assert stream.getvalue().endswith(' said a="b c" d=1\n')


@pytest.mark.parametrize("format", ["pretty", "json"])
def test_an_exception_comes_with_its_traceback(format: str) -> None:
    _, stream = lines(format)
    try:
        raise ValueError("the cause")
    except ValueError:
        get_logger("nexus.x").exception("it failed")

    assert "ValueError: the cause" in stream.getvalue()


def test_a_traceback_cannot_reach_the_terminal_either() -> None:
    _, stream = lines("pretty")
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        get_logger("nexus.x").exception("it failed")

    assert "\x1b" not in stream.getvalue()


def test_a_component_may_have_its_own_level() -> None:
    _, stream = lines("pretty", "warn", routing="debug", health="error")
    get_logger("nexus.routing").debug("r")
    get_logger("nexus.proxy").info("p")
    get_logger("nexus.health").warning("h")

    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("routing    r\n")


def test_other_libraries_are_heard_when_they_warn() -> None:
    _, stream = lines("pretty")
    get_logger("httpx").info("quiet")
    get_logger("httpx").warning("loud")

    assert stream.getvalue().endswith("loud\n")
    assert "quiet" not in stream.getvalue()


def test_without_a_stream_the_last_lines_are_kept_for_the_screen() -> None:
    sink = configure("info", "pretty", {}, stream=None)
    for number in range(RING_LINES + 5):
        get_logger("nexus.x").info("%d", number)

    assert len(sink.lines) == RING_LINES
    assert sink.lines[-1].endswith(str(RING_LINES + 4))


class Broken(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("closed", [False, True])
def test_a_broken_stream_breaks_nothing(closed: bool) -> None:
    stream = Broken()
    if closed:
        stream.close()
    sink = configure("info", "pretty", {}, stream=stream)

    get_logger("nexus.x").info("lost")
    sink.write(["lost too"])


def test_a_stream_that_cannot_say_a_letter_breaks_nothing() -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    configure("info", "json", {}, stream=ascii_only)

    get_logger("nexus.x").info("模型")


def test_printable_leaves_plain_text_alone() -> None:
    assert printable("llama3:70b ok") == "llama3:70b ok"
    assert printable("a\x9bb") == "a\\x9bb"


@pytest.mark.parametrize("seconds", [0.0, 1_700_000_000.0, 1_700_000_000.9996, 1_700_000_000.0625])
def test_a_stamp_is_rfc_3339_in_utc(seconds: float) -> None:
    read = datetime.fromisoformat(stamp(seconds))

    assert read.tzinfo == UTC
    assert abs(read.timestamp() - seconds) <= 0.001
