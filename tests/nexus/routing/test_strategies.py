from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from nexus.domain.backend import BackendId, Load, Residency
from nexus.domain.fleet import Candidate, Loads
from nexus.domain.policy import Policy, Strategy, Weights
from nexus.routing.shortlist import Shortlist
from nexus.routing.strategies import STRATEGIES, points
from tests.fakes.fleets import backend, candidate, loads, model

W = Weights()
A = candidate(backend("a", priority=10))
B = candidate(backend("b", priority=10))
C = candidate(backend("c", priority=90))
ABC = (A, B, C)


class By:
    """A strategy, asked about candidates and answering with them."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def __call__(
        self, those: Sequence[Candidate], loads: Loads, weights: Weights, turn: int
    ) -> tuple[list[Candidate], str]:
        policy = Policy(self._strategy, weights)
        order, why = STRATEGIES[self._strategy](Shortlist(those, policy), loads, turn, len(those))
        return [those[place] for place in order], why


smart = By(Strategy.SMART)
round_robin = By(Strategy.ROUND_ROBIN)
priority_only = By(Strategy.PRIORITY_ONLY)
random = By(Strategy.RANDOM)
least_pending = By(Strategy.LEAST_PENDING)
power_of_two = By(Strategy.POWER_OF_TWO)


def test_smart_takes_the_highest_score_and_orders_the_rest() -> None:
    ranked, why = smart(ABC, loads(a=40), W, 0)

    assert ranked == [B, A, C]
    assert why == "highest_score:b:95"


def test_smart_breaks_a_tie_by_requests_in_flight() -> None:
    """With load weighing nothing the scores are equal, and the idler one is still preferred."""
    ranked, why = smart((A, B), loads(a=1), Weights(100, 0, 0), 0)

    assert ranked == [B, A]
    assert why == "highest_score:b:90"


def test_smart_rotates_equals_evenly_and_leaves_the_rest_behind() -> None:
    chosen = Counter(smart(ABC, {}, W, turn)[0][0].backend.name for turn in range(10))

    assert chosen == {"a": 5, "b": 5}
    assert all(smart(ABC, {}, W, turn)[0][2] == C for turn in range(4))


def test_latency_counts_in_the_score() -> None:
    slow = {BackendId("a"): Load(latency_ms=900.0)}

    assert smart((A, B), slow, W, 0)[0][0] == B
    assert points(A, slow, W) == 77


def test_round_robin_visits_everybody_in_turn() -> None:
    visits = [round_robin(ABC, loads(a=99), W, turn) for turn in range(4)]

    assert [ranked[0].backend.name for ranked, _ in visits] == ["a", "b", "c", "a"]
    assert [why for _, why in visits] == [f"round_robin:index_{index}" for index in (0, 1, 2, 0)]
    assert visits[2][0] == [C, B, A]


def test_priority_only_ignores_load_between_priorities() -> None:
    ranked, why = priority_only(ABC, loads(a=50, b=60), W, 0)

    assert ranked == [A, B, C]
    assert why == "priority:a:10"


def test_priority_only_prefers_the_idler_and_rotates_equals() -> None:
    assert priority_only((A, B), loads(a=1), W, 0)[0][0] == B
    assert [priority_only((A, B), {}, W, turn)[0][0] for turn in (0, 1)] == [A, B]


def test_random_says_whom_it_took() -> None:
    ranked, why = random(ABC, {}, W, 7)

    assert why == f"random:{ranked[0].backend.name}"


def test_random_is_spread_and_repeatable() -> None:
    chosen = Counter(random(ABC, {}, W, turn)[0][0].backend.name for turn in range(3000))

    assert all(900 < chosen[name] < 1100 for name in "abc")
    assert random(ABC, {}, W, 7) == random(ABC, {}, W, 7)


def test_random_is_not_round_robin() -> None:
    chosen = [random(ABC, {}, W, turn)[0][0].backend.name for turn in range(60)]

    assert any(first == second for first, second in pairwise(chosen))


def _cold(name: str, residency: Residency | None, **face: Any) -> Candidate:
    owner = backend(name, model(residency=residency), **face)
    return Candidate(owner, owner.models[0])


def test_a_loaded_model_beats_one_that_must_load_while_it_has_room() -> None:
    warm, cold = _cold("warm", Residency.LOADED, priority=90), _cold("cold", Residency.INSTALLED)
    order = [warm, cold]

    assert smart(order, loads(warm=3), Weights(), 0)[0] == [warm, cold]
    assert smart(order, loads(warm=4), Weights(), 0)[0] == [cold, warm]


def test_nobody_is_put_behind_where_nobody_is_known_to_be_loaded() -> None:
    unknown, cold = _cold("unknown", None, priority=90), _cold("cold", Residency.INSTALLED)

    assert smart([unknown, cold], {}, Weights(), 0)[0] == [cold, unknown]


def test_least_pending_counts_requests_before_score() -> None:
    busy, idle = _cold("busy", None, priority=0), _cold("idle", None, priority=100)

    assert least_pending([busy, idle], loads(busy=1), Weights(), 0) == (
        [idle, busy],
        "least_pending:idle:0",
    )
    assert least_pending([busy, idle], {}, Weights(), 0)[0] == [busy, idle]


def test_power_of_two_never_takes_the_busier_of_its_two_and_reaches_everybody() -> None:
    three = [_cold(name, None) for name in "abc"]
    chosen = [power_of_two(three, loads(a=9), Weights(), turn)[0][0] for turn in range(200)]

    assert {each.backend.name for each in chosen} == {"b", "c"}
    equal = [power_of_two(three, {}, Weights(), turn)[0][0] for turn in range(200)]
    assert {each.backend.name for each in equal} == {"a", "b", "c"}
