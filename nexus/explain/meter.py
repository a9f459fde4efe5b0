"""What decisions cost, and which rules exclude whom: measured after the fact, on some of them.

A request pays nothing: some milliseconds after it has ended, its decision is made again from its
record, with a clock beside it. Of a few requests each is measured; of many a sample, whose
exclusions stand for those of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from types import ModuleType
from typing import Final, cast

from nexus.domain.events import Event, RequestFinished, RequestRefused
from nexus.explain.account import verdicts
from nexus.routing.router import decide
from nexus.routing.rules import RULES
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Record

SAMPLE = 3
"""Decisions measured of each batch; a batch comes twenty times a second at most."""

_NAMED: Final = tuple(
    (cast("ModuleType", rule).__name__.rpartition(".")[2], rule) for rule in RULES
)


class Meter:
    """Fills the metrics of decisions.

    Args:
        record: finds the record of a request.
        metrics: what is filled.
        clock: seconds.
    """

    def __init__(
        self,
        record: Callable[[str], Record | None],
        metrics: Metrics,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._record = record
        self._metrics = metrics
        self._clock = clock

    def see(self, events: Sequence[Event]) -> None:
        """Measure the decisions of some of these requests."""
        ids = [e.request_id for e in events if isinstance(e, RequestFinished | RequestRefused)]
        ids = list(dict.fromkeys(ids))  # a plan whose backends all left is told twice
        step = max(1, len(ids) // SAMPLE)
        sample = ids[::step][:SAMPLE]
        for request_id in sample:
            record = self._record(request_id)
            if record is not None:
                self._measure(record, len(ids) / len(sample))

    def _measure(self, record: Record, stands_for: float) -> None:
        needs, fleet, policy = record.needs, record.fleet, record.policy
        if needs is None or fleet is None or policy is None or record.answer is None:
            return
        loads, clock, metrics = dict(record.loads), self._clock, self._metrics
        began = clock()
        answer = decide(needs, fleet, loads, policy, turn=record.turn)
        metrics.decisions.add(clock() - began)
        candidates = fleet.by_model.get(answer.model, ())
        for name, rule in _NAMED:
            began = clock()
            candidates = rule.keep(candidates, needs, loads, policy)
            metrics.rules[name].add(clock() - began)
        for verdict in verdicts(record):
            if verdict.rejection is not None:
                metrics.exclusions[verdict.rejection.rule] += stands_for
