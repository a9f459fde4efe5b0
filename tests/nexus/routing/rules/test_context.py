import pytest

from nexus.domain.backend import BackendType, Load
from nexus.domain.policy import Policy
from nexus.routing.rules import context
from tests.fakes.fleets import backend, candidate, needs


@pytest.mark.parametrize(
    ("length", "prompt", "fits"),
    [(4096, 4096, True), (4096, 4097, False), (None, 10**9, True), (0, 0, True)],
)
def test_a_prompt_fits_up_to_and_including_the_context(
    length: int | None, prompt: int, fits: bool
) -> None:
    each = candidate(context_length=length)
    kept = context.keep([each], needs(prompt_tokens=prompt), {}, Policy())

    assert (kept == [each]) is fits


def test_the_rejection_says_both_numbers() -> None:
    rejection = context.rejection(
        candidate(context_length=100), needs(prompt_tokens=500), Load(), Policy()
    )

    assert rejection is not None
    assert rejection.detail == ("the prompt has about 500 tokens, llama3:70b on gpu-01 has 100")


@pytest.mark.parametrize(
    ("type", "fits"), [(BackendType.VLLM, False), (BackendType.LLAMACPP, True)]
)
def test_a_generous_limit_counts_only_where_the_server_refuses_it(
    type: BackendType, fits: bool
) -> None:
    each = candidate(backend(type=type), context_length=512)
    asked = needs(prompt_tokens=10, max_tokens=100_000)

    assert (context.keep([each], asked, {}, Policy()) == [each]) is fits
    assert (context.rejection(each, asked, Load(), Policy()) is None) is fits


def test_prompt_and_limit_are_not_added() -> None:
    """A server cuts the answer where its context ends; the estimate is too rough to add to."""
    each = candidate(context_length=512)

    assert context.keep([each], needs(prompt_tokens=400, max_tokens=512), {}, Policy()) == [each]
