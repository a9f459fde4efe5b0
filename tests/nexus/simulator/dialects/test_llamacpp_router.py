"""The simulated llama.cpp router against recordings of the real one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nexus.domain.backend import BackendType, Model, Residency
from nexus.simulator.dialects.base import Moved, Situation
from nexus.simulator.dialects.table import DIALECTS
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import captured, shape
from tests.fakes.rehearsal import TINY, ask, situation

CHAT = replace(TINY, id="tiny-chat")
SLOW = replace(TINY, id="slow", residency=Residency.INSTALLED)


def here(*models: Model) -> Situation:
    return situation(BackendType.LLAMACPP, *(models or (CHAT, SLOW)))


COLD = here(replace(CHAT, residency=Residency.INSTALLED), replace(SLOW, residency=Residency.LOADED))


@pytest.mark.parametrize(
    ("case", "now"),
    [
        ("props", here()),
        ("load", COLD),
        ("load_again", here()),
        ("load_unknown", here()),
        ("unload", COLD),
        ("unload_not_loaded", COLD),
        ("err_no_model", here()),
        ("err_unknown_model", here()),
        ("metrics_no_model", here()),
    ],
)
def test_the_router_answers_in_the_recorded_shape(case: str, now: Situation) -> None:
    real = captured("llamacpp-router", case)
    path, _, query = real.path.partition("?")

    reply = ask(now, Request(real.method, path, query, real.headers, real.body))

    assert isinstance(reply, Reply)
    assert reply.status == real.status
    assert shape(json.loads(reply.body)) == shape(real.json)


def test_what_a_router_has_not_loaded_has_no_meta_and_says_where_it_is() -> None:
    loading = replace(here(), arriving=frozenset({"slow"}))

    def listed(now: Situation) -> dict[str, dict[str, object]]:
        reply = ask(now, Request("GET", "/v1/models"))
        assert isinstance(reply, Reply)
        return {entry["id"]: entry for entry in json.loads(reply.body)["data"]}

    found = listed(here())
    assert ("meta" in found["tiny-chat"], "meta" in found["slow"]) == (True, False)
    values = [one["status"]["value"] for one in (*found.values(), listed(loading)["slow"])]  # type: ignore[index]
    assert values == ["loaded", "unloaded", "loading"]


def test_the_properties_of_a_models_own_server_are_asked_for_by_name() -> None:
    reply = ask(here(), Request("GET", "/props", "model=tiny-chat&autoload=false"))
    cold = ask(here(), Request("GET", "/props", "model=slow&autoload=false"))

    assert isinstance(reply, Reply)
    assert isinstance(cold, Reply)
    assert json.loads(reply.body)["model_alias"] == "tiny-chat"
    assert cold.status == 400


def test_a_model_named_in_a_wish_is_the_one_that_moves() -> None:
    body = json.dumps({"model": "slow"}).encode()
    dialect = DIALECTS[BackendType.LLAMACPP]

    moved = dialect.answer(Request("POST", "/models/load", body=body), here())

    assert isinstance(moved, Moved)
    assert (moved.load, moved.at_once) == (frozenset({"slow"}), True)
