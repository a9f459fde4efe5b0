"""Requests that are taken for the same are decided alike."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendType
from nexus.domain.conditions import Conditions
from nexus.domain.policy import Policy
from nexus.domain.traffic import Traffic, TrafficPolicy
from nexus.explain.sameness import Sameness
from nexus.explain.worlds import outcome, wide
from tests.fakes.fleets import backend, fleet, model, needs

lengths = st.sampled_from([None, 100, 200, 300])
capable = st.sampled_from([None, True, False])


@given(
    st.lists(
        st.tuples(
            lengths, capable, capable, st.sampled_from([BackendType.VLLM, BackendType.OLLAMA])
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 400),
    st.sampled_from([None, 1, 99, 100, 101, 250, 999]),
    st.booleans(),
    st.booleans(),
)
def test_what_is_left_out_makes_no_difference(
    facts: list[tuple[Any, Any, Any, BackendType]],
    prompt: int,
    limit: int | None,
    tools: bool,
    vision: bool,
) -> None:
    here = fleet(
        *(
            backend(f"b{n}", model("m", context_length=length, tools=t, vision=v), type=type)
            for n, (length, t, v, type) in enumerate(facts)
        )
    )
    policy = wide(Policy())
    same = Sameness([here], [policy])
    asked = needs("m", prompt_tokens=prompt, max_tokens=limit, tools=tools, vision=vision)
    stands_for = replace(
        same.plain(asked),
        model="m",
        prompt_tokens=same.size(prompt),
        max_tokens=None if limit is None else same.size(limit),
    )

    one, other = (outcome(each, here, policy) for each in (asked, stands_for))
    assert one.able == other.able
    assert (one.refusal is None) is (other.refusal is None)


def test_tenants_and_headers_count_where_a_policy_names_them() -> None:
    header = ("x-team", "a*")
    asked = needs("m", headers=(header,), tenant="acme", stream=True)
    rule = TrafficPolicy("*", min_tier=2, when=Conditions(("acme",), (), (header,)))
    named = Sameness([], [Policy(), Policy(traffic=Traffic([rule]))])

    assert (named.by_tenant, named.plain(asked).headers) == (True, (header,))
    plain = Sameness([], [Policy()])
    assert (plain.by_tenant, plain.plain(asked)) == (False, plain.plain(needs("n")))
