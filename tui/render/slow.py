"""Which backends are slow, and why, from what the dashboard knows. Pure; `now` is Unix seconds.

Slow is what hurts whoever asks, and only where enough requests say so (`ENOUGH`: what one odd
request can do to a mean of eight is less than the factors below). There are four signs:

- **It keeps requests waiting**: half as many as it has places wait inside it, so an answer takes
  half as long again and more. Not where answers are done in `SHORT_MS` anyway.
- **A model is not in memory**: a request for it has waited for `COLD_S`, longer than a server that
  is merely asked something needs.
- **Slower than the others with the same model**: a third of their tokens a second, or three times
  their time to the first byte (and `FIRST_MS` more, which a person notices). Machines of one fleet
  differ by a factor of two without anybody minding; from three on, where a request goes is felt.
- **Slower than it was**: in the last minute, half of its answers took 2.5 times what they took in
  the quarter of an hour before, and its slowest twice: both, since a few short or long requests
  more move one of them alone. Longer answers do not count as slowness.

`tui.screens.slow_watch` says a finding only once it has lasted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from nexus.domain.backend import Backend, BackendId, Load, Residency, Speed
from nexus.domain.events import RequestFinished, RequestRouted
from tui.render.numbers import count, millis, plural, rate, span
from tui.state import EMPTY, NO_LOAD, NO_TRACE, DashboardState
from tui.trace import Step, Trace, percentile_of

ENOUGH = 8
"""Requests in the last minutes before a mean of them says something."""
BEFORE = 20
"""Requests of the quarter of an hour before that make a past."""
RECENT_S = 60
"""What counts as now, where a backend is compared with its past, seconds."""
FRESH_S = 120.0
"""A backend whose last answer is older, and where nothing runs, is not slow: it is idle."""
TIMES = 3.0
"""Of the others' speed, or of their time to the first byte."""
FIRST_MS = 500.0
SHORT_MS = 500.0
COLD_S = 5.0
LATER, LATER_MS = 2.5, 300.0
"""Half of the answers, against the past: times, and milliseconds more."""
LATER_TAIL = 2.0
FAR_MS = 200.0
"""A check that takes so long has far to go."""
LONG_PROMPT = 1000
"""Tokens below which a prompt explains nothing."""
MANY = 4
"""Requests at once that may share a backend's speed."""

_COLD = frozenset({Residency.INSTALLED, Residency.LOADING, Residency.SLEEPING})


@dataclass(frozen=True, slots=True)
class Finding:
    """A backend is slow at this moment."""

    why: str
    """The cause, as far as it is known: `its 2 places are taken, 5 wait inside it`."""
    what: str = ""
    """What it does to answers, where that is measured: `answers take 9.1s, before 1.2s`."""


