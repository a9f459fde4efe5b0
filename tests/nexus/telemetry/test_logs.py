"""Lines for people and for machines, which hostile text can neither break nor forge."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus.domain.logline import LogLevel
from nexus.errors import NotFound
from nexus.telemetry.logs import (
    BASE,
    RING_LINES,
    Sink,
    apply,
    configure,
    get_logger,
    levels,
    set_level,
)


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
    assert (said["level"], said["target"]) == ("warn", "nexus.health")
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


def test_the_last_lines_are_kept_with_a_stream_and_without() -> None:
    for stream in (None, io.StringIO()):
        sink = configure("info", "pretty", {}, stream=stream)
        for number in range(RING_LINES + 5):
            get_logger("nexus.x").info("%d", number)

        kept = sink.ring.read()
        assert (len(kept), kept[-1].message) == (RING_LINES, str(RING_LINES + 4))


def test_what_was_kept_is_written_when_a_stream_comes_and_what_follows_once() -> None:
    sink = configure("info", "pretty", {}, stream=None)
    get_logger("nexus.x").info("kept")
    get_logger("httpx").warning("others too")
    stream = io.StringIO()
    sink.to(stream)
    get_logger("nexus.x").info("then")

    said = [line.split(maxsplit=3) for line in stream.getvalue().splitlines()]
    assert [(component, text) for _, _, component, text in said] == [
        ("x", "kept"),
        ("httpx", "others too"),
        ("x", "then"),
    ]


def test_a_kept_line_has_the_parts_of_what_was_said() -> None:
    sink, _ = lines("json")
    fields = {"backend": "b", "after_s": 3, "path": Path("/x")}
    get_logger("nexus.health").warning("backend %s", "b", extra={"fields": fields})
    get_logger("httpx").error("no")

    line, other = sink.ring.read()
    assert (line.seq, line.level, line.component) == (1, LogLevel.WARN, "health")
    assert (line.message, line.fields) == ("backend b", fields | {"path": "/x"})
    assert (other.seq, other.level, other.component) == (2, LogLevel.ERROR, "httpx")


# ---- levels


def test_a_level_changes_at_run_time_and_can_be_taken_back() -> None:
    sink, _ = lines("pretty", "warn")
    say = get_logger("nexus.health").debug
    say("too soon")
    set_level("health", LogLevel.DEBUG)
    say("now")
    assert levels()["health"] is LogLevel.DEBUG
    set_level("health", None)
    say("too late")

    assert [line.message for line in sink.ring.read()] == ["now"]
    assert levels()["health"] is LogLevel.WARN


def test_the_base_level_is_that_of_all_who_have_none_of_their_own() -> None:
    lines("pretty", "warn", routing="error")
    get_logger("nexus.routing")
    get_logger("nexus.health")
    set_level(BASE, LogLevel.TRACE)

    in_force = levels()
    assert next(iter(in_force)) == BASE
    assert in_force[BASE] is in_force["health"] is LogLevel.TRACE
    assert in_force["routing"] is LogLevel.ERROR


def test_a_component_that_does_not_exist_is_refused_with_those_that_do() -> None:
    get_logger("nexus.health")
    with pytest.raises(NotFound, match=r"'helth'.*Components: .*health"):
        set_level("helth", LogLevel.DEBUG)
    assert "helth" not in levels()


def test_levels_applied_anew_replace_every_level_before() -> None:
    lines("pretty", "warn", routing="debug")
    set_level("health", LogLevel.TRACE)
    apply("error", {"health": "info"})

    in_force = levels()
    assert (in_force[BASE], in_force["routing"]) == (LogLevel.ERROR, LogLevel.ERROR)
    assert in_force["health"] is LogLevel.INFO


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
