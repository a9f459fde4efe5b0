"""Records in memory as what a what-if asks of the past. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nexus.domain.events import RequestFinished
from nexus.domain.history import Asked
from nexus.domain.request import Needs
from nexus.telemetry.records import Record


def asked(records: Iterable[Record]) -> Iterator[Asked]:
    """Those that were readable and have ended, in their order."""
    shapes: dict[Needs, Needs] = {}
    for record in records:
        needs, ended = record.needs, record.ended
        if needs is None or ended is None:
            continue
        plain = replace(needs, model="", prompt_tokens=0, max_tokens=None, affinity="")
        went = isinstance(ended, RequestFinished)
        yield Asked(
            record.at,
            record.request_id,
            needs.model,
            shapes.setdefault(plain, plain),
            needs.prompt_tokens,
            needs.max_tokens,
            needs.tenant,
            ended.backend if went else "",
            ended.status,
            ended.duration_ms if went else 0.0,
        )