class Judge:
    """Finds slow backends in one state. Made anew for each look."""

    def __init__(self, state: DashboardState, now: float) -> None:
        self._state = state
        self._now = now
        self._running: dict[BackendId, list[RequestRouted]] = {}
        for request in state.running.values():
            self._running.setdefault(request.backend_id, []).append(request)
        self._speeds: dict[str, list[tuple[Backend, Speed]]] = {}
        for backend in state.backends.values():
            if backend.is_routable:
                for model, speed in (state.loads.get(backend.id, NO_LOAD).speeds or {}).items():
                    self._speeds.setdefault(model, []).append((backend, speed))

    def find(self, backend: Backend) -> Finding | None:
        """Whether this backend is slow. None also where too little is known."""
        if not backend.is_routable:
            return None  # its status says what is wrong
        load = self._state.loads.get(backend.id, NO_LOAD)
        window = self._state.windows.get(backend.id, EMPTY)
        last = window.samples[-1].at if window.samples else 0.0
        if not load.pending and last < self._now - FRESH_S:
            return None
        later = _later(self._state.traces.get(backend.id, NO_TRACE), self._now)
        if cold := self._cold(backend):
            return Finding(cold, later)
        if queue := self._queue(backend, load):
            return Finding(queue, later)
        if apart := self._apart(backend, load):
            return apart
        if later:
            return Finding(self._why_later(backend, load), later)
        return None

    def _cold(self, backend: Backend) -> str:
        """`loads qwen3:8b into memory, a request has waited 12s`."""
        residency = {model.id: model.residency for model in backend.models}
        for request in self._running.get(backend.id, ()):  # the oldest first
            waited, where = self._now - request.at, residency.get(request.model)
            if waited >= COLD_S and where in _COLD:
                does = "wakes" if where is Residency.SLEEPING else "loads"
                return f"{does} {request.model} first, a request has waited {span(waited)}"
        return ""

    def _queue(self, backend: Backend, load: Load) -> str:
        """`its 2 places are taken, 5 wait inside it`."""
        places = backend.places
        inside = max(backend.waiting or 0, load.pending - places if places else 0)
        if inside < max(1, (places or 2) / 2):
            return ""
        window = self._state.windows.get(backend.id, EMPTY)
        took = [sample.duration_ms for sample in window.samples[-ENOUGH:]]
        if took and median(took) < SHORT_MS:
            return ""
        wait = f"{inside} {'waits' if inside == 1 else 'wait'} inside it"
        if not places:
            return wait
        taken = "its one place is taken" if places == 1 else f"its {places} places are taken"
        return f"{taken}, {wait}" if load.pending >= places else wait

    def _apart(self, backend: Backend, load: Load) -> Finding | None:
        """Against the others that serve the same model: where it is furthest behind."""
        worst, found = 0.0, None
        for model, speed in (load.speeds or {}).items():
            now = speed.recent
            if now is None or now.requests < ENOUGH:
                continue
            others = [each for each in self._speeds.get(model, ()) if each[0].id != backend.id]
            paces = [(pace, b) for b, s in others if (pace := _pace(s)) is not None]
            if now.tokens_per_s and paces:
                usual, name = _usual(paces)
                behind = usual / now.tokens_per_s
                if behind >= TIMES and behind > worst:
                    shared = f", {load.pending} at once share it" if load.pending >= MANY else ""
                    why = f"writes {rate(now.tokens_per_s)} tok/s, {name} {rate(usual)}"
                    worst, found = behind, Finding(f"{why} ({model}){shared}")
            firsts = [(first, b) for b, s in others if (first := _first(s)) is not None]
            if now.ttft_ms is not None and firsts:
                usual, name = _usual(firsts)
                behind = now.ttft_ms / max(usual, 1.0)
                if behind >= TIMES and now.ttft_ms >= usual + FIRST_MS and behind > worst:
                    what = f"first byte after {millis(now.ttft_ms)}, {name} {millis(usual)}"
                    worst = behind
                    found = Finding(self._why_first(backend, load), f"{what} ({model})")
        return found

    def _why_first(self, backend: Backend, load: Load) -> str:
        mine, others = self._told(backend.id)
        if backend.probe_ms is not None and backend.probe_ms >= FAR_MS:
            return f"far away, or busy: a check of it takes {millis(backend.probe_ms)}"
        return (
            _late(mine)
            or _prompts(mine, others, "elsewhere")
            or _at_once(load)
            or "nothing waits there: its own server takes long to begin"
        )

    def _why_later(self, backend: Backend, load: Load) -> str:
        mine, _ = self._told(backend.id)
        since = self._now - RECENT_S
        new = [entry for entry in mine if entry.at > since]
        old = [entry for entry in mine if entry.at <= since]
        return (
            _late(new)
            or _slower(new, old, load)
            or _prompts(new, old, "before")
            or _at_once(load)
            or "its server does not tell why"
        )

    def _told(self, id: BackendId) -> tuple[list[RequestFinished], list[RequestFinished]]:
        """Answers that went well, of this backend and of all others, of the routing log."""
        mine: list[RequestFinished] = []
        others: list[RequestFinished] = []
        for entry in self._state.log:
            if isinstance(entry, RequestFinished) and not entry.is_error:
                (mine if entry.backend_id == id else others).append(entry)
        return mine, others


