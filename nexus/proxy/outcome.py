"""What is left of attempts that brought no good answer, and what the client is told of them."""

from __future__ import annotations

from nexus.domain.backend import BackendFace, Zone
from nexus.errors import ConnectTimeout, NexusError, NoBackend, NoConnection, UpstreamError
from nexus.proxy import headers
from nexus.proxy.story import Story


class ErrorAnswer:
    """A whole error answer, kept while a better one is looked for."""

    __slots__ = ("body", "face", "final", "lines", "status", "zone")

    def __init__(
        self,
        face: BackendFace,
        zone: Zone | None,
        status: int,
        lines: bytes,
        body: bytes,
        final: bool = False,
    ) -> None:
        self.final = final
        """True where no other backend is known to do better."""
        self.face = face
        self.zone = zone
        self.status = status
        self.lines = lines
        self.body = body

    @property
    def use(self) -> int:
        """How much it tells a client: its own fault first, our key last."""
        if self.final:
            return 3
        return {429: 2, 401: 0}.get(self.status, 1)


def may_move(error: UpstreamError, face: BackendFace) -> bool:
    """Whether another backend may be tried after this failure.

    A paid backend that was reached may have done the work: only a connection that never came about
    is safe to repeat.
    """
    if not face.type.is_cloud:
        return True
    return isinstance(error, NoConnection | ConnectTimeout)


def told(failure: NexusError | None, story: Story) -> NexusError:
    """The error for the client, with everything that was tried."""
    names = [*story.tried, *([story.face.name] if story.face else [])]
    if failure is None:
        return NoBackend(
            f"Every backend of '{story.decision.model}' left while the request was on its way",
            retry_after_s=1,
        )
    message = failure.message
    if len(names) > 1:
        message += f" (tried {', '.join(names)})"
    error = type(failure)(
        message,
        context={"tried": names},
        retry_after_s=failure.retry_after_s,
        should_retry=failure.should_retry,
    )
    error.quoted, error.status = failure.quoted, failure.status
    if story.face is not None:
        error.lines = headers.route_lines(story.face, story.reason, "", story.zone)
        error.lines += headers.line("X-Nexus-Tried", ", ".join(names)[:256])
    return error
