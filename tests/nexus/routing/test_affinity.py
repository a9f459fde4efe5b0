from collections import Counter
from dataclasses import replace

from nexus.domain.backend import Residency
from nexus.domain.decision import Decision
from nexus.domain.fleet import Fleet, Loads
from nexus.domain.policy import Policy, Strategy
from nexus.routing.router import decide
from tests.fakes.fleets import backend, fleet, loads, model, needs

FOUR = fleet(*(backend(name) for name in "abcd"))


def first(key: str, picture: Fleet = FOUR, busy: Loads | None = None, turn: int = 0) -> str:
    outcome = decide(needs(affinity=key), picture, busy or {}, Policy(), turn=turn)
    assert isinstance(outcome, Decision)
    return outcome.order[0].backend.name


def test_a_conversation_stays_where_it_is_whatever_the_turn() -> None:
    for key in ("chat-1", "chat-2", "\ud800"):
        assert len({first(key, turn=turn) for turn in range(12)}) == 1


def test_conversations_are_spread_over_all() -> None:
    counts = Counter(first(f"chat-{number}") for number in range(400))

    assert set(counts) == set("abcd")
    assert min(counts.values()) > 60


def test_a_backend_that_leaves_moves_only_its_own() -> None:
    without = fleet(*(backend(name) for name in "abc"))
    keys = [f"chat-{number}" for number in range(100)]

    assert all(first(key, without) == first(key) for key in keys if first(key) != "d")


def test_a_queue_is_worse_than_a_cold_cache() -> None:
    place = first("chat-1")

    assert first("chat-1", busy=loads(**{place: 4})) == place
    assert first("chat-1", busy=loads(**{place: 5})) != place


def test_a_clearly_better_backend_wins_over_the_cache() -> None:
    better = fleet(backend("a", priority=0), *(backend(name) for name in "bcd"))

    assert {first(f"chat-{number}", better) for number in range(20)} == {"a"}


def test_a_backend_that_must_load_the_model_has_no_cache_of_it() -> None:
    cold = fleet(
        backend("a", model(residency=Residency.LOADED)),
        *(backend(name, model(residency=Residency.INSTALLED)) for name in "bcd"),
    )

    assert {first(f"chat-{number}", cold) for number in range(20)} == {"a"}


def test_other_strategies_keep_what_they_promise() -> None:
    asked = needs(affinity="chat-1")
    turns = [
        decide(asked, FOUR, {}, replace(Policy(), strategy=Strategy.ROUND_ROBIN), turn=turn)
        for turn in range(4)
    ]

    assert [t.order[0].backend.name for t in turns if isinstance(t, Decision)] == list("abcd")


def test_a_place_taken_is_no_reason_to_leave_the_cache_and_none_left_is() -> None:
    small = fleet(*(replace(backend(name), slots=4) for name in "abcd"))
    place = first("chat-1", small)

    assert first("chat-1", small, busy=loads(**{place: 3})) == place
    assert first("chat-1", small, busy=loads(**{place: 4})) != place
