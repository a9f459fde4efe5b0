"""Whatever is typed into the filter of requests: it is understood or told, and never breaks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import Zone
from nexus.domain.history import Wanted
from tui.render.asked import Request
from tui.render.query import FIELDS, NUMBERS, parse

VALUES = st.sampled_from(
    ["llama", "gpu", "ok", "err", "4xx", "503", "open", "yes", "no", "fallback", "running", "x*"]
)
TERMS = st.one_of(
    st.sampled_from(["llama", "gpu-01", "req", '"best score"', "qwen3:32b"]),
    st.builds("{}:{}".format, st.sampled_from(sorted(FIELDS)), VALUES),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", *sorted(NUMBERS)]),
        st.sampled_from(["<", ">", "<=", ">="]),
        st.sampled_from(["2s", "500ms", "1m", "100", "8k"]),
    ),
)
NAMES = st.sampled_from(["llama3.3:70b", "qwen3:32b", "gpu-01", "gpu-02", "", "x\x1b[2J"])
NUMBERS_OR_NOT = st.one_of(st.none(), st.floats(0, 1e6))
REQUESTS = st.builds(
    Request,
    id=st.text(max_size=8),
    at=st.floats(0, 2e9),
    asked=NAMES,
    used=NAMES,
    backend=NAMES,
    status=st.sampled_from([None, 200, 404, 429, 499, 503]),
    error=st.text(max_size=8),
    why=st.sampled_from(["", "fallback:llama3.3:70b:only_healthy_backend", "x"]),
    failed=st.booleans(),
    refused=st.booleans(),
    stream=st.sampled_from([None, True, False]),
    zone=st.sampled_from([None, *Zone]),
    ttft_ms=NUMBERS_OR_NOT,
    duration_ms=NUMBERS_OR_NOT,
    tokens_per_s=NUMBERS_OR_NOT,
)


@given(st.text(max_size=80), REQUESTS)
def test_no_text_breaks_the_filter(text: str, request: Request) -> None:
    query = parse(text)
    assert isinstance(query.matches(request), bool)
    assert isinstance(query.wanted(), Wanted)


@given(TERMS, REQUESTS)
def test_a_mark_before_a_term_turns_it_round(term: str, request: Request) -> None:
    plain, turned, twice = parse(term), parse(f"!{term}"), parse(f"!!{term}")
    if plain.terms and turned.terms:
        assert plain.matches(request) is not turned.matches(request)
        assert plain.matches(request) is twice.matches(request)
        assert turned.wanted() == Wanted()  # the store is never asked for what is hidden


@given(st.lists(TERMS, max_size=4), REQUESTS)
def test_every_term_must_hold(terms: list[str], request: Request) -> None:
    together = parse(" ".join(terms)).matches(request)
    assert together is all(parse(term).matches(request) for term in terms)


@given(st.text(max_size=40))
def test_what_is_left_out_is_told(text: str) -> None:
    query = parse(text)
    if text.strip().strip("!") and not query.terms:
        assert query.hints
