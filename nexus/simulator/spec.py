"""What a simulated server is: its dialect, models, speed and place in a fleet. Values only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from nexus.domain.backend import BackendType, Model, Zone

INSTANT = math.inf
"""A speed in tokens per second that costs no time at all; what tests use."""

TRAINED_FACTOR = 4
"""Trained context over running context, where a dialect reports both (they differ in real life)."""


@dataclass(frozen=True, slots=True)
class SimSpec:
    """One simulated server. The defaults answer at once, as tests want it."""

    name: str
    type: BackendType
    models: tuple[Model, ...]
    slots: int = 4
    """Generations at a time; more wait in line, first come first served."""
    prefill_tps: float = INSTANT
    """Prompt tokens read per second."""
    decode_tps: float = INSTANT
    """Tokens written per second and generation."""
    jitter: float = 0.0
    """Relative spread of each wait, 0..1."""
    load_s: float = 0.0
    """Seconds after start during which the server is not ready."""
    model_load_s: float = 0.0
    """Seconds that the first request of a model that is only installed waits."""
    answer_tokens: tuple[int, int] = (16, 48)
    """Shortest and longest answer when the client sets no limit, tokens."""
    api_key: str | None = None
    """When set, requests must carry it."""
    keep_alive_s: float | None = None
    """Idle seconds before a connection is closed; None takes the dialect's habit."""
    zone: Zone = Zone.RESTRICTED
    priority: int = 50
    seed: int = 0


class Member(Protocol):
    """A running server of a demo fleet, simulated or real."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str:
        """Scheme, host and port; no trailing slash."""
        ...

    @property
    def type(self) -> BackendType: ...
    @property
    def zone(self) -> Zone: ...
    @property
    def priority(self) -> int: ...
    @property
    def real(self) -> bool:
        """True when it computes its answers."""
        ...
