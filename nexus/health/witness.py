"""Watches what requests run into, and tells the registry at once. The one writer of `traffic`.

A backend that serves well is not remembered at all: `served` is then one truth test, and it is
called for every request.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from datetime import UTC
from typing import Protocol

from nexus.domain.backend import Backend, BackendId, Evidence
from nexus.errors import (
    ConnectTimeout,
    NoConnection,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from nexus.health.advice import denied
from nexus.health.traffic import Kind, Sign, Trouble, evidence, expire, step

_RETRY_AFTER = re.compile(rb"(?im)^retry-after(-ms)?:[ \t]*([0-9]{1,9}(?:\.[0-9]{0,6})?)[ \t]*\r?$")
_RETRY_DATE = re.compile(rb"(?im)^retry-after:[ \t]*([a-z]{3,9},[ a-z0-9:-]{10,40})[ \t]*\r?$")
_SPENT = re.compile(rb"insufficient_quota|billing_hard_limit|credit balance is too low")


class Truth(Protocol):
    """What a witness reads and writes of the registry."""

    def find(self, backend_id: BackendId) -> Backend | None: ...

    def set_traffic(self, backend_id: BackendId, told: Evidence | None) -> None: ...


class Witness:
    """One per gateway.

    Args:
        registry: the truth.
        look: asked for a check of a backend, soon.
        has_key: whether a backend's key is there.
        now: monotonic seconds.
        unix: Unix seconds, for times of day only.
        chance: numbers in [0, 1).
        touched: told when `expire` is to be asked anew.
    """

    def __init__(
        self,
        registry: Truth,
        look: Callable[[BackendId, str], None] = lambda backend_id, reason: None,
        has_key: Callable[[Backend], bool] = lambda backend: True,
        *,
        now: Callable[[], float] = time.monotonic,
        unix: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        touched: Callable[[], None] = lambda: None,
    ) -> None:
        self._registry = registry
        self._look = look
        self._has_key = has_key
        self._now = now
        self._unix = unix
        self._chance = chance
        self._touched = touched
        self._troubles: dict[BackendId, Trouble] = {}

    # ---- what requests tell

    def served(self, backend_id: BackendId, trial: bool) -> None:
        """A request was answered well. `trial`: its lease says so."""
        if self._troubles and backend_id in self._troubles:
            self._take(backend_id, Sign(Kind.SERVED, trial=trial))

    def failed(self, backend_id: BackendId, error: UpstreamError, trial: bool) -> None:
        """A request was not answered, or not to its end."""
        reason = error.message
        if isinstance(error, NoConnection | ConnectTimeout):
            self._take(backend_id, Sign(Kind.REFUSED, reason))
        elif isinstance(error, UpstreamTimeout):
            self._take(backend_id, Sign(Kind.SILENT, reason, trial))
        else:
            self._take(backend_id, Sign(Kind.FAILED, reason, trial))
        if isinstance(error, UpstreamUnreachable | UpstreamTimeout):
            self._look(backend_id, reason)

    def answered(
        self, backend_id: BackendId, status: int, lines: bytes, body: bytes, trial: bool
    ) -> None:
        """A request was answered with an error.

        Args:
            status: HTTP status; those that blame the client are ignored.
            lines: header lines of the answer.
            body: of the answer, as far as it is known.
            trial: the request's lease says so.
        """
        reason = f"answered HTTP {status}"
        if status == 429:
            if _SPENT.search(body):
                self._take(backend_id, Sign(Kind.SPENT, "the quota is used up (HTTP 429)"))
            else:
                wait_s = retry_after(lines, self._unix())
                self._take(backend_id, Sign(Kind.LIMITED, reason, trial, wait_s))
        elif status in (401, 403):
            backend = self._registry.find(backend_id)
            if backend is not None:
                key = self._has_key(backend)
                reason, advice = denied(f"HTTP {status}", backend.face, key)
                # A 403 may be about what was asked: a moderated prompt, a model of another plan.
                spare = status == 403
                sign = Sign(Kind.DENIED, reason, trial, advice=advice, spare=spare)
                self._take(backend_id, sign)
        elif status >= 500:
            self._take(backend_id, Sign(Kind.FAILED, reason, trial))
            if status == 503:  # it may be loading
                self._look(backend_id, reason)

    # ---- what checks and people tell

    def probed(self, backend_id: BackendId, well: bool) -> None:
        """A check has ended."""
        if backend_id in self._troubles:
            self._take(backend_id, Sign(Kind.PROBED_WELL if well else Kind.PROBED_BADLY))

    def retry(self, backend_id: BackendId) -> None:
        """The operator wants to see: the next request is a trial, now."""
        if backend_id in self._troubles:
            self._take(backend_id, Sign(Kind.RETRY))

    def forget(self, backend_id: BackendId) -> None:
        """Another server is behind this name now, or none."""
        if self._troubles.pop(backend_id, None) is not None:
            self._registry.set_traffic(backend_id, None)

    # ---- time

    def expire(self) -> float | None:
        """Let time do its work. Returns the seconds until it has more to do, None for never."""
        if not self._troubles:
            return None
        now = self._now()
        for backend_id, trouble in [*self._troubles.items()]:
            if self._registry.find(backend_id) is None:
                del self._troubles[backend_id]
            else:
                self._keep(backend_id, trouble, expire(trouble, now))
        ends = [t.ends for t in self._troubles.values() if t.status is not None and not t.trial]
        return max(min(ends) - now, 0.0) if ends else None

    # ---- inside

    def _take(self, backend_id: BackendId, sign: Sign) -> None:
        before = self._troubles.get(backend_id, _NONE)
        self._keep(backend_id, before, step(before, sign, self._now(), self._chance()))

    def _keep(self, backend_id: BackendId, before: Trouble, after: Trouble) -> None:
        if after is before:
            return
        if after.is_over:
            self._troubles.pop(backend_id, None)
        else:
            self._troubles[backend_id] = after
        if before.status is not None or after.status is not None:
            self._touched()
            self._registry.set_traffic(backend_id, evidence(after, self._clock, self._moment))

    def _clock(self, moment: float) -> str:
        """Monotonic seconds as a local time of day."""
        return time.strftime("%H:%M:%S", time.localtime(self._moment(moment)))

    def _moment(self, moment: float) -> float:
        """Monotonic seconds as Unix seconds."""
        return self._unix() + moment - self._now()


_NONE = Trouble()


def retry_after(lines: bytes, unix: float) -> float | None:
    """Seconds that an answer's head asks to wait; None where it does not say.

    Args:
        unix: Unix seconds of now, since it may name a moment (RFC 9110, 10.2.3).
    """
    found: dict[bytes, float] = {
        match[1] or b"": float(match[2]) for match in _RETRY_AFTER.finditer(lines)
    }
    if b"-ms" in found:
        return found[b"-ms"] / 1000
    if b"" in found:
        return found[b""]
    date = _RETRY_DATE.search(lines)
    if date is None:
        return None
    from email.utils import parsedate_to_datetime  # late: 0.3 MB, and few servers say it so

    try:
        moment = parsedate_to_datetime(date[1].decode("ascii"))
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000", or a date without a zone: all HTTP dates are UTC
        moment = moment.replace(tzinfo=UTC)
    return max(moment.timestamp() - unix, 0.0)
