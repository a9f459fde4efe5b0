from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendStatus
from nexus.health.machine import Pulse, Result, Thresholds, step

GOOD, BAD, LOADING = Result.GOOD, Result.BAD, Result.LOADING
RESULTS = {"+": GOOD, "-": BAD, "~": LOADING}


def after(results: str, thresholds: Thresholds | None = None) -> BackendStatus:
    """The status after `+` good, `-` bad and `~` loading results."""
    limits = thresholds or Thresholds(failure=3, recovery=2)
    pulse = reduce(lambda pulse, sign: step(pulse, RESULTS[sign], limits), results, Pulse())
    return pulse.status


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ("", BackendStatus.UNKNOWN),
        ("+", BackendStatus.HEALTHY),
        ("-", BackendStatus.UNHEALTHY),
        ("+--", BackendStatus.HEALTHY),
        ("+---", BackendStatus.UNHEALTHY),
        ("+--+--", BackendStatus.HEALTHY),
        ("+--+---", BackendStatus.UNHEALTHY),
        ("-+", BackendStatus.UNHEALTHY),
        ("-++", BackendStatus.HEALTHY),
        ("-+-+", BackendStatus.UNHEALTHY),
        ("-+-++", BackendStatus.HEALTHY),
        ("~", BackendStatus.LOADING),
        ("+~", BackendStatus.LOADING),
        ("-~", BackendStatus.LOADING),
        ("~+", BackendStatus.HEALTHY),
        ("~-", BackendStatus.UNHEALTHY),
        ("-~+", BackendStatus.HEALTHY),
        ("+--~+--", BackendStatus.HEALTHY),
    ],
)
def test_the_table_of_the_contract(results: str, status: BackendStatus) -> None:
    assert after(results) is status


@pytest.mark.parametrize(("failure", "recovery"), [(1, 1), (2, 5), (10, 1)])
def test_thresholds_are_counted_exactly(failure: int, recovery: int) -> None:
    limits = Thresholds(failure, recovery)
    assert after("+" + "-" * (failure - 1), limits) is BackendStatus.HEALTHY
    assert after("+" + "-" * failure, limits) is BackendStatus.UNHEALTHY
    assert after("-" + "+" * (recovery - 1), limits) is BackendStatus.UNHEALTHY
    assert after("-" + "+" * recovery, limits) is BackendStatus.HEALTHY


@given(st.text(alphabet="+-~", max_size=30))
def test_enough_results_of_one_kind_always_settle_it(history: str) -> None:
    assert after(history + "++") is BackendStatus.HEALTHY
    assert after(history + "---") is BackendStatus.UNHEALTHY
    assert after(history) is not BackendStatus.DRAINING
