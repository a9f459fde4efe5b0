"""One request as a row shows it, wherever it is known from: under way, of late, or of the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nexus.domain.backend import Backend, BackendId, Zone
from nexus.domain.events import RequestFinished, RequestRefused, RequestRouted
from nexus.domain.gateway import Json
from tui.render.facts import number, text, whole
from tui.render.why import reason, refusal, why
from tui.state import DashboardState


def became(asked: str, used: str) -> str:
    """The model asked for, and what it became if that differs: `gpt-4→llama3.3:70b`."""
    return asked if used in ("", asked) else f"{asked}→{used}"


@dataclass(frozen=True, slots=True)
class Request:
    """What is known. All text may be hostile: it is cleaned when painted."""

    id: str
    at: float
    """Unix seconds of its begin, as far as known."""
    asked: str
    """The model the client named."""
    used: str
    """The model it became; empty where it went nowhere."""
    backend: str
    """Name; empty where it went nowhere."""
    status: int | None = None
    """None while it is under way."""
    error: str = ""
    why: str = ""
    """The short form of the decision."""
    failed: bool = False
    refused: bool = False
    """True when Nexus refused it."""
    stream: bool | None = None
    zone: Zone | None = None
    """Where it went."""
    tenant: str = ""
    """Known only of what was asked for by tenant."""
    ttft_ms: float | None = None
    duration_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    tokens_per_s: float | None = None
    said: str = ""
    """Why, in a few words."""

    @property
    def text(self) -> str:
        """What words of a filter look at, in lower case."""
        state = "running" if self.status is None else "error" if self.failed else "ok"
        parts = (self.id, self.asked, self.used, self.backend, str(self.status or ""), state)
        return "\n".join((*parts, self.error, self.said)).lower()

    @property
    def reasons(self) -> str:
        """Why, in the decision's words and in those of a person."""
        return f"{self.why}\n{self.said}".lower()

    @property
    def models(self) -> tuple[str, str]:
        """Asked for, and used."""
        return self.asked.lower(), self.used.lower()


ZoneOf = Callable[[str, str], Zone | None]
"""Where a backend (by id) with a model is."""


def zones(state: DashboardState) -> ZoneOf:
    """Zones as the fleet has them now; None for what has left."""

    def zone(backend_id: str, model: str) -> Zone | None:
        backend = state.backends.get(BackendId(backend_id))
        return None if backend is None else zone_in(backend, model)

    return zone


def zones_by_name(state: DashboardState) -> ZoneOf:
    """The same by the backend's name, for facts of the past."""
    named = {backend.name: backend for backend in state.backends.values()}

    def zone(name: str, model: str) -> Zone | None:
        backend = named.get(name)
        return None if backend is None else zone_in(backend, model)

    return zone


def zone_in(backend: Backend, model: str) -> Zone:
    """Of a model on a backend: a cloud model behind a local server is open."""
    if any(each.id == model and each.zone is Zone.OPEN for each in backend.models):
        return Zone.OPEN
    return backend.face.zone


def of_running(event: RequestRouted, zone: ZoneOf) -> Request:
    """One under way."""
    return Request(
        event.request_id,
        event.at,
        event.requested,
        event.model,
        event.backend,
        why=event.why,
        said=reason(event.why),
        stream=event.stream,
        zone=zone(event.backend_id, event.model),
    )


def of_ended(event: RequestFinished | RequestRefused, zone: ZoneOf) -> Request:
    """One of the routing log."""
    if isinstance(event, RequestRefused):
        return Request(
            event.request_id,
            event.at,
            event.requested,
            "",
            "",
            event.status,
            event.message,
            event.code,
            failed=True,
            refused=True,
            said=refusal(event.message, event.requested) or event.code,
        )
    return Request(
        event.request_id,
        event.at - event.duration_ms / 1000,
        event.requested,
        event.model,
        event.backend,
        event.status,
        event.error,
        event.why,
        failed=event.is_error,
        stream=event.stream,
        zone=zone(event.backend_id, event.model),
        ttft_ms=event.ttft_ms,
        duration_ms=event.duration_ms,
        prompt_tokens=event.prompt_tokens,
        completion_tokens=event.completion_tokens,
        tokens_per_s=event.tokens_per_s,
        said=why(event),
    )


def of_past(facts: Json, zone: ZoneOf, tenant: str = "") -> Request:
    """One that was asked for: a line of `nexus.explain.account.summary`."""
    status = whole(facts, "status")
    error = text(facts, "error")
    code = text(facts, "error_code")
    backend, used = text(facts, "backend"), text(facts, "actual_model")
    short = text(facts, "why")
    said = refusal(error, text(facts, "model"))
    return Request(
        text(facts, "request_id"),
        number(facts, "at") or 0.0,
        text(facts, "model"),
        used,
        backend,
        status,
        error,
        short or code,
        failed=status is not None and status != 499 and (status >= 400 or bool(error)),
        refused=bool(code),
        zone=zone(backend, used) if backend else None,
        tenant=tenant,
        ttft_ms=number(facts, "ttft_ms"),
        duration_ms=number(facts, "duration_ms"),
        prompt_tokens=whole(facts, "prompt_tokens"),
        completion_tokens=whole(facts, "completion_tokens"),
        tokens_per_s=number(facts, "tokens_per_second"),
        said=(f"{said} ({reason(short)})" if short else said) if said else reason(short),
    )
