"""Asks a simulated dialect without a socket, and tells what it would send."""

from __future__ import annotations

from nexus.domain.backend import BackendType, Model
from nexus.simulator.dialects.base import Moved, Situation, Timing, Work
from nexus.simulator.dialects.table import DIALECTS
from nexus.simulator.spec import SimSpec
from nexus.simulator.wire import Reply, Request

TINY = Model("tiny", 512, vision=False, tools=True, embeddings=False, chat=True)


def situation(
    type: BackendType, *models: Model, key: str | None = None, loading: bool = False, busy: int = 0
) -> Situation:
    spec = SimSpec("here", type, models or (TINY,), slots=2, api_key=key)
    loaded = frozenset(model.id for model in spec.models if model.loaded is not False)
    return Situation(spec, 1_795_000_000, turn=1, loading=loading, busy=busy, loaded=loaded)


def ask(now: Situation, request: Request) -> Reply | str:
    """The reply, or the whole text of the stream."""
    answer = DIALECTS[now.spec.type].answer(request, now)
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, Moved):
        return answer.reply
    timing = Timing(12.0, 34.0)
    return spoken(answer, timing) if answer.stream else answer.voice.whole(timing)


def spoken(work: Work, timing: Timing) -> str:
    """Everything that a streamed answer sends."""
    steps = work.answer.steps
    parts = [work.voice.opening()]
    parts += [work.voice.step(step, i == len(steps) - 1) for i, step in enumerate(steps)]
    return b"".join((*parts, work.voice.closing(timing))).decode()
