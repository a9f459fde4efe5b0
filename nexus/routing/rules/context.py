"""The prompt must fit the model's context, as far as both are known.

The prompt's size is an estimate, and one that exactly fills the context still fits. What the client
allows for the answer counts only where the server would refuse it: llama.cpp and Ollama simply stop
at the end of their context, and clients send generous limits to models they know nothing about.
"""

from __future__ import annotations

from collections.abc import Sequence

from nexus.domain.backend import BackendType
from nexus.domain.decision import Rejection
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Needs

RULE = "context"

REFUSES_LONG_ANSWERS = frozenset({BackendType.VLLM})
"""Servers that answer 400 to a `max_tokens` above their context instead of cutting it."""


def keep(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """Those whose context is unknown, or long enough."""
    prompt, answer = needs.prompt_tokens, needs.max_tokens
    if answer is None or answer <= prompt:
        return [
            each
            for each in candidates
            if (length := each.model.context_length) is None or prompt <= length
        ]
    return [
        each
        for each in candidates
        if (length := each.model.context_length) is None
        or answer <= length
        or (prompt <= length and each.backend.face.type not in REFUSES_LONG_ANSWERS)
    ]


def rejection(
    candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
) -> Rejection | None:
    """Says both numbers."""
    return exceeded(candidate, needs)


def exceeded(candidate: Candidate, needs: Needs) -> Rejection | None:
    """The same, of the facts alone."""
    length = candidate.model.context_length
    if length is None:
        return None
    where = f"{candidate.model.id} on {candidate.backend.name} has {length}"
    if needs.prompt_tokens > length:
        return Rejection(
            RULE,
            f"the prompt has about {needs.prompt_tokens} tokens, {where}",
            "shorten the prompt, or use a model with a longer context",
        )
    if (
        needs.max_tokens is not None
        and needs.max_tokens > length
        and candidate.backend.face.type in REFUSES_LONG_ANSWERS
    ):
        return Rejection(
            RULE,
            f"max_tokens is {needs.max_tokens}, {where}",
            "lower max_tokens",
        )
    return None
