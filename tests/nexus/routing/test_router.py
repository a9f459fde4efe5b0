from nexus.domain.backend import BackendStatus
from nexus.domain.decision import Decision, Refusal, RouteReason
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy, Strategy
from nexus.domain.request import Endpoint
from nexus.routing.router import decide, explain
from tests.fakes.fleets import MODEL, backend, fleet, loads, model, needs

DOWN = BackendStatus.UNHEALTHY


def names(outcome: Decision | Refusal) -> list[str]:
    assert isinstance(outcome, Decision)
    return [each.backend.name for each in outcome.order]


def test_the_best_backend_is_first_and_the_plan_is_as_long_as_the_attempts() -> None:
    picture = fleet(*(backend(name, priority=n) for n, name in enumerate(("d", "c", "b", "a"))))
    outcome = decide(needs(), picture, {}, Policy(max_attempts=3))

    assert names(outcome) == ["d", "c", "b"]
    assert isinstance(outcome, Decision)
    assert outcome.why == "highest_score:d:100"
    assert outcome.reason is RouteReason.CAPABILITY_MATCH
    assert (outcome.requested, outcome.model, outcome.fallback) == (MODEL, MODEL, False)


def test_one_candidate_is_the_only_healthy_backend() -> None:
    picture = fleet(backend("a"), backend("b", status=DOWN))
    outcome = decide(needs(), picture, {}, Policy(Strategy.RANDOM))

    assert names(outcome) == ["a"]
    assert isinstance(outcome, Decision)
    assert outcome.why == "only_healthy_backend"


def test_no_attempts_still_means_one() -> None:
    assert names(decide(needs(), fleet(backend("a")), {}, Policy(max_attempts=0))) == ["a"]


def test_strategies_decide_with_the_turn() -> None:
    picture = fleet(backend("a"), backend("b"))
    policy = Policy(Strategy.ROUND_ROBIN)

    turns = [names(decide(needs(), picture, {}, policy, turn=turn))[0] for turn in range(3)]
    assert turns == ["a", "b", "a"]


def test_an_alias_leads_to_the_real_model() -> None:
    picture = fleet(backend("a"))
    outcome = decide(needs("gpt-4"), picture, {}, Policy(aliases={"gpt-4": MODEL}))

    assert isinstance(outcome, Decision)
    assert (outcome.requested, outcome.model) == ("gpt-4", MODEL)


def test_capability_comes_before_score() -> None:
    blind = backend("blind", model(vision=False), priority=0)
    sees = backend("sees", model(vision=True), priority=90)

    assert names(decide(needs(vision=True), fleet(blind, sees), {}, Policy())) == ["sees"]
    assert names(decide(needs(), fleet(blind, sees), {}, Policy())) == ["blind", "sees"]


def test_an_embedding_model_does_not_chat() -> None:
    picture = fleet(
        backend("e", model(chat=False, embeddings=True)), backend("c", model(embeddings=False))
    )

    assert names(decide(needs(), picture, {}, Policy())) == ["c"]
    assert names(decide(needs(endpoint=Endpoint.EMBEDDINGS), picture, {}, Policy())) == ["e"]


def test_a_fallback_serves_when_the_model_cannot() -> None:
    picture = fleet(
        backend("a", status=DOWN), backend("b", model("qwen")), backend("c", model("phi"))
    )
    policy = Policy(aliases={"gpt-4": MODEL}, fallbacks={MODEL: ("gone", "qwen", "phi")})
    outcome = decide(needs("gpt-4"), picture, {}, policy)

    assert names(outcome) == ["b"]
    assert isinstance(outcome, Decision)
    assert (outcome.model, outcome.fallback, outcome.reason) == ("qwen", True, RouteReason.FAILOVER)
    assert outcome.why == "fallback:qwen:only_healthy_backend"


def test_a_fallback_must_be_capable_too() -> None:
    picture = fleet(backend("a", status=DOWN), backend("b", model("qwen", tools=False)))
    policy = Policy(fallbacks={MODEL: ("qwen",)})

    outcome = decide(needs(tools=True), picture, {}, policy)

    assert isinstance(outcome, Refusal)
    assert outcome.tried == (MODEL, "qwen")
    assert [each.rejection.rule for each in outcome.verdicts if each.rejection] == [
        "health",
        "capability",
    ]


