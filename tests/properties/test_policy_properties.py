"""What the operator was promised holds for every fleet, policy and request."""

from dataclasses import replace
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.domain.backend import Backend, BackendStatus, BackendType, Model, Zone
from nexus.domain.conditions import Conditions
from nexus.domain.decision import Decision, Refusal
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy, Strategy
from nexus.domain.request import Endpoint, Needs
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.routing.refusal import error
from nexus.routing.router import decide, explain
from nexus.routing.rules import BINDING
from tests.fakes.fleets import backend, fleet
from tests.fakes.promises import broken

NAMES = ["m", "n", "m:latest"]
TENANTS = ["anonymous", "acme"]
HEADERS = [(), (("x-team", "a*"),)]
CONDITIONS = [
    Conditions(tenants=("acme",)),
    Conditions(endpoints=(Endpoint.EMBEDDINGS,)),
    Conditions(headers=(("x-team", "a*"),)),
    Conditions(("a*",), (Endpoint.CHAT,), (("x-team", "a*"),)),
]
models = st.builds(Model, id=st.sampled_from(NAMES), zone=st.sampled_from([None, None, Zone.OPEN]))


@st.composite
def backends(draw: st.DrawFn, name: str) -> Backend:
    return backend(
        name,
        *draw(st.lists(models, min_size=1, max_size=3, unique_by=lambda model: model.id)),
        status=draw(st.sampled_from([BackendStatus.HEALTHY] * 3 + [BackendStatus.UNHEALTHY])),
        zone=draw(st.sampled_from(Zone)),
        tier=draw(st.integers(1, 5)),
        type=draw(st.sampled_from([BackendType.VLLM, BackendType.OLLAMA])),
    )


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    return fleet(*(draw(backends(f"b{number}")) for number in range(draw(st.integers(1, 5)))))


rules = st.builds(
    TrafficPolicy,
    pattern=st.sampled_from(["m", "m*", "n", "*", "alias", "?", "[!m]", "*:latest"]),
    privacy=st.sampled_from([None, *Privacy]),
    min_tier=st.sampled_from([None, None, 2, 4]),
    fallback_allowed=st.booleans(),
    when=st.sampled_from([Conditions()] * 3 + CONDITIONS),
)
policies = st.builds(
    Policy,
    strategy=st.sampled_from(Strategy),
    aliases=st.sampled_from([{}, {"alias": "m"}, {"alias": "other", "other": "n"}]),
    fallbacks=st.sampled_from([{}, {"m": ("n",), "n": ("m:latest",)}]),
    traffic=st.builds(Traffic, st.lists(rules, max_size=3)),
    privacy=st.sampled_from([None, None, *Privacy]),
)
some_needs = st.builds(
    Needs,
    endpoint=st.sampled_from([Endpoint.CHAT, Endpoint.CHAT, Endpoint.EMBEDDINGS]),
    model=st.sampled_from([*NAMES, "alias"]),
    tenant=st.sampled_from(TENANTS),
    headers=st.sampled_from(HEADERS),
    zone=st.sampled_from([None, None, Zone.RESTRICTED]),
    strict=st.booleans(),
    affinity=st.sampled_from(["", "chat-1"]),
)


@settings(max_examples=300)
@given(some_needs, fleets(), policies, st.integers(0, 50))
def test_no_plan_leaves_the_zone_or_the_tier_that_it_is_bound_to(
    needs: Needs, picture: Fleet, policy: Policy, turn: int
) -> None:
    outcome = decide(needs, picture, {}, policy, turn=turn)

    if isinstance(outcome, Decision):
        assert broken(needs, picture, policy, outcome) == ""


@settings(max_examples=300)
@given(some_needs, st.lists(some_needs, max_size=2), fleets(), policies)
def test_what_was_decided_of_one_request_binds_no_other(
    needs: Needs, others: list[Needs], picture: Fleet, policy: Policy
) -> None:
    said = (replace(needs, tenant=t, headers=h) for t in TENANTS for h in HEADERS)
    for asked in (needs, *others, *said, replace(needs, strict=not needs.strict)):
        afresh = fleet(*picture.backends.values())
        assert decide(asked, picture, {}, policy) == decide(asked, afresh, {}, policy)


@given(some_needs, fleets(), policies)
def test_the_order_of_the_binding_rules_changes_nothing(
    needs: Needs, picture: Fleet, policy: Policy
) -> None:
    bound = replace(needs, zone=Zone.RESTRICTED, min_tier=3)
    for candidates in picture.by_model.values():
        outcomes: set[tuple[int, ...]] = set()
        for order in permutations(BINDING):
            kept = candidates
            for rule in order:
                kept = rule.keep(kept, bound, {}, policy)
            outcomes.add(tuple(map(id, kept)))
        assert len(outcomes) == 1


@given(some_needs, fleets(), policies, st.integers(0, 50))
def test_a_header_only_takes_backends_away(
    needs: Needs, picture: Fleet, policy: Policy, turn: int
) -> None:
    loose = replace(needs, zone=None, strict=False, affinity="")
    tight = replace(needs, zone=Zone.RESTRICTED)
    plain = decide(loose, picture, {}, replace(policy, max_attempts=9), turn=turn)
    bound = decide(tight, picture, {}, replace(policy, max_attempts=9), turn=turn)

    if isinstance(bound, Decision) and isinstance(plain, Decision) and plain.model == bound.model:
        assert {each.backend.id for each in bound.order} <= {e.backend.id for e in plain.order}
    if isinstance(plain, Refusal):
        assert isinstance(bound, Refusal)


@given(some_needs, fleets(), policies)
def test_a_refusal_says_which_promise_kept_backends_out(
    needs: Needs, picture: Fleet, policy: Policy
) -> None:
    outcome = decide(needs, picture, {}, policy)
    if isinstance(outcome, Decision):
        chosen = {each.candidate.backend.id for each in explain(needs, picture, {}, policy)}
        assert {each.backend.id for each in outcome.order} <= chosen
        return
    ruled = {each.rejection.rule for each in outcome.verdicts if each.rejection}
    assert ("privacy" in ruled) is (outcome.zone_required is not None)
    assert ("tier" in ruled) is (outcome.required_tier is not None)
    context = error(outcome, needs, picture).context or {}
    assert ("privacy_zone_required" in context) is ("privacy" in ruled)
    assert ("required_tier" in context) is ("tier" in ruled)
