"""What errors taught, and for how long it is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from nexus.domain.backend import (
    BackendId,
    BackendStatus,
    Evidence,
    FactSource,
    Model,
    Residency,
    Zone,
)
from nexus.domain.events import Event
from nexus.domain.overrides import Override
from nexus.registry.registry import Registry
from tests.fakes.fleets import backend

UP = BackendStatus.HEALTHY
B = BackendId("b")
TOLD = Model("m", context_length=8192, vision=True)


def registry(*listed: Model, overrides: Sequence[Override] = ()) -> Registry:
    events: list[Event] = []
    found = Registry(events.append, lambda: 0.0)
    found.set_overrides(overrides)
    found.add(backend("b").face)
    found.set_health(B, UP, models=listed or (TOLD,))
    return found


def model(here: Registry) -> Model:
    return here.fleet().backends[B].models[0]


def test_an_error_corrects_what_the_list_said() -> None:
    here = registry()
    version = here.fleet().version
    here.learn(B, "m", {"vision": False, "context_length": 4096})

    assert (model(here).vision, model(here).context_length) == (False, 4096)
    assert model(here).source("vision") is FactSource.SERVER
    assert here.fleet().by_model["m"][0].model.vision is False
    assert here.fleet().version == version + 1


def test_the_same_lesson_twice_changes_nothing() -> None:
    here = registry()
    here.learn(B, "m", {"vision": False})
    version = here.fleet().version
    here.learn(B, "m", {"vision": False})

    assert here.fleet().version == version


def test_a_lesson_outlives_checks_that_list_the_same() -> None:
    here = registry()
    here.learn(B, "m", {"vision": False})
    here.set_health(B, UP, models=(replace(TOLD, residency=Residency.INSTALLED),))
    here.set_health(B, UP, models=(TOLD, Model("n")))

    assert model(here).vision is False


@pytest.mark.parametrize("news", [replace(TOLD, context_length=1024), replace(TOLD, vision=None)])
def test_a_list_that_says_otherwise_is_believed_again(news: Model) -> None:
    here = registry()
    here.learn(B, "m", {"vision": False})
    here.set_health(B, UP, models=(news,))

    assert model(here) == news


def test_a_model_that_was_gone_is_believed_again() -> None:
    here = registry()
    here.learn(B, "m", {"vision": False})
    here.set_health(B, UP, models=(Model("other"),))
    here.set_health(B, UP, models=(TOLD,))

    assert model(here).vision is True


def test_a_server_that_was_away_is_believed_again() -> None:
    here = registry()
    here.learn(B, "m", {"vision": False})
    here.set_health(B, BackendStatus.UNREACHABLE)

    assert model(here).vision is True


def test_a_server_that_requests_did_not_reach_is_believed_again() -> None:
    here = registry()
    here.learn(B, "m", {"vision": False})
    here.set_traffic(B, Evidence(BackendStatus.RATE_LIMITED, "429", "later"))
    assert model(here).vision is False
    here.set_traffic(B, Evidence(BackendStatus.UNREACHABLE, "refused", "soon"))
    assert model(here).vision is True


def test_a_server_of_another_version_is_believed_again() -> None:
    here = registry()
    here.set_health(B, UP, version="1")
    here.learn(B, "m", {"vision": False})
    here.set_health(B, UP, version="1")
    assert model(here).vision is False
    here.set_health(B, UP, version="2")
    assert model(here).vision is True


def test_who_left_teaches_nothing() -> None:
    here = registry()
    here.learn(B, "gone", {"vision": False})
    here.learn(BackendId("gone"), "m", {"vision": False})
    assert model(here) == TOLD
    here.learn(B, "m", {"vision": False})
    here.remove(B)
    here.add(backend("b").face)
    here.set_health(B, UP, models=(TOLD,))

    assert model(here).vision is True


def test_the_operators_word_beats_lists_and_errors() -> None:
    word = Override("m*", {"vision": True, "tools": None}, Zone.OPEN, B)
    here = registry(overrides=[word])
    here.learn(B, "m", {"vision": False})

    assert (model(here).vision, model(here).zone) == (True, Zone.OPEN)
    assert model(here).source("vision") is FactSource.CONFIG
    here.set_overrides([replace(word, backend=BackendId("other"))])
    assert (model(here).vision, model(here).zone) == (False, None)


def test_a_word_on_other_facts_leaves_a_cloud_models_zone_alone() -> None:
    word = Override("m*", {"vision": True}, None, B)
    here = registry(replace(TOLD, zone=Zone.OPEN), overrides=[word])

    assert model(here).zone is Zone.OPEN
