"""What is true of every decision, on generated fleets."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import Backend, BackendStatus, BackendType, Load, Model, Recent, Speed
from nexus.domain.decision import Decision, Refusal
from nexus.domain.fleet import Fleet, Loads
from nexus.domain.policy import Policy, Strategy, Weights
from nexus.domain.request import Endpoint, Needs
from nexus.errors import NexusError
from nexus.routing.refusal import error
from nexus.routing.router import decide, explain
from nexus.routing.rules import RULES
from nexus.routing.scoring import score
from tests.fakes.fleets import backend, fleet

NAMES = ["m", "n", "o"]
tri = st.sampled_from([True, None, False, None])

models = st.builds(
    Model,
    id=st.sampled_from(NAMES),
    context_length=st.sampled_from([None, 10, 100, 1000]),
    vision=tri,
    audio=tri,
    tools=tri,
    json_mode=tri,
    embeddings=tri,
    chat=st.sampled_from([True, None, None, False]),
)


@st.composite
def backends(draw: st.DrawFn, name: str) -> Backend:
    told = backend(
        name,
        *draw(st.lists(models, min_size=1, max_size=3)),
        status=draw(
            st.sampled_from([BackendStatus.HEALTHY, BackendStatus.HEALTHY, *BackendStatus])
        ),
        priority=draw(st.sampled_from([0, 1, 50, 100])),
        type=draw(st.sampled_from([BackendType.VLLM, BackendType.OLLAMA])),
        max_concurrent=draw(st.sampled_from([None, None, 1, 3])),
    )
    return replace(told, slots=draw(st.sampled_from([None, None, 0, 2, 16])))


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    count = draw(st.integers(0, 6))
    return fleet(*(draw(backends(f"b{number}")) for number in range(count)))


speeds = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(
        Speed,
        ttft_ms=st.none() | st.sampled_from([0.0, 900.0]),
        tokens_per_s=st.none() | st.just(40.0),
        recent=st.none() | st.builds(Recent, st.just(60), st.just(9), st.sampled_from([0, 30])),
        quiet_min=st.sampled_from([0, 9, 60]),
    ),
)
some_loads = st.dictionaries(
    st.sampled_from([f"b{number}" for number in range(6)]),
    st.builds(
        Load,
        pending=st.integers(0, 5),
        latency_ms=st.none() | st.sampled_from([0.0, 50.0, 900.0]),
        speeds=st.none() | speeds,
        quiet_min=st.sampled_from([0, 9, 60]),
    ),
)
some_needs = st.builds(
    Needs,
    endpoint=st.sampled_from(Endpoint),
    model=st.sampled_from([*NAMES, "alias", "nobody"]),
    vision=st.booleans(),
    audio=st.booleans(),
    tools=st.booleans(),
    json_mode=st.booleans(),
    prompt_tokens=st.sampled_from([0, 10, 11, 500]),
    max_tokens=st.sampled_from([None, 5, 101, 5000]),
)
weights = st.sampled_from([Weights(), Weights(100, 0, 0), Weights(0, 100, 0), Weights(34, 33, 33)])
policies = st.builds(
    Policy,
    strategy=st.sampled_from(Strategy),
    weights=weights,
    aliases=st.sampled_from([{}, {"alias": "m", "m": "n"}]),
    fallbacks=st.sampled_from([{}, {"m": ("n", "nobody", "o")}]),
    max_attempts=st.integers(1, 4),
    unknown_is_routable=st.booleans(),
)
turns = st.integers(0, 1000)
worlds = st.tuples(some_needs, fleets(), some_loads, policies, turns)
World = tuple[Needs, Fleet, Loads, Policy, int]

IDLE = Load()


@given(worlds)
def test_nobody_in_the_plan_is_rejected_by_any_rule(world: World) -> None:
    needs, picture, loads, policy, turn = world
    outcome = decide(needs, picture, loads, policy, turn=turn)

    if isinstance(outcome, Decision):
        for each in outcome.order:
            load = loads.get(each.backend.id, IDLE)
            assert each in picture.by_model[outcome.model]
            assert [rule.rejection(each, needs, load, policy) for rule in RULES] == [None] * len(
                RULES
            )
    else:
        assert all(verdict.rejection for verdict in outcome.verdicts)


@given(worlds)
def test_each_rule_keeps_exactly_what_it_does_not_reject(world: World) -> None:
    needs, picture, loads, policy, _ = world

    for candidates in picture.by_model.values():
        for rule in RULES:
            kept = list(rule.keep(candidates, needs, loads, policy))
            assert kept == [
                each
                for each in candidates
                if rule.rejection(each, needs, loads.get(each.backend.id, IDLE), policy) is None
            ]


@given(worlds)
def test_equal_inputs_give_equal_outputs(world: World) -> None:
    needs, picture, loads, policy, turn = world
    again = fleet(*picture.backends.values())

    assert decide(needs, picture, loads, policy, turn=turn) == decide(
        needs, again, dict(loads), replace(policy), turn=turn
    )


@given(worlds)
def test_a_plan_is_distinct_and_no_longer_than_the_attempts(world: World) -> None:
    needs, picture, loads, policy, turn = world
    outcome = decide(needs, picture, loads, policy, turn=turn)

    if isinstance(outcome, Decision):
        ids = [each.backend.id for each in outcome.order]
        assert 1 <= len(ids) == len(set(ids)) <= policy.max_attempts


@given(worlds)
def test_removing_a_rejected_backend_does_not_change_the_plan(world: World) -> None:
    needs, picture, loads, policy, turn = world
    outcome = decide(needs, picture, loads, policy, turn=turn)

    if isinstance(outcome, Decision) and not outcome.fallback:
        useful = {
            each.candidate.backend.id
            for each in explain(needs, picture, loads, policy, turn=turn)
            if each.rejection is None
        }
        smaller = fleet(*(each for each in picture.backends.values() if each.id in useful))
        without = decide(needs, smaller, loads, policy, turn=turn)
        assert isinstance(without, Decision)
        assert (without.order, without.why) == (outcome.order, outcome.why)


@given(worlds)
def test_the_choice_is_within_the_definition_of_the_strategy(world: World) -> None:
    needs, picture, loads, policy, turn = world
    outcome = decide(needs, picture, loads, policy, turn=turn)
    if isinstance(outcome, Refusal):
        return
    accepted = [
        each
        for each in explain(needs, picture, loads, policy, turn=turn)
        if each.rejection is None and each.candidate.model.id == outcome.model
    ]
    chosen = next(each for each in accepted if each.candidate is outcome.order[0])

    assert accepted[0] is chosen
    if policy.strategy is Strategy.SMART:
        assert chosen.score == max(each.score or 0 for each in accepted)
    elif policy.strategy is Strategy.PRIORITY_ONLY:
        lowest = min(each.candidate.backend.face.priority for each in accepted)
        assert chosen.candidate.backend.face.priority == lowest
    elif policy.strategy is Strategy.ROUND_ROBIN and len(accepted) > 1:
        kept = [
            each
            for each in picture.by_model[outcome.model]
            if any(a.candidate is each for a in accepted)
        ]
        assert kept[turn % len(kept)] is outcome.order[0]


@given(worlds)
def test_every_refusal_has_an_error_that_fits_it(world: World) -> None:
    needs, picture, loads, policy, turn = world
    outcome = decide(needs, picture, loads, policy, turn=turn)

    if isinstance(outcome, Refusal):
        found = error(outcome, needs, picture)
        assert isinstance(found, NexusError)
        assert found.status in {400, 404, 503}
        assert found.status != 404 or not outcome.known
        assert (found.retry_after_s is not None) is (found.status == 503)


@given(
    st.integers(-5, 300),
    st.integers(0, 300),
    st.none() | st.floats(0, 1e7),
    weights,
    st.integers(1, 50),
    st.none() | st.integers(1, 300),
)
def test_a_score_is_a_percentage_that_never_rises_with_any_burden(
    priority: int,
    pending: int,
    latency_ms: float | None,
    weights: Weights,
    more: int,
    places: int | None,
) -> None:
    base = score(priority, pending, latency_ms, weights, places)

    assert 0 <= base <= 100
    assert base == score(priority, pending, latency_ms, weights, places)
    assert score(priority + more, pending, latency_ms, weights, places) <= base
    assert score(priority, pending + more, latency_ms, weights, places) <= base
    assert score(priority, pending, (latency_ms or 0.0) + more, weights, places) <= base
    if places is not None:
        assert score(priority, pending, latency_ms, weights, places + more) >= base


@given(worlds, st.lists(st.tuples(some_needs, some_loads, turns), max_size=6))
def test_a_decision_does_not_depend_on_those_before_it(
    world: World, before: list[tuple[Needs, Loads, int]]
) -> None:
    """What is kept of one decision for the next must not be seen in the next."""
    needs, picture, loads, policy, turn = world
    fresh = decide(needs, picture, loads, policy, turn=turn)
    again = fleet(*picture.backends.values())
    for other, busy, other_turn in before:
        decide(other, again, busy, policy, turn=other_turn)

    assert decide(needs, again, loads, policy, turn=turn) == fresh
