"""The past is what memory and file hold together, each request once."""

from __future__ import annotations

from nexus.domain.events import RequestRefused
from nexus.domain.history import Asked, Columns, columns_of
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs
from nexus.explain.foresight import Foresight
from nexus.routing.router import decide
from nexus.telemetry.records import Records
from tests.fakes.fleets import backend, fleet, needs

NOW = 10_000.0


class File:
    """A store that remembers what it was asked for."""

    def __init__(self, *times: float) -> None:
        self.times = times
        self.asked: list[tuple[float, float | None]] = []

    def columns(self, at: float, until: float | None) -> Columns:
        self.asked.append((at, until))
        shape = Needs(Endpoint.CHAT, "")
        return columns_of(
            Asked(time, "", "x", shape, 1, None, "anonymous", "", 404, 0.0)
            for time in self.times
            if at <= time and (until is None or time < until)
        )


def foresight(records: Records, file: File) -> Foresight:
    here = fleet(backend("a"))
    return Foresight(lambda: here, Policy, dict, records, file.columns, lambda: NOW)


def refused(records: Records, id: str) -> None:
    nobody = decide(needs("x"), fleet(), {}, Policy())
    records.decided(id, needs("x"), fleet(), {}, Policy(), 0, nobody)
    records.ended(RequestRefused(id, 0.0, "x", 404, "model_not_found", "no"))


async def test_what_memory_holds_is_not_read_again_from_the_file() -> None:
    clock = iter([9_500.0, 9_600.0])
    records, file = Records(lambda: next(clock)), File(100.0, 9_000.0, 9_550.0)
    refused(records, "1")
    refused(records, "2")
    told = await foresight(records, file).what_if(["a"], since_s=2_000.0)

    assert file.asked == [(8_000.0, 9_500.0)]
    assert (told["requests"], told["still_refused"]) == (3, 3)


async def test_a_time_that_memory_covers_needs_no_file() -> None:
    clock = iter([9_500.0, 9_600.0])
    records, file = Records(lambda: next(clock)), File(9_550.0)
    refused(records, "1")
    refused(records, "2")
    told = await foresight(records, file).what_if(["a"], since_s=450.0)

    assert file.asked == []
    assert told["requests"] == 1


async def test_expectations_are_checked_in_the_running_fleet() -> None:
    told = await foresight(Records(lambda: 0.0), File()).policy_test(
        {"expect": [{"model": "llama3:70b", "lands_on": "a"}]}
    )
    assert told["holds"] is True