def _pace(speed: Speed) -> float | None:
    """Tokens a second by enough requests, of late or before."""
    now = speed.recent
    if now is not None and now.requests >= ENOUGH and now.tokens_per_s:
        return now.tokens_per_s
    return speed.tokens_per_s if speed.samples >= ENOUGH else None


def _first(speed: Speed) -> float | None:
    """Milliseconds to the first byte by enough requests, of late or before."""
    now = speed.recent
    if now is not None and now.requests >= ENOUGH and now.ttft_ms is not None:
        return now.ttft_ms
    return speed.ttft_ms if speed.samples >= ENOUGH else None


def _usual(values: Sequence[tuple[float, Backend]]) -> tuple[float, str]:
    """The median of the others, and whose it is."""
    middle = median(value for value, _ in values)
    return middle, values[0][1].name if len(values) == 1 else "the others"


def _later(trace: Trace, now: float) -> str:
    """`answers take 9.1s, before 1.2s`; empty while they take what they took."""
    since = int(now - RECENT_S) // 5
    steps = (*trace.closed, trace.open)
    new = [step for step in steps if step.number > since]
    if sum(step.requests for step in new) < ENOUGH:
        return ""
    old = [step for step in steps if step.number <= since]
    times, usual = _times(new), _times(old)
    if sum(times.values()) < ENOUGH or sum(usual.values()) < BEFORE:
        return ""
    half, before = percentile_of(times, 50) or 0.0, percentile_of(usual, 50) or 0.0
    tail, tail_before = percentile_of(times, 95) or 0.0, percentile_of(usual, 95) or 0.0
    longer = max(1.0, _tokens(new) / _tokens(old)) if _tokens(old) else 1.0
    if half < before * LATER * longer or half < before * longer + LATER_MS:
        return ""
    if tail < tail_before * LATER_TAIL:
        return ""
    return f"answers take {millis(half)}, before {millis(before)}"


def _times(steps: Sequence[Step]) -> Mapping[int, int]:
    total: dict[int, int] = {}
    for step in steps:
        for drawer, number in step.times.items():
            total[drawer] = total.get(drawer, 0) + number
    return total


def _tokens(steps: Sequence[Step]) -> float:
    """Tokens of a mean answer."""
    requests = sum(step.requests for step in steps)
    return sum(step.tokens for step in steps) / requests if requests else 0.0


def _late(entries: Sequence[RequestFinished]) -> str:
    """`a third and more came after gpu-02 had failed`."""
    retried = [entry for entry in entries if entry.failures]
    if len(entries) < ENOUGH or len(retried) * 3 < len(entries):
        return ""
    return f"many come to it only after {retried[-1].failures[-1].backend} has failed"


def _slower(new: Sequence[RequestFinished], old: Sequence[RequestFinished], load: Load) -> str:
    """`writes 12 tok/s, before 60`."""
    paces = [entry.tokens_per_s for entry in new if entry.tokens_per_s]
    usual = [entry.tokens_per_s for entry in old if entry.tokens_per_s]
    if len(paces) < ENOUGH // 2 or len(usual) < ENOUGH // 2 or median(paces) * 2 > median(usual):
        return ""
    shared = f", {load.pending} at once share it" if load.pending >= MANY else ""
    return f"writes {rate(median(paces))} tok/s, before {rate(median(usual))}{shared}"


def _prompts(mine: Sequence[RequestFinished], others: Sequence[RequestFinished], where: str) -> str:
    """`prompts are long: 6.2k tokens, 300 before`."""
    sizes = [entry.prompt_tokens for entry in mine if entry.prompt_tokens]
    usual = [entry.prompt_tokens for entry in others if entry.prompt_tokens]
    if len(sizes) < ENOUGH // 2:
        return ""
    size, compared = median(sizes), median(usual) if usual else 0
    if size < LONG_PROMPT or size < compared * TIMES:
        return ""
    told = f", {where} {count(round(compared))}" if compared else ""
    return f"prompts are long: {count(round(size))} tokens{told}"


def _at_once(load: Load) -> str:
    if load.pending < MANY:
        return ""
    return f"{plural(load.pending, 'request')} are there at once"
