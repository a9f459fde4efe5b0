"""What becomes of one request, from its arrival to the event that tells of its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from nexus.domain.backend import BackendFace, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRouted
from nexus.domain.request import Needs


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
    tried: list[str] = field(default_factory=list[str])
    """Names of backends that failed before the current one."""
    failures: list[AttemptFailed] = field(default_factory=list[AttemptFailed])
    """Every attempt that brought no answer, in order."""

    def attempt_failed(self, at: float, why: str) -> None:
        """The current attempt brought no answer. `at` is in loop seconds."""
        name = "" if self.face is None else self.face.name
        self.failures.append(AttemptFailed(name, (at - self.began) * 1000, why))

    @property
    def reason(self) -> RouteReason:
        """Failover as soon as a first choice failed, else what the decision said."""
        return RouteReason.FAILOVER if self.tried else self.decision.reason

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
        # In the order of its fields: names would cost a microsecond at each request.
        return RequestFinished(
            self.request_id,
            at,
            decision.requested,
            decision.model,
            face.id,
            face.name,
            face.type,
            self.reason,
            decision.why,
            self.needs.stream,
            self.status,
            self.error,
            self.ttft_ms,
            (ended - self.began) * 1000,
            self.prompt_tokens,
            self.completion_tokens,
            self.speed(ended),
            len(tried) + 1,
            tuple(tried),
            tuple(self.failures),
        )
