import pytest

from nexus.domain.policy import Weights
from nexus.routing.scoring import score


def test_the_contract_s_anchor() -> None:
    assert score(1, 0, 50.0, Weights()) == 98


@pytest.mark.parametrize(
    ("priority", "pending", "latency_ms", "expected"),
    [
        (0, 0, None, 100),
        (0, 0, 9.99, 100),
        (0, 0, 10.0, 99),
        (100, 0, 0.0, 50),
        (100, 100, 1000.0, 0),
        (500, 5000, 90_000.0, 0),
        (-5, 0, None, 100),
        (50, 10, 100.0, 70),
    ],
)
def test_scores_are_the_formula_with_integer_floors(
    priority: int, pending: int, latency_ms: float | None, expected: int
) -> None:
    assert score(priority, pending, latency_ms, Weights()) == expected


def test_weights_move_the_score() -> None:
    assert score(100, 0, None, Weights(100, 0, 0)) == 0
    assert score(100, 0, None, Weights(0, 100, 0)) == 100