def test_work_that_skips_a_saturated_better_backend_is_overflow() -> None:
    picture = fleet(backend("best", priority=1, max_concurrent=2), backend("other", priority=50))
    outcome = decide(needs(), picture, loads(best=2), Policy())

    assert names(outcome) == ["other"]
    assert isinstance(outcome, Decision)
    assert outcome.reason is RouteReason.CAPACITY_OVERFLOW


def test_a_busy_backend_does_not_look_worse_for_being_busy() -> None:
    """At its limit its score is below the other's, which is not why the other was taken."""
    picture = fleet(backend("best", priority=1, max_concurrent=90), backend("other", priority=50))
    outcome = decide(needs(), picture, loads(best=90), Policy())

    assert isinstance(outcome, Decision)
    assert outcome.reason is RouteReason.CAPACITY_OVERFLOW


def test_work_that_skips_a_saturated_worse_backend_is_a_match() -> None:
    picture = fleet(backend("best", priority=1), backend("other", priority=50, max_concurrent=1))
    outcome = decide(needs(), picture, loads(other=1), Policy())

    assert isinstance(outcome, Decision)
    assert outcome.reason is RouteReason.CAPABILITY_MATCH


def test_overflow_by_priority_only_compares_priorities() -> None:
    picture = fleet(backend("best", priority=1, max_concurrent=1), backend("other", priority=2))
    policy = Policy(Strategy.PRIORITY_ONLY)
    outcome = decide(needs(), picture, loads(best=1), policy)

    assert isinstance(outcome, Decision)
    assert outcome.reason is RouteReason.CAPACITY_OVERFLOW


def test_a_backend_that_lists_a_model_twice_is_tried_once() -> None:
    picture = fleet(backend("a", model(), model()), backend("b", priority=90))

    assert names(decide(needs(), picture, {}, Policy())) == ["a", "b"]


def test_an_unknown_model_is_refused_as_unknown() -> None:
    outcome = decide(needs("nope"), fleet(backend("a")), {}, Policy())

    assert outcome == Refusal("nope", "nope", known=False, tried=("nope",))


def test_a_model_is_known_when_one_of_its_fallbacks_is() -> None:
    policy = Policy(fallbacks={"nope": (MODEL,)})
    outcome = decide(needs("nope"), fleet(backend("a", status=DOWN)), {}, policy)

    assert isinstance(outcome, Refusal)
    assert outcome.known


def test_an_empty_fleet_refuses() -> None:
    assert isinstance(decide(needs(), Fleet(), {}, Policy()), Refusal)


def test_a_refusal_carries_a_verdict_for_every_candidate() -> None:
    picture = fleet(
        backend("down", status=DOWN),
        backend("blind", model(vision=False)),
        backend("short", model(context_length=10)),
        backend("full", max_concurrent=1),
    )
    outcome = decide(needs(vision=True, prompt_tokens=100), picture, loads(full=1), Policy())

    assert isinstance(outcome, Refusal)
    assert outcome.known
    assert [each.rejection.rule for each in outcome.verdicts if each.rejection] == [
        "health",
        "capability",
        "context",
        "capacity",
    ]


def test_explain_shows_the_plan_first_then_the_rest_then_the_rejected() -> None:
    picture = fleet(
        backend("down", status=DOWN),
        backend("c"),
        backend("b", priority=10),
        backend("a", priority=1),
    )
    policy = Policy(max_attempts=1)
    verdicts = explain(needs(), picture, {}, policy)

    assert [each.candidate.backend.name for each in verdicts] == ["a", "b", "c", "down"]
    assert [each.score for each in verdicts] == [99, 95, 75, None]
    assert [each.rejection is None for each in verdicts] == [True, True, True, False]


def test_explain_of_a_fallback_says_why_the_model_itself_was_not_used() -> None:
    picture = fleet(
        backend("a", status=DOWN), backend("b", model("qwen")), backend("c", model("phi"))
    )
    verdicts = explain(needs(), picture, {}, Policy(fallbacks={MODEL: ("qwen", "phi")}))

    assert [each.candidate.backend.name for each in verdicts] == ["b", "a"]


def test_explain_of_a_refusal_is_its_verdicts() -> None:
    picture = fleet(backend("a", status=DOWN))
    outcome = decide(needs(), picture, {}, Policy())

    assert isinstance(outcome, Refusal)
    assert explain(needs(), picture, {}, Policy()) == outcome.verdicts
