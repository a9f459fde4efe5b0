"""Fewer events for a reader that hears them some times a second and not one by one. Pure.

What a later event of the same batch makes stale is left out; what is left stays in its order, and
folds to the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nexus.domain.backend import BackendId, Load
from nexus.domain.events import (
    BackendChanged,
    LoadChanged,
    PortProbed,
    RequestFinished,
    RequestRouted,
    Update,
)


def batched(events: Sequence[Update]) -> list[Update]:
    """What of `events` still matters after the last of them, rounded to what a screen can show."""
    loads: set[BackendId] = set()
    facts: set[BackendId] = set()
    ports: set[str] = set()
    ended: set[str] = set()
    kept: list[Update] = []
    for event in reversed(events):
        match event:
            case LoadChanged(backend_id=id):
                if id in loads:
                    continue
                loads.add(id)
                event = LoadChanged(id, _rounded(event.load))
            case RequestFinished():
                ended.add(event.request_id)
                event = _short(event)
            case RequestRouted():
                if event.request_id in ended:
                    continue
                event = replace(event, at=round(event.at, 3))
            case BackendChanged(backend=backend, was=was):
                # Only a check's time and numbers moved: the newest are enough.
                if backend.id in facts and was is backend.status:
                    continue
                facts.add(backend.id)
            case PortProbed(url=url):
                if url in ports:
                    continue
                ports.add(url)
            case _:
                pass
        kept.append(event)
    kept.reverse()
    return kept


def _rounded(load: Load) -> Load:
    return replace(
        load, latency_ms=_number(load.latency_ms), tokens_per_s=_number(load.tokens_per_s)
    )


def _short(event: RequestFinished) -> RequestFinished:
    return replace(
        event,
        at=round(event.at, 3),
        ttft_ms=_number(event.ttft_ms),
        duration_ms=round(event.duration_ms, 1),
        tokens_per_s=_number(event.tokens_per_s),
    )


def _number(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
