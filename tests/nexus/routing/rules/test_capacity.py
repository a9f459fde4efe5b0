import pytest

from nexus.domain.backend import Load
from nexus.domain.policy import Policy
from nexus.routing.rules import capacity
from tests.fakes.fleets import backend, candidate, loads, needs


@pytest.mark.parametrize(
    ("limit", "pending", "free"), [(None, 10**6, True), (2, 1, True), (2, 2, False), (2, 3, False)]
)
def test_a_backend_takes_work_below_its_limit(limit: int | None, pending: int, free: bool) -> None:
    each = candidate(backend("a", max_concurrent=limit))
    kept = capacity.keep([each], needs(), loads(a=pending), Policy())

    assert (kept == [each]) is free


def test_a_backend_of_unknown_load_is_idle() -> None:
    each = candidate(backend("a", max_concurrent=1))

    assert capacity.keep([each], needs(), {}, Policy()) == [each]


def test_the_rejection_says_how_full_it_is() -> None:
    each = candidate(backend("a", max_concurrent=2))
    rejection = capacity.rejection(each, needs(), Load(pending=2), Policy())

    assert rejection is not None
    assert rejection.detail == "a is saturated: 2 of 2 requests in flight"
