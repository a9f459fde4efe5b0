"""What an error answer teaches about the model that gave it, and who could do better. Pure.

Only what the request asked for is learnt, so that no text inside a request can take a model's
abilities away: an error about images teaches nothing where no image was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexus.backends.error_kinds import ErrorKind, ErrorReading
from nexus.domain.backend import BackendType
from nexus.domain.fleet import Candidate
from nexus.domain.request import Endpoint, Needs
from nexus.routing.rules import capability

_BYTES_PER_TOKEN = 4
"""Prompts are estimated at this; in the worst case every byte is a token."""


def lesson(error: ErrorReading, needs: Needs, type: BackendType) -> Mapping[str, object]:
    """Facts to believe from now on, by the field of `Model`; empty where there are none."""
    if error.kind is ErrorKind.CAPABILITY and error.capability in capability.asked(needs):
        return {error.capability: False}
    if (
        error.kind is ErrorKind.PATH_ABSENT
        and type is BackendType.VLLM
        and needs.endpoint is Endpoint.EMBEDDINGS
    ):
        return {"embeddings": False}  # its paths follow from its model; others' do not
    if error.kind is ErrorKind.CONTEXT and error.limit is not None:
        longest = max(needs.prompt_tokens * _BYTES_PER_TOKEN, needs.max_tokens or 0)
        return {"context_length": error.limit} if error.limit <= longest else {}
    return {}


def may_be_bettered(error: ErrorReading, others: Sequence[Candidate]) -> bool:
    """Whether one of `others` is known to do what the request's own fault kept this one from."""
    if error.kind is ErrorKind.CAPABILITY:
        return any(capability.of(other.model, error.capability) for other in others)
    if error.kind is ErrorKind.CONTEXT and error.limit is not None:
        return any((other.model.context_length or 0) > error.limit for other in others)
    return False
