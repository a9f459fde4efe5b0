"""A decision that nobody carries out: what would be done, and what a client would be told. Pure."""

from __future__ import annotations

from typing import Any

from nexus.domain.decision import Refusal
from nexus.domain.fleet import Fleet
from nexus.domain.text import clean
from nexus.explain.account import account
from nexus.routing.refusal import error
from nexus.telemetry.records import Record

LONGEST = 2000
"""Characters of a refusal's sentence."""


def rehearsal(record: Record, fleet: Fleet) -> dict[str, Any]:
    """The account of a dry run.

    Args:
        record: a snapshot, not remembered.
        fleet: the whole picture, from which a refusal names what exists instead.
    """
    facts: dict[str, Any] = account(record) | {"dry_run": True, "refusal": None}
    told: list[str] = [each for each in facts["sentences"] if each != "It is still under way."]
    if isinstance(record.answer, Refusal) and record.needs is not None:
        wrong = error(record.answer, record.needs, fleet)
        message = clean(wrong.message, LONGEST)
        facts["refusal"] = {"status": wrong.status, "code": wrong.code, "message": message}
        told.append(f"It would be refused with {wrong.status} {wrong.code}: {message}")
    else:
        told.append("Nothing was sent.")
    return facts | {"sentences": told}
