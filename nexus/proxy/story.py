"""What becomes of one request, from its arrival to the event that tells of its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nexus.domain.backend import BackendFace, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRouted
from nexus.domain.request import Needs

_FAILOVER: Final = RouteReason.FAILOVER


@dataclass(slots=True)
class Story:
    """Mutable while the request lives; its one writer is the carrier.

    Times are loop seconds.
    """

    request_id: str
    began: float
    needs: Needs
    decision: Decision
    now: Callable[[], float]
    """Loop seconds."""
    face: BackendFace | None = None
    """The backend of the current attempt."""
    zone: Zone | None = None
    """Where that attempt's prompt goes, where the model is further out than its backend."""
    model_id: str = ""
    """The model of that attempt, as its backend names it."""
    status: int = 0
    error: str = ""
    first_byte: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    tokens_per_s: float | None = None
    tried: tuple[str, ...] = ()
    """Names of backends that failed before the current one."""
    failures: tuple[AttemptFailed, ...] = ()
    """Every attempt that brought no answer, in order."""

    def attempt_failed(self, at: float, why: str) -> None:
        """The current attempt brought no answer. `at` is in loop seconds."""
        name = "" if self.face is None else self.face.name
        failed = AttemptFailed(name, (at - self.began) * 1000, why)
        self.failures = (*self.failures, failed)

    @property
    def reason(self) -> RouteReason:
        """Failover as soon as a first choice failed, else what the decision said."""
        return _FAILOVER if self.tried else self.decision.reason

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from arrival to the first byte of the answer's body."""
        return None if self.first_byte is None else (self.first_byte - self.began) * 1000

    def speed(self, ended: float) -> float | None:
        """Tokens a second: the server's own figure, else tokens over the time they took."""
        if self.tokens_per_s is not None:
            return self.tokens_per_s
        first, tokens = self.first_byte, self.completion_tokens
        if first is None or not tokens:
            return None
        elapsed = ended - (first if self.needs.stream else self.began)
        return tokens / elapsed if elapsed > 0.001 else None

    def routed(self, at: float) -> RequestRouted:
        """The opening event. `at` is in Unix seconds."""
        decision = self.decision
        face = self.face or decision.order[0].backend.face
        return RequestRouted(
            self.request_id,
            at,
            decision.requested,
            decision.model,
            face.id,
            face.name,
            decision.reason,
            decision.why,
            self.needs.stream,
        )

    def finished(self, at: float, ended: float) -> RequestFinished:
        """The closing event.

        Args:
            at: Unix seconds.
            ended: loop seconds.
        """
        decision, tried = self.decision, self.tried
        face = self.face or decision.order[0].backend.face
        # In the order of its fields, and without properties: names and calls cost a microsecond.
        return RequestFinished(
            self.request_id,
            at,
            decision.requested,
            decision.model,
            face.id,
            face.name,
            face.type,
            _FAILOVER if tried else decision.reason,
            decision.why,
            self.needs.stream,
            self.status,
            self.error,
            None if self.first_byte is None else (self.first_byte - self.began) * 1000,
            (ended - self.began) * 1000,
            self.prompt_tokens,
            self.completion_tokens,
            self.speed(ended),
            len(tried) + 1,
            tried,
            self.failures,
        )
