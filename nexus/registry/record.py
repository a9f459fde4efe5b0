"""The mutable half of a backend. Each field has one writer, and readers see what is derived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendStatus,
    Evidence,
    Load,
    Model,
    Speed,
)
from nexus.registry.window import BUCKET_S, Window

ALPHA = 0.2
"""Weight of a new sample in the moving averages (contract 1.2)."""

MOST_SPEEDS = 32
"""Models of one backend whose speed is remembered; those measured last."""


MOST_QUIET = 60
"""Minutes without a request that are counted: what was measured before counts for nothing then."""


def _timeless() -> float:
    return 0.0


@dataclass(slots=True)
class LiveLoad:
    """A backend's traffic, counted by its leases. Others get it as a value, made anew by each."""

    now: Callable[[], float] = _timeless
    """Unix seconds."""
    pending: int = 0
    total: int = 0
    errors: int = 0
    latency_ms: float | None = None
    tokens_per_s: float | None = None
    speeds: dict[str, Speed] | None = None
    """Never changed but replaced: the values that have been seen hold it too."""
    left: bool = False
    """True once its backend has left the registry."""
    quiet_min: int = 0
    _windows: dict[str, Window] = field(default_factory=dict[str, Window])
    """Of the same models as `speeds`."""
    _answered_at: float = 0.0
    _aged: int = 0
    """The bucket of time in which the value was last let grow older."""

    def seen(self) -> Load:
        """This moment as a value."""
        return Load(
            self.pending,
            self.total,
            self.errors,
            self.latency_ms,
            self.tokens_per_s,
            self.speeds,
            self.quiet_min,
        )

    def measured(
        self,
        model: str,
        ttft_ms: float | None,
        tokens_per_s: float | None,
        streamed: bool,
        failed: bool = False,
    ) -> None:
        """A request has ended: how soon it began and how fast it was, where that is known."""
        at = self.now()
        if ttft_ms is not None:
            self.latency_ms = _average(self.latency_ms, ttft_ms)
            self.quiet_min = 0
            self._answered_at = at
        if tokens_per_s is not None:
            self.tokens_per_s = _average(self.tokens_per_s, tokens_per_s)
        first = ttft_ms if streamed else None  # else it came with the last, and tells of neither
        if failed:
            first = tokens_per_s = None
        if not model or (first is None and tokens_per_s is None and not failed):
            return
        speeds = self.speeds or _NO_SPEEDS
        was = speeds.get(model, _UNMEASURED)
        window = self._windows.get(model)
        if window is None:
            window = self._windows[model] = Window(at)
        recent = window.add(at, first, tokens_per_s, failed)
        if failed:
            now = replace(was, recent=recent)
        else:
            now = Speed(
                was.ttft_ms if first is None else _average(was.ttft_ms, first),
                was.tokens_per_s
                if tokens_per_s is None
                else _average(was.tokens_per_s, tokens_per_s),
                was.samples + 1,
                recent,
            )
        if not speeds or (len(speeds) == 1 and was is not _UNMEASURED):
            self.speeds = {model: now}
            return
        speeds = speeds.copy()
        speeds.pop(model, None)  # it comes last again: the first was longest unused
        speeds[model] = now
        if len(speeds) > MOST_SPEEDS:
            gone = next(iter(speeds))
            del speeds[gone], self._windows[gone]
        self.speeds = speeds

    def age(self) -> bool:
        """Let time pass where nobody asks. True where that makes another value."""
        at = self.now()
        if int(at) // BUCKET_S == self._aged:
            return False
        self._aged = int(at) // BUCKET_S
        quiet = self.quiet_min
        if self.latency_ms is not None:
            self.quiet_min = _minutes(at - self._answered_at)
        aged: dict[str, Speed] = {}
        for model, window in self._windows.items():
            speed = (self.speeds or {})[model]
            recent, minutes = window.recent(at), _minutes(at - window.measured_at)
            if recent != speed.recent or minutes != speed.quiet_min:
                aged[model] = replace(speed, recent=recent, quiet_min=minutes)
        if aged:
            self.speeds = {**(self.speeds or {}), **aged}
        return bool(aged) or quiet != self.quiet_min


_UNMEASURED = Speed()
_NO_SPEEDS: dict[str, Speed] = {}


def _average(old: float | None, sample: float) -> float:
    return sample if old is None else old + ALPHA * (sample - old)


def _minutes(seconds: float) -> int:
    return min(MOST_QUIET, max(0, int(seconds) // 60))


@dataclass(slots=True)
class Record:
    """One writer a field.

    Discovery and configuration write `face`; health checks what is from `health` to `waiting`;
    requests, through the witness, `traffic`; the operator `draining`; leases `load` and
    `trial_out`. Nobody writes the status: it follows from the others.
    """

    face: BackendFace
    health: BackendStatus = BackendStatus.UNKNOWN
    reason: str = ""
    next: str = ""
    listed: tuple[Model, ...] = ()
    """The models as the server tells them."""
    models: tuple[Model, ...] = ()
    """The models as they are believed: see `nexus.registry.knowledge`."""
    models_stale: bool = False
    version: str = ""
    checked_at: float | None = None
    probe_ms: float | None = None
    slots: int | None = None
    running: int | None = None
    waiting: int | None = None
    traffic: Evidence | None = None
    draining: bool = False
    since: float | None = None
    """Unix seconds since which the status has been what it is; kept by the registry."""
    trial_out: bool = False
    """True while the one trial request of a backend in doubt is on its way."""
    load: LiveLoad = field(default_factory=LiveLoad)

    def status(self) -> BackendStatus:
        """Draining hides what traffic says, and that hides what checks say.

        Where traffic is in doubt (a trial, or better than nothing), checks that find it down know
        better.
        """
        if self.draining:
            return BackendStatus.DRAINING
        told = self.traffic
        if told is not None:
            in_doubt = told.trial or told.spare
            if not in_doubt or self.health in _MAY_TRY:
                return told.status
        if self.health is BackendStatus.HEALTHY and self._is_full():
            return BackendStatus.BUSY
        return self.health

    def seen(self) -> Backend:
        """This moment as a value."""
        status, told = self.status(), self.traffic
        reason, coming = self.reason, self.next
        if status is BackendStatus.DRAINING:
            reason, coming = self.reason, "takes work again when it is undrained"
        elif told is not None and status is told.status:
            reason, coming = told.reason, told.next
        elif status is BackendStatus.BUSY:
            reason, coming = reason or self._fullness(), "takes more when a place is free"
        return Backend(
            self.face,
            status,
            reason,
            self.models,
            self.version,
            self.checked_at,
            self.since,
            self.probe_ms,
            self.slots,
            self.running,
            self.waiting,
            next=coming,
            models_stale=self.models_stale
            or (status is BackendStatus.UNREACHABLE and bool(self.models)),
            traffic=told,
            trial=told is not None and told.trial and status is told.status and not self.trial_out,
        )

    def _is_full(self) -> bool:
        if self.waiting:
            return True
        return bool(self.slots) and self.running is not None and self.running >= (self.slots or 0)

    def _fullness(self) -> str:
        if self.waiting:
            return f"{self.waiting} requests wait inside it"
        return f"all {self.slots} places are taken"


_MAY_TRY = (
    BackendStatus.HEALTHY,
    BackendStatus.BUSY,
    BackendStatus.SLEEPING,
    BackendStatus.UNKNOWN,
)
