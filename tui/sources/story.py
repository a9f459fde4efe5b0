"""A believable fleet at work, as updates. The same seed tells the same story, second by second."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Load,
    Model,
    Residency,
    Source,
    Zone,
)
from nexus.domain.decision import RouteReason
from nexus.domain.events import (
    BackendChanged,
    FleetSeen,
    LoadChanged,
    PortProbed,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    Update,
)
from nexus.domain.fleet import Fleet, picture

LLAMA = Model(
    "llama3.3:70b", 131_072, tools=True, json_mode=True, vision=False, residency=Residency.LOADED
)
QWEN = Model(
    "qwen3:32b", 32_768, tools=True, json_mode=True, reasoning=True, residency=Residency.LOADED
)
MISTRAL = Model(
    "mistral-small:24b", 32_768, tools=True, json_mode=True, vision=True, residency=Residency.LOADED
)
LLAVA = Model("llava:13b", 8_192, vision=True, tools=False, residency=Residency.INSTALLED)
PHI = Model("phi-4-mini", 16_384, tools=True, residency=Residency.LOADED)
NOMIC = Model("nomic-embed-text", 8_192, embeddings=True, chat=False, residency=Residency.LOADED)
GPT = Model("gpt-4o", 128_000, vision=True, tools=True, json_mode=True, max_output_tokens=16_384)
MINI = Model("gpt-4o-mini", 128_000, vision=True, tools=True, json_mode=True)


@dataclass(frozen=True, slots=True)
class Member:
    """One server of the story and how it behaves."""

    backend: Backend
    ttft_ms: float
    tokens_per_s: float
    fails: float = 0.0
    """Share of requests that fail."""


def members(now: float, *, degraded: bool) -> tuple[Member, ...]:
    """Six servers; `degraded` has one down, one draining, one that fails now and then."""
    vllm, ollama = BackendType.VLLM, BackendType.OLLAMA
    everyone = (
        _member(now, "gpu-01", vllm, 8001, (LLAMA, QWEN), 145, 88.0, slots=8, version="0.11.0"),
        _member(now, "gpu-02", vllm, 8002, (LLAMA, MISTRAL), 160, 81.0, slots=8, version="0.11.0"),
        _member(now, "mac-studio", BackendType.EXO, 52415, (LLAMA, QWEN, MISTRAL), 310, 31.0),
        _member(now, "workshop", ollama, 11434, (QWEN, LLAVA, NOMIC), 420, 24.0, version="0.33.0"),
        _member(now, "lab-nuc", BackendType.LLAMACPP, 8080, (PHI,), 90, 42.0, slots=4),
        _member(now, "openai", BackendType.OPENAI, 443, (GPT, MINI), 260, 64.0),
    )
    if not degraded:
        return everyone
    ruined = {
        "gpu-02": (BackendStatus.DRAINING, "drained by the operator", 95.0, 0.0),
        "lab-nuc": (BackendStatus.UNREACHABLE, "connection refused (3 of 3 checks)", 242.0, 1.0),
        "workshop": (BackendStatus.HEALTHY, "", 4000.0, 0.12),
    }
    changed: list[Member] = []
    for member in everyone:
        if found := ruined.get(member.backend.name):
            status, reason, ago, fails = found
            backend = replace(member.backend, status=status, reason=reason, since=now - ago)
            member = replace(member, backend=backend, fails=fails)
        changed.append(member)
    return tuple(changed)


def _member(
    now: float,
    name: str,
    type: BackendType,
    port: int,
    models: tuple[Model, ...],
    ttft_ms: float,
    tokens_per_s: float,
    *,
    slots: int | None = None,
    version: str = "",
) -> Member:
    cloud = type.is_cloud
    face = BackendFace(
        id=BackendId(name),
        name=name,
        url="https://api.openai.com" if cloud else f"http://10.0.0.{port % 90}:{port}",
        type=type,
        zone=Zone.OPEN if cloud else Zone.RESTRICTED,
        source=Source.STATIC,
        priority=80 if cloud else 50,
        max_concurrent=slots,
        api_key_env="OPENAI_API_KEY" if cloud else None,
    )
    backend = Backend(
        face,
        BackendStatus.HEALTHY,
        models=models,
        version=version,
        checked_at=now - 3,
        since=now - 9000,
        probe_ms=8.0,
    )
    return Member(backend, ttft_ms, tokens_per_s)


def fleet_of(crew: tuple[Member, ...]) -> Fleet:
    """The picture of these members."""
    return picture(len(crew), {member.backend.id: member.backend for member in crew})


ALIASES = {"gpt-4": "llama3.3:70b", "gpt-3.5-turbo": "qwen3:32b"}
ASKED = (
    ("gpt-4", 4),
    ("llama3.3:70b", 5),
    ("qwen3:32b", 5),
    ("gpt-3.5-turbo", 2),
    ("mistral-small:24b", 3),
    ("phi-4-mini", 2),
    ("nomic-embed-text", 2),
    ("gpt-4o", 2),
    ("vision-xl", 0.15),
)


class Story:
    """Tells what happens, one moment after another."""

    def __init__(self, start: float, *, degraded: bool = False, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._crew = members(start, degraded=degraded)
        self._loads = {member.backend.id: Load() for member in self._crew}
        self._running: list[tuple[float, RequestFinished]] = []
        self._number = 0
        self.now = start

    def opening(self) -> FleetSeen:
        """The picture the story begins with."""
        return FleetSeen(fleet_of(self._crew), dict(self._loads))

    def tell(self, seconds: float, per_second: float = 6.0) -> Iterator[Update]:
        """Updates of the next `seconds`, in order of time."""
        end = self.now + seconds
        while True:
            pause = self._random.expovariate(per_second * self._mood())
            if self.now + pause >= end:
                break
            self.now += pause
            yield from self._finish(self.now)
            yield from self._begin()
        yield from self._finish(end)
        self.now = end

    def _mood(self) -> float:
        """Traffic comes in waves."""
        wave = (self.now % 40) / 40
        return 0.55 + 0.9 * (1 - abs(2 * wave - 1))

    def _begin(self) -> Iterator[Update]:
        asked = self._random.choices([a for a, _ in ASKED], [w for _, w in ASKED])[0]
        model = ALIASES.get(asked, asked)
        able = [
            member
            for member in self._crew
            if member.backend.is_routable and any(m.id == model for m in member.backend.models)
        ]
        self._number += 1
        id = f"req_{self._number:06d}"
        if not able:
            known = any(m.id == model for member in self._crew for m in member.backend.models)
            status, code = (503, "no_backend_available") if known else (404, "model_not_found")
            text = f"no backend for {model} is healthy" if known else f"nobody has {model}"
            yield RequestRefused(id, self.now, asked, status, code, text)
            return
        able.sort(
            key=lambda member: self._loads[member.backend.id].pending * 20 + member.ttft_ms / 9
        )
        chosen = able[0]
        backend = chosen.backend
        score = max(20, 98 - self._loads[backend.id].pending * 6 - self._random.randrange(5))
        why = f"highest_score:{backend.name}:{score}" if len(able) > 1 else "only_healthy_backend"
        reason = RouteReason.CAPABILITY_MATCH
        yield RequestRouted(id, self.now, asked, model, backend.id, backend.name, reason, why, True)
        yield self._count(backend.id, +1)
        self._running.append(self._plan(id, asked, model, chosen, why))
        self._running.sort(key=lambda item: item[0])

    def _plan(
        self, id: str, asked: str, model: str, chosen: Member, why: str
    ) -> tuple[float, RequestFinished]:
        rng, backend = self._random, chosen.backend
        embeds = model == NOMIC.id
        ttft = chosen.ttft_ms * rng.uniform(0.7, 1.6)
        speed = chosen.tokens_per_s * rng.uniform(0.85, 1.1)
        tokens = 0 if embeds else int(rng.lognormvariate(4.3, 0.7)) + 4
        took = ttft + (12 if embeds else 1000 * tokens / speed)
        fails = rng.random() < chosen.fails
        left = not fails and rng.random() < 0.02
        done = RequestFinished(
            id,
            self.now + took / 1000,
            asked,
            model,
            backend.id,
            backend.name,
            backend.face.type,
            RouteReason.CAPABILITY_MATCH,
            why,
            not embeds,
            502 if fails else 499 if left else 200,
            error="closed the connection in mid-answer" if fails else "",
            ttft_ms=ttft,
            duration_ms=took,
            prompt_tokens=int(rng.lognormvariate(5.6, 0.9)),
            completion_tokens=None if embeds else tokens,
            tokens_per_s=None if embeds else speed,
        )
        return done.at, done

    def _finish(self, until: float) -> Iterator[Update]:
        while self._running and self._running[0][0] <= until:
            _, done = self._running.pop(0)
            yield self._count(done.backend_id, -1, done)
            yield done

    def _count(self, id: BackendId, by: int, done: RequestFinished | None = None) -> LoadChanged:
        load = self._loads[id]
        load = replace(load, pending=load.pending + by)
        if done is not None:
            speed = done.tokens_per_s
            old = load.tokens_per_s
            if speed is not None:
                speed = speed if old is None else old * 0.8 + speed * 0.2
            load = replace(
                load,
                total=load.total + 1,
                errors=load.errors + done.is_error,
                tokens_per_s=speed if speed is not None else old,
                latency_ms=done.ttft_ms,
            )
        self._loads[id] = load
        return LoadChanged(id, load)

    def turn(self, name: str, status: BackendStatus, reason: str) -> BackendChanged:
        """One backend changes its status."""
        at = next(i for i, member in enumerate(self._crew) if member.backend.name == name)
        member = self._crew[at]
        was = member.backend.status
        backend = replace(member.backend, status=status, reason=reason, since=self.now)
        self._crew = (
            *self._crew[:at],
            replace(member, backend=backend),
            *self._crew[at + 1 :],
        )
        self._number += 1
        return BackendChanged(self._number + 100, backend, was)


def scanned(now: float) -> tuple[PortProbed, ...]:
    """A scan that finds nothing."""
    refused = "connection refused"
    found = (
        ("http://127.0.0.1:11434", refused),
        ("http://127.0.0.1:1234", refused),
        ("http://127.0.0.1:8080", "answers, but not like an LLM server (HTML page)"),
        ("http://127.0.0.1:8000", "that is Nexus itself"),
        ("http://127.0.0.1:52415", refused),
    )
    return tuple(PortProbed(now - 4, url, None, detail) for url, detail in found)
