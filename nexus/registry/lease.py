"""A place on a backend: counted in when taken, counted out exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from nexus.domain.backend import BackendId
from nexus.registry.record import LiveLoad


class Lease:
    """Held while a request is in flight. `finish` is idempotent: whoever comes first counts."""

    __slots__ = ("_changed", "_done", "_load", "backend_id")

    trial: ClassVar[bool] = False
    """True where the request shows whether a backend in doubt works."""

    def __init__(
        self, backend_id: BackendId, load: LiveLoad, changed: Callable[[BackendId, LiveLoad], None]
    ) -> None:
        self.backend_id = backend_id
        self._load = load
        self._changed = changed
        self._done = False
        load.pending += 1
        changed(backend_id, load)

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
        if self._done:
            return
        self._done = True
        load = self._load
        load.pending -= 1
        load.total += 1
        if failed:
            load.errors += 1
        load.measured(model, ttft_ms, tokens_per_s, streamed, failed)
        self._changed(self.backend_id, load)


class Trial(Lease):
    """A place on a backend in doubt. `over` is told when it is given back."""

    __slots__ = ("_over",)

    trial: ClassVar[bool] = True

    def __init__(
        self,
        backend_id: BackendId,
        load: LiveLoad,
        changed: Callable[[BackendId, LiveLoad], None],
        over: Callable[[], None],
    ) -> None:
        super().__init__(backend_id, load, changed)
        self._over = over

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
        if not self._done:
            super().finish(
                failed=failed,
                ttft_ms=ttft_ms,
                tokens_per_s=tokens_per_s,
                model=model,
                streamed=streamed,
            )
            self._over()
