"""What would be, as JSON: outcomes of what-if and of policy tests. Pure; texts are cleaned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nexus.domain.text import clean
from nexus.explain.candidates import rounded
from nexus.explain.pressure import Pressure
from nexus.explain.promises import Counterexample, Verdict
from nexus.explain.what_if import WhatIf

MOST_ROWS = 200
"""Rows of each list; the rest is counted."""

WHY_CHARS = 500


def what_if_told(found: WhatIf, notes: Iterable[str] = ()) -> dict[str, Any]:
    """An outcome of `what_if`."""
    refused = sum(each.requests for each in found.refused)
    return {
        "requests": found.requests,
        "different": found.shapes,
        "first_at": found.first_at,
        "last_at": found.last_at,
        "stay": found.stay,
        "moved": found.moved,
        "refused_count": refused,
        "still_refused": found.still_refused,
        "lost_anyway": found.lost_anyway,
        "served_now_count": sum(count for _, _, count in found.served_now),
        "moves": [
            {
                "model": clean(each.model),
                "from": clean(each.source),
                "to": clean(each.target),
                "served_by": clean(each.served),
                "requests": each.requests,
                "leaves_zone": each.leaves_zone,
            }
            for each in found.moves[:MOST_ROWS]
        ],
        "refused": [
            {
                "model": clean(each.model),
                "status": each.status,
                "code": each.code,
                "why": clean(each.why, WHY_CHARS),
                "requests": each.requests,
            }
            for each in found.refused[:MOST_ROWS]
        ],
        "served_now": [
            {"model": clean(model), "to": clean(to), "requests": count}
            for model, to, count in found.served_now[:MOST_ROWS]
        ],
        "pressure": [_pressure(each) for each in found.pressure[:MOST_ROWS]],
        "notes": list(notes),
    }


def _pressure(each: Pressure) -> dict[str, Any]:
    return {
        "backend": clean(each.backend),
        "places": each.places,
        "requests_before": each.requests_before,
        "requests_after": each.requests_after,
        "peak_before": each.peak_before,
        "peak_after": each.peak_after,
        "over_before_s": rounded(each.over_before_s),
        "over_after_s": rounded(each.over_after_s),
        "overloads": each.overloads,
    }


def verdicts_told(verdicts: Iterable[Verdict], notes: Iterable[str] = ()) -> dict[str, Any]:
    """An outcome of a policy test."""
    results = [
        {
            "name": each.name,
            "holds": each.broken is None,
            "worlds": each.worlds,
            "counterexample": None if each.broken is None else _broken(each.broken),
        }
        for each in verdicts
    ]
    return {
        "holds": all(each["holds"] for each in results),
        "results": results,
        "notes": list(notes),
    }


def _broken(broken: Counterexample) -> dict[str, Any]:
    return {
        "lost": [{"backend": clean(name), "how": "down"} for name in broken.loss.down]
        + [{"backend": clean(name), "how": "gone"} for name in broken.loss.gone],
        "lost_words": clean(broken.loss.words, 400),
        "backend": broken.backend or None,
        "model": clean(broken.model),
        "zone": None if broken.zone is None else broken.zone.value,
        "why": clean(broken.why, WHY_CHARS),
    }
