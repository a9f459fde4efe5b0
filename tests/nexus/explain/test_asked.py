from nexus.domain.backend import BackendId, BackendType
from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.explain.asked import asked
from nexus.telemetry.records import Record
from tests.fakes.fleets import needs


def finished(id: str) -> RequestFinished:
    return RequestFinished(
        id, 9.0, "m", "n", BackendId("a"), "a", BackendType.VLLM, RouteReason.FAILOVER, "", False,
        200, duration_ms=50.0,
    )  # fmt: skip


def test_what_has_ended_is_told_with_its_needs_apart_from_what_differs() -> None:
    records = [
        Record("1", 1.0, needs("m", prompt_tokens=5, affinity="x"), ended=finished("1")),
        Record("2", 2.0, needs("k", prompt_tokens=7, max_tokens=9), ended=finished("2")),
        Record("3", 3.0, needs("m"), ended=RequestRefused("3", 3.0, "m", 404, "c", "no")),
        Record("4", 4.0, needs("m")),
        Record("5", 5.0, ended=RequestRefused("5", 5.0, "", 400, "c", "no")),
    ]
    one, two, three = asked(records)

    assert (one.model, one.prompt_tokens, one.backend, one.duration_ms) == ("m", 5, "a", 50.0)
    assert (two.model, two.max_tokens) == ("k", 9)
    assert one.shape is two.shape is three.shape
    assert (three.backend, three.status, three.duration_ms) == ("", 404, 0.0)
