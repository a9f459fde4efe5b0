"""Every dialect over every recorded server: what holds whoever answers."""

from __future__ import annotations

import pytest

from nexus.backends.base import Dialect, Outcome
from nexus.backends.table import DIALECTS
from nexus.domain.backend import CAPABILITIES, FACTS, BackendType, FactSource, Model, Residency
from nexus.domain.http import HttpReply
from tests.fakes import hearsay
from tests.fakes.captures import ROOT, everything, said

NOBODY = HttpReply(0)
RECORDED = {path.name: everything(path.name) for path in sorted(ROOT.iterdir()) if path.is_dir()}
HEARD = {
    "ollama": hearsay.OLLAMA,
    "lmstudio": hearsay.LMSTUDIO,
    "exo": hearsay.EXO,
    **{name: replies for name, (_, replies) in hearsay.PRODUCTS.items()},
}
SERVERS = RECORDED | HEARD | hearsay.IMITATORS | hearsay.STRANGERS

OWN = {
    "llamacpp": BackendType.LLAMACPP,
    "llamacpp-embed": BackendType.LLAMACPP,
    "llamacpp-vision": BackendType.LLAMACPP,
    "vllm": BackendType.VLLM,
    "vllm-embed": BackendType.VLLM,
    "ollama": BackendType.OLLAMA,
    "lmstudio": BackendType.LMSTUDIO,
    "exo": BackendType.EXO,
    "mlx-lm": BackendType.GENERIC,
    "litellm": BackendType.GENERIC,
    "OpenRouter": BackendType.GENERIC,
    "Groq": BackendType.GENERIC,
    "Together": BackendType.GENERIC,
}
every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda d: d.type)
every_server = pytest.mark.parametrize("server", SERVERS)


def replies(dialect: Dialect, server: str) -> list[HttpReply]:
    return [SERVERS[server].get(call.path, NOBODY) for call in dialect.models_calls()]


def listed(dialect: Dialect, server: str) -> tuple[Model, ...]:
    try:
        return dialect.read_models(replies(dialect, server))
    except ValueError:
        return ()


@every_dialect
@every_server
def test_every_fact_has_a_source_and_every_source_a_fact(dialect: Dialect, server: str) -> None:
    for model in listed(dialect, server):
        known = {fact for fact in FACTS if getattr(model, fact) is not None}
        assert {fact for fact, _ in model.sources} == known
        assert FactSource.GUESS not in dict(model.sources).values()
        assert all(getattr(model, name) in (True, False, None) for name in CAPABILITIES)
        assert model.residency is None or model.residency in Residency


@every_dialect
@every_server
def test_whoever_answers_the_rest_is_read_without_a_fault(dialect: Dialect, server: str) -> None:
    answers = replies(dialect, server)
    state, load = dialect.read_state(answers), dialect.read_load(answers)
    assert state.outcome in Outcome
    assert all(n is None or n >= 0 for n in (load.slots, load.running, load.waiting))
    for reply in SERVERS[server].values():
        dialect.read_probe(reply)
        assert dialect.read_count(reply) is None or dialect.count_call("m", "text") is not None
        for model in listed(dialect, server):
            assert dialect.read_detail(model, reply).id == model.id


@pytest.mark.parametrize("server", OWN)
def test_a_dialect_lists_the_models_of_its_own_server(server: str) -> None:
    dialect = DIALECTS[OWN[server]]
    models = dialect.read_models(replies(dialect, server))
    assert models
    assert len({id(model.sources) for model in models}) <= len({m.sources for m in models})


def test_groq_models_that_are_not_served_any_more_are_left_out() -> None:
    entries = [{"id": "old", "active": False}, {"id": "new", "active": True}]
    reply = said({"object": "list", "data": entries})
    assert [m.id for m in DIALECTS[BackendType.GENERIC].read_models([reply])] == ["new"]


def test_a_router_tells_where_each_of_its_models_is() -> None:
    dialect = DIALECTS[BackendType.LLAMACPP]
    words = ("unloaded", "loading", "loaded", "sleeping", "failed", "news")
    entries = [{"id": word, "status": {"value": word}} for word in words]
    models = dialect.read_models([said({"data": entries}), NOBODY, NOBODY, NOBODY])
    assert {model.id: model.residency for model in models} == {
        "unloaded": Residency.INSTALLED,
        "loading": Residency.LOADING,
        "loaded": Residency.LOADED,
        "sleeping": Residency.SLEEPING,
        "failed": Residency.INSTALLED,
        "news": Residency.INSTALLED,
    }


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("/ip4/192.168.1.9/tcp/52415", False),
        ("/ip4/100.101.102.103/tcp/1", False),
        ("/ip4/8.8.8.8/tcp/52415", True),
        ("/ip6/2606:4700::1111/tcp/1", True),
    ],
)
def test_an_exo_cluster_with_a_peer_outside_is_open(address: str, is_open: bool) -> None:
    dialect = DIALECTS[BackendType.EXO]
    state = {
        "topology": {"connections": {"a": {"b": [{"sinkMultiaddr": {"address": address}}]}}},
        "instances": {"i": {"Ring": {"shardAssignments": {"modelId": "m"}}}},
    }
    answers = [said(state), NOBODY]
    (model,) = dialect.read_models(answers)
    assert (model.zone is not None) is is_open
    assert ("outside your network" in dialect.read_state(answers).reason) is is_open


def test_lemonade_labels_say_what_a_model_can_and_nothing_else() -> None:
    entries: list[dict[str, object]] = [
        {"id": "see", "labels": ["vision", "tool-calling"], "max_context_window": 8192},
        {"id": "embed", "labels": ["embeddings"]},
        {"id": "rank", "labels": ["reranking"]},
        {"id": "plain", "labels": []},
    ]
    reply = said({"object": "list", "data": entries})
    models = {m.id: m for m in DIALECTS[BackendType.GENERIC].read_models([reply])}
    assert (models["see"].vision, models["see"].tools, models["see"].audio) == (True, True, None)
    assert models["see"].context_length == 8192
    assert (models["embed"].embeddings, models["embed"].chat) == (True, False)
    assert models["rank"].chat is False
    assert models["plain"].sources == ()


def test_tabbyapi_tells_its_window_among_its_parameters() -> None:
    reply = said({"data": [{"id": "m", "owned_by": "tabbyAPI", "parameters": {"max_seq_len": 4}}]})
    (model,) = DIALECTS[BackendType.GENERIC].read_models([reply])
    assert model.context_length == 4
