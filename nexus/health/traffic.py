"""What real traffic says about one backend, as a pure function over small values.

| sign | what follows |
|---|---|
| no connection | unreachable at once, until a check gets through |
| 429 with `Retry-After` | rate limited for that time, at most 10 minutes |
| 429 without it | rate limited for the time aside |
| 429 `insufficient_quota` | rate limited, and waiting does not help; a trial every 10 minutes |
| 401, 403 | auth error |
| no first byte, twice in a row | stalled |
| 5 of the last 20 requests failed | unhealthy |

A backend that is set aside stays so for 5 s, doubling to 60 s with each time in a row, with jitter.
Then one request is its trial: if it is served, all is forgotten; if not, it is set aside again.
Five of twenty covers both rules of ejection: five in a row, and fewer than 80 % of twenty.

A client's fault and a client's leaving are no signs; the caller does not report them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from nexus.domain.backend import BackendStatus, Evidence

WINDOW: Final = 20
"""Requests looked back at, and good ones in a row after which all is forgotten."""
FAILURES: Final = 5
"""Failures among them that set a backend aside."""
SILENCES: Final = 2
"""Requests without a first byte in a row that do."""
ASIDE_S: Final = 5.0
ASIDE_MAX_S: Final = 60.0
LIMIT_MAX_S: Final = 600.0
"""The longest `Retry-After` that is believed."""
JITTER: Final = 0.2

_MASK: Final = (1 << WINDOW) - 1


class Kind(Enum):
    """What one request, one check or the operator told."""

    SERVED = "served"
    FAILED = "failed"
    SILENT = "silent"
    REFUSED = "refused"
    LIMITED = "limited"
    SPENT = "spent"
    """Out of quota or credit."""
    DENIED = "denied"
    PROBED_WELL = "probed well"
    PROBED_BADLY = "probed badly"
    RETRY = "retry"
    """The operator wants to see."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One piece of news."""

    kind: Kind
    reason: str = ""
    trial: bool = False
    """True for a request that was sent while its backend was aside."""
    wait_s: float | None = None
    """Of `LIMITED`: what the backend asked for."""
    advice: str = ""
    """Of `DENIED`: what to do."""
    spare: bool = False
    """Of `DENIED`: it may be about the request and not about the key."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is remembered of one backend. A backend without trouble has none of these."""

    window: int = 0
    """The last requests as bits, the newest lowest; 1 is a failure."""
    calm: int = 0
    """Good requests in a row."""
    silent: int = 0
    """Requests in a row that got no first byte."""
    strikes: int = 0
    """How often it was set aside without a calm time between."""
    status: BackendStatus | None = None
    """What it is set aside as; None while it is not."""
    reason: str = ""
    advice: str = ""
    ends: float = 0.0
    """Monotonic seconds at which the time aside is over."""
    trial: bool = False
    """True when that is so, and one request may be sent."""
    spare: bool = False
    spent: bool = False

    @property
    def is_over(self) -> bool:
        """True where nothing is left to remember."""
        return self.status is None and not self.window and self.calm >= WINDOW

    @property
    def failures(self) -> int:
        return self.window.bit_count()


def step(trouble: Trouble, sign: Sign, now: float, chance: float) -> Trouble:
    """The trouble after one more sign. Total. The same object where nothing changes.

    Args:
        now: monotonic seconds.
        chance: in [0, 1), for the jitter.
    """
    kind = sign.kind
    match kind:
        case Kind.SERVED:
            return _served(trouble, sign)
        case Kind.FAILED | Kind.SILENT:
            return _failed(trouble, sign, now, chance)
        case Kind.REFUSED:
            if trouble.status is BackendStatus.UNREACHABLE and not trouble.trial:
                return trouble
            return _aside(trouble, BackendStatus.UNREACHABLE, sign.reason, now, chance)
        case Kind.LIMITED:
            return _limited(trouble, sign, now, chance)
        case Kind.SPENT:
            limited = _aside(trouble, BackendStatus.RATE_LIMITED, sign.reason, now, chance)
            return replace(limited, ends=now + LIMIT_MAX_S, spent=True)
        case Kind.DENIED:
            if trouble.status is BackendStatus.AUTH_ERROR and not sign.trial:
                return trouble
            denied = _aside(trouble, BackendStatus.AUTH_ERROR, sign.reason, now, chance)
            return replace(denied, advice=sign.advice, spare=sign.spare)
        case Kind.RETRY:
            return trouble if trouble.status is None else replace(trouble, trial=True)
        case Kind.PROBED_WELL:
            return _back(trouble) if trouble.status is BackendStatus.UNREACHABLE else trouble
        case Kind.PROBED_BADLY:
            if trouble.status is not BackendStatus.UNREACHABLE:
                return trouble
            return replace(trouble, ends=now + ASIDE_S, trial=False)


