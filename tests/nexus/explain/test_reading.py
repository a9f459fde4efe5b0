from nexus.domain.history import Columns, Kind
from nexus.domain.request import Endpoint, Needs
from nexus.explain.reading import Reading

KIND = Kind("m", Needs(Endpoint.CHAT, ""), "anonymous", "a", 200)


class File:
    """A row every ten seconds, and a memory of what was read."""

    def __init__(self) -> None:
        self.read: list[tuple[float, float | None]] = []

    def columns(self, since: float, until: float | None) -> Columns:
        self.read.append((since, until))
        assert until is not None
        at = [float(n) for n in range(0, 100_000, 10) if since <= n < until]
        return Columns(at, [KIND] * len(at), [1] * len(at), [None] * len(at), [1.0] * len(at))


def test_the_next_question_reads_only_what_is_new() -> None:
    file = File()
    reading = Reading(file.columns)
    reading.columns(0, 50_000)
    found = reading.columns(60, 50_060)

    assert file.read == [(0, 50_000), (50_000, 50_060)]
    assert list(found.at) == [float(n) for n in range(0, 50_060, 10)]
    assert all(len(each) == len(found.at) for each in found)
    assert reading.columns(60, 50_060) is found


def test_another_time_is_read_anew() -> None:
    file = File()
    reading = Reading(file.columns)
    for since, until in ((1_000, 50_000), (0, 50_000), (40_000, 50_000), (40_000, 45_000)):
        found = reading.columns(since, until)
        assert (found.at[0], found.at[-1]) == (since, until - 10)
    assert len(file.read) == 4


def test_what_is_forgotten_is_read_anew() -> None:
    file = File()
    reading = Reading(file.columns)
    reading.columns(0, 100)
    reading.forget()
    reading.columns(0, 100)

    assert len(file.read) == 2
