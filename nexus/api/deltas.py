"""Fewer events for a reader that hears them some times a second and not one by one. Pure.

What a later event of the same batch makes stale is left out; what is left stays in its order, and
folds to the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nexus.domain.backend import Backend, BackendId, Load, Recent, Speed
from nexus.domain.events import (
    BackendChanged,
    FleetSeen,
    LoadChanged,
    PortProbed,
    RequestFinished,
    RequestRouted,
    ServerFound,
    Update,
)
from nexus.domain.fleet import picture
from nexus.domain.urls import without_userinfo


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
                event = without_secrets(event)
            case PortProbed(url=url):
                if url in ports:
                    continue
                ports.add(url)
                event = without_secrets(event)
            case _:
                event = without_secrets(event)
        kept.append(event)
    kept.reverse()
    return kept


def without_secrets(update: Update) -> Update:
    """The same for readers on other machines: a URL may hold a password."""
    match update:
        case FleetSeen(fleet=fleet, loads=loads):
            if not any("@" in backend.face.url for backend in fleet.backends.values()):
                return update
            backends = {id: _shown(backend) for id, backend in fleet.backends.items()}
            return FleetSeen(picture(fleet.version, backends), loads)
        case BackendChanged(backend=backend) if "@" in backend.face.url:
            return replace(update, backend=_shown(backend))
        case PortProbed(url=url) | ServerFound(url=url) if "@" in url:
            return replace(update, url=without_userinfo(url))
        case _:
            return update


def _shown(backend: Backend) -> Backend:
    face = replace(backend.face, url=without_userinfo(backend.face.url))
    return replace(backend, face=face)


def _rounded(load: Load) -> Load:
    speeds = load.speeds
    return replace(
        load,
        latency_ms=_number(load.latency_ms),
        tokens_per_s=_number(load.tokens_per_s),
        speeds=speeds and {model: _speed(each) for model, each in speeds.items()},
    )


def _speed(speed: Speed) -> Speed:
    now = speed.recent
    if now is not None:
        first, pace = _number(now.ttft_ms), _number(now.tokens_per_s)
        now = Recent(now.span_s, now.requests, now.failed, first, pace)
    first, pace = _number(speed.ttft_ms), _number(speed.tokens_per_s)
    return Speed(first, pace, speed.samples, now, speed.quiet_min)


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
