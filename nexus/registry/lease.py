"""A place on a backend: counted in when taken, counted out exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec

from nexus.domain.backend import BackendId
from nexus.registry.record import LiveLoad


class Lease(msgspec.Struct, eq=False):
    """Held while a request is in flight. `finish` is idempotent: whoever comes first counts.

    Args:
        load: of the backend.
        changed: told of it, in and out.
    """

    trial: ClassVar[bool] = False
    """True where the request shows whether a backend in doubt works."""

    backend_id: BackendId
    load: LiveLoad
    changed: Callable[[BackendId, LiveLoad], None]
    done: bool = False
    """True once the place has been given back."""

    def __post_init__(self) -> None:
        load = self.load
        load.pending += 1
        self.changed(self.backend_id, load)

    def finish(
        self,
        *,
        failed: bool = False,
        ttft_ms: float | None = None,
        tokens_per_s: float | None = None,
        model: str = "",
        streamed: bool = True,
    ) -> None:
        """Give the place back.

        Args:
            failed: the backend is to blame (a client that left is not a failure).
            ttft_ms: milliseconds to the first byte of the answer, where one came.
            tokens_per_s: generation speed of this request, where known.
            model: the one that answered or failed, by its id on the backend; else empty.
            streamed: the answer came as it was made, so that its first byte tells of the model.
        """
        if self.done:
            return
        self.done = True
        load = self.load
        load.pending -= 1
        load.total += 1
        if failed:
            load.errors += 1
        load.measured(model, ttft_ms, tokens_per_s, streamed, failed)
        self.changed(self.backend_id, load)


class Trial(Lease, kw_only=True, eq=False):
    """A place on a backend in doubt. `over` is told when it is given back."""

    trial: ClassVar[bool] = True

    over: Callable[[], None]

    def finish(
        self,
        *,
        failed: bool = False,
        ttft_ms: float | None = None,
        tokens_per_s: float | None = None,
        model: str = "",
        streamed: bool = True,
    ) -> None:
        """Give the place back, and with it the right to a trial."""
        if not self.done:
            super().finish(
                failed=failed,
                ttft_ms=ttft_ms,
                tokens_per_s=tokens_per_s,
                model=model,
                streamed=streamed,
            )
            self.over()