def expire(trouble: Trouble, now: float) -> Trouble:
    """The trouble at this moment. The same object where nothing changes."""
    if trouble.status is None or trouble.trial or now < trouble.ends:
        return trouble
    if trouble.status is BackendStatus.RATE_LIMITED and not trouble.spent:
        return _back(trouble)  # the time it asked for is over: nothing has to be tried
    return replace(trouble, trial=True)


def evidence(
    trouble: Trouble, clock: Callable[[float], str], unix: Callable[[float], float]
) -> Evidence | None:
    """What readers see of it; None while it is not set aside.

    Args:
        clock: monotonic seconds as a time of day.
        unix: monotonic seconds as Unix seconds.
    """
    if trouble.status is None:
        return None
    limited = trouble.status is BackendStatus.RATE_LIMITED and not trouble.spent
    until = unix(trouble.ends) if limited and not trouble.trial else None
    coming = _next(trouble, clock)
    return Evidence(trouble.status, trouble.reason, coming, trouble.trial, trouble.spare, until)


def _next(trouble: Trouble, clock: Callable[[float], str]) -> str:
    if trouble.status is BackendStatus.UNREACHABLE:
        return "checked again within a second"
    if trouble.advice:
        return trouble.advice
    if trouble.spent:
        return "add credit with the provider: waiting does not help"
    if trouble.trial:
        return "the next request is its trial"
    if trouble.status is BackendStatus.RATE_LIMITED:
        return f"rate limited until {clock(trouble.ends)}"
    return f"one request is tried at {clock(trouble.ends)}"


def _served(trouble: Trouble, sign: Sign) -> Trouble:
    if sign.trial and trouble.status is not None:
        return replace(_back(trouble), calm=1)
    calm = trouble.calm + 1
    return replace(
        trouble,
        window=trouble.window << 1 & _MASK,
        calm=calm,
        silent=0,
        strikes=0 if calm >= WINDOW and trouble.status is None else trouble.strikes,
    )


def _failed(trouble: Trouble, sign: Sign, now: float, chance: float) -> Trouble:
    silent = trouble.silent + 1 if sign.kind is Kind.SILENT else 0
    seen = replace(trouble, window=(trouble.window << 1 | 1) & _MASK, calm=0, silent=silent)
    if seen.status is not None and not (sign.trial and seen.trial):
        return seen  # on its way before, or sent for want of anybody else
    if silent >= SILENCES or (seen.status is not None and silent):
        why = f"takes requests and does not answer them ({sign.reason})"
        return replace(_aside(seen, BackendStatus.STALLED, why, now, chance), spare=True)
    if seen.failures >= FAILURES or seen.status is not None:
        why = f"{seen.failures} of the last {WINDOW} requests failed ({sign.reason})"
        if seen.status is not None:
            why = f"failed its trial ({sign.reason})"
        return replace(_aside(seen, BackendStatus.UNHEALTHY, why, now, chance), spare=True)
    return seen


def _limited(trouble: Trouble, sign: Sign, now: float, chance: float) -> Trouble:
    ends = None if sign.wait_s is None else now + min(max(sign.wait_s, 1.0), LIMIT_MAX_S)
    if trouble.status is BackendStatus.RATE_LIMITED and not trouble.trial:
        # More answers to what was on its way: they can only lengthen the time.
        return replace(trouble, ends=ends) if ends and ends > trouble.ends else trouble
    limited = _aside(trouble, BackendStatus.RATE_LIMITED, sign.reason, now, chance)
    return replace(limited, spare=True) if ends is None else replace(limited, ends=ends)


def _aside(
    trouble: Trouble, status: BackendStatus, reason: str, now: float, chance: float
) -> Trouble:
    """Set aside, longer each time."""
    pause = min(ASIDE_S * 2 ** min(trouble.strikes, 10), ASIDE_MAX_S)
    pause *= 1 - JITTER + 2 * JITTER * chance
    return replace(
        trouble,
        calm=0,
        strikes=trouble.strikes + 1,
        status=status,
        reason=reason,
        advice="",
        ends=now + pause,
        trial=False,
        spare=False,
        spent=False,
    )


def _back(trouble: Trouble) -> Trouble:
    """In rotation again; only how often it was aside is kept for a while."""
    return Trouble(calm=trouble.calm, strikes=trouble.strikes)
