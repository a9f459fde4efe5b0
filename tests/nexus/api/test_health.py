"""The fleet in five numbers."""

from __future__ import annotations

import pytest

from nexus.api.health import report
from nexus.domain.backend import BackendStatus
from tests.fakes.fleets import backend, fleet, model

UP, DOWN = BackendStatus.HEALTHY, BackendStatus.UNHEALTHY


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "unhealthy"),
        ([UP], "healthy"),
        ([UP, UP], "healthy"),
        ([UP, DOWN], "degraded"),
        ([UP, BackendStatus.DRAINING], "degraded"),
        ([DOWN], "unhealthy"),
        ([BackendStatus.UNKNOWN], "unhealthy"),
    ],
)
def test_one_word_says_how_the_fleet_is(statuses: list[BackendStatus], expected: str) -> None:
    backends = [backend(f"b{n}", status=status) for n, status in enumerate(statuses)]

    assert report(fleet(*backends), 1.0, "1.0")["status"] == expected


def test_the_numbers_add_up() -> None:
    here = fleet(
        backend("a", model("m"), model("n")),
        backend("b", model("m")),
        backend("c", model("o"), status=DOWN),
    )
    said = report(here, 61.9, "1.2.3")

    assert said["backends"] == {"total": 3, "healthy": 2, "unhealthy": 1}
    assert (said["models"], said["uptime_seconds"], said["version"]) == (3, 61, "1.2.3")
