"""A model that is known not to do what the request asks cannot serve it. Unknown may try."""

from __future__ import annotations

from collections.abc import Sequence

from nexus.domain.backend import Model
from nexus.domain.decision import Rejection
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs

RULE = "capability"


def keep(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """Those without a known lack. Each capability is looked at only when it is asked for."""
    if needs.endpoint is Endpoint.EMBEDDINGS:
        candidates = [each for each in candidates if each.model.embeddings is not False]
    else:
        candidates = [each for each in candidates if each.model.chat is not False]
    if needs.vision:
        candidates = [each for each in candidates if each.model.vision is not False]
    if needs.audio:
        candidates = [each for each in candidates if each.model.audio is not False]
    if needs.tools:
        candidates = [each for each in candidates if each.model.tools is not False]
    if needs.json_mode:
        candidates = [each for each in candidates if each.model.json_mode is not False]
    return candidates


def rejection(
    candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
) -> Rejection | None:
    """Names every capability that is missing, not the first one only."""
    lacks = missing(candidate.model, needs)
    if not lacks:
        return None
    return Rejection(
        RULE,
        f"{candidate.model.id} on {candidate.backend.name} lacks {', '.join(lacks)}",
        "use a model with this capability",
    )


def asked(needs: Needs) -> tuple[str, ...]:
    """The capabilities a request needs, by the name of the model's field."""
    kind = "embeddings" if needs.endpoint is Endpoint.EMBEDDINGS else "chat"
    wanted = (
        (kind, True),
        ("vision", needs.vision),
        ("audio", needs.audio),
        ("tools", needs.tools),
        ("json_mode", needs.json_mode),
    )
    return tuple(name for name, is_asked in wanted if is_asked)


def of(model: Model, name: str) -> bool | None:
    """A capability of a model by its name."""
    known: dict[str, bool | None] = {
        "chat": model.chat,
        "embeddings": model.embeddings,
        "vision": model.vision,
        "audio": model.audio,
        "tools": model.tools,
        "json_mode": model.json_mode,
    }
    return known[name]


def missing(model: Model, needs: Needs) -> tuple[str, ...]:
    """What is asked and known to be absent."""
    return tuple(name for name in asked(needs) if of(model, name) is False)
