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

from nexus.domain.decision import Refusal
from nexus.domain.events import Event, RequestFinished, RequestRefused
from nexus.routing.aliases import hops, models_to_try
from nexus.routing.router import decide
from nexus.routing.rules import RULES
from nexus.routing.terms import bound, terms_of
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Record

SAMPLE = 1
"""Decisions measured of each batch; a batch comes twenty times a second at most. One costs a third
of a millisecond, in which the loop does nothing else."""

_NAMED: Final = tuple(
    (cast("ModuleType", rule).__name__.rpartition(".")[2], rule) for rule in RULES
)
_NAMES: Final = tuple(name for name, _ in _NAMED)


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
        way = hops(needs.model, fleet.by_model, policy)
        tried = answer.tried if isinstance(answer, Refusal) else models_to_try(way[-1], policy)
        took = dict.fromkeys(_NAMES, 0.0)
        for name in tried:
            asked = bound(needs, name, terms_of((*way, name), needs, policy), fleet, policy)
            candidates = fleet.by_model.get(name, ())
            for rule_name, rule in _NAMED:
                began = clock()
                kept = rule.keep(candidates, asked, loads, policy)
                took[rule_name] += clock() - began
                out = len(candidates) - len(kept)
                if out:
                    metrics.exclusions[rule_name] += out * stands_for
                candidates = kept
            if name == answer.model and not isinstance(answer, Refusal):
                break
        for rule_name, seconds in took.items():
            metrics.rules[rule_name].add(seconds)
