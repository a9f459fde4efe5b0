"""The told story's accounts have the shape of the gateway's own."""

from __future__ import annotations

from typing import Any, cast

from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.policy import Policy
from nexus.explain import account as real
from nexus.routing.router import decide
from nexus.telemetry.records import Records
from tests.fakes.dashboard import START
from tests.fakes.fleets import backend, fleet, needs
from tui.sources.accounts import accounts, summary
from tui.sources.story import Story

FLEET = fleet(backend("gpu-01"), backend("gpu-02"))


def genuine() -> dict[str, Any]:
    wanted = needs()
    answer = decide(wanted, FLEET, {}, Policy())
    kept = Records(lambda: START).decided("r", wanted, FLEET, {}, Policy(), 0, answer)
    return real.account(kept)


def test_an_account_of_the_story_has_the_names_of_a_real_one() -> None:
    story = Story(START, degraded=True)
    updates = [story.opening(), *story.tell(30)]
    told = accounts(updates)
    facts = genuine()
    done = next(u for u in updates if isinstance(u, RequestFinished))
    refused = next(u for u in updates if isinstance(u, RequestRefused))
    ours = cast("dict[str, Any]", told[done.request_id])
    # A gateway may tell more than the story; the story makes no name up.
    assert set(ours) <= set(facts)
    assert set(ours["needs"]) <= set(facts["needs"])
    assert set(ours["decision"]) <= set(facts["decision"])
    assert set(ours["candidates"][0]) <= set(facts["candidates"][0])
    assert set(told[refused.request_id]) <= set(facts)
    assert set(summary(ours)) < set(facts)
