"""Lines are found again by number, and made only for somebody who reads."""

from __future__ import annotations

from collections.abc import Callable

from nexus.domain.logline import LogLevel, LogLine
from nexus.telemetry.log_ring import LogRing


def saying(
    message: str, level: LogLevel = LogLevel.INFO, component: str = "health", **fields: str | int
) -> Callable[[int], LogLine]:
    return lambda seq: LogLine(seq, 0.0, level, component, message, fields)


def filled(count: int, size: int = 10) -> LogRing:
    ring = LogRing(size)
    ring.extend([saying(f"line {number}") for number in range(1, count + 1)])
    return ring


def numbers(lines: list[LogLine]) -> list[int]:
    return [line.seq for line in lines]


def test_the_last_lines_are_given_oldest_first() -> None:
    assert numbers(filled(5).read(limit=3)) == [3, 4, 5]
    assert filled(0).read() == []


def test_a_reader_gets_what_follows_the_line_it_knows() -> None:
    ring = filled(5)
    assert numbers(ring.read(3)) == [4, 5]
    assert numbers(ring.read(1, limit=2)) == [4, 5]
    assert ring.read(5) == []
    assert ring.read(99) == []


def test_a_reader_that_was_away_too_long_sees_a_gap_in_the_numbers() -> None:
    ring = filled(25)
    assert numbers(ring.read(3)) == list(range(16, 26))
    assert ring.newest == 25


def test_lines_are_found_by_level_component_and_text() -> None:
    ring = LogRing()
    ring.extend(
        [
            saying("Began", LogLevel.DEBUG),
            saying("sent", component="request", model="Llama"),
            saying("lost", LogLevel.ERROR),
        ]
    )

    assert numbers(ring.read(level=LogLevel.INFO)) == [2, 3]
    assert numbers(ring.read(component="health")) == [1, 3]
    assert numbers(ring.read(text="BEGAN")) == [1]
    assert numbers(ring.read(text="model=llama")) == [2]
    assert numbers(ring.read(limit=1, level=LogLevel.INFO)) == [3]


def test_no_line_is_made_until_somebody_reads() -> None:
    made: list[int] = []

    def make(seq: int) -> LogLine:
        made.append(seq)
        return saying("x")(seq)

    ring = LogRing()
    ring.extend([make] * 5)
    assert made == []
    ring.read(3)
    assert sorted(made) == [4, 5]
