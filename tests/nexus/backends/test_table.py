"""The contract of every dialect, over the whole table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.backends import table
from nexus.backends.base import Dialect, Outcome
from nexus.domain.backend import BackendType, Model, Residency
from nexus.domain.http import HttpReply
from nexus.domain.request import Endpoint
from tests.fakes.captures import said

ALL = tuple(table.DIALECTS.values())
every_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.type)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.sampled_from(
    [
        "data", "models", "id", "model", "name", "key", "object", "error", "meta", "n_ctx",
        "status",
        "value", "aliases", "capabilities", "details", "context_length", "instances", "labels",
        "shardAssignments", "modelId", "loaded_instances", "config", "architecture", "type",
        "input_modalities", "parent", "supportedGenerationMethods", "version", "max_model_len",
    ]
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


def test_every_type_has_its_dialect() -> None:
    assert set(table.DIALECTS) == set(BackendType)
    assert all(dialect.type is type for type, dialect in table.DIALECTS.items())


@every_dialect
def test_questions_are_free_and_change_nothing(dialect: Dialect) -> None:
    for call in (dialect.probe_call(), *dialect.models_calls()):
        assert call.method == "GET"
        assert call.json is None
        assert call.path.startswith("/")
        # LiteLLM's /health runs a paid completion on every model.
        assert call.path != "/health"


@every_dialect
def test_loading_is_offered_with_unloading_or_not_at_all(dialect: Dialect) -> None:
    model = Model("m", residency=Residency.INSTALLED)
    calls = (dialect.load_call(model), dialect.unload_call(model))
    assert len({call is None for call in calls}) == 1
    assert all(call.method == "POST" for call in calls if call)


@every_dialect
def test_a_refusal_of_a_lever_always_has_a_reason(dialect: Dialect) -> None:
    for status in (0, 302, 400, 401, 404, 405, 500):
        assert dialect.read_lever(HttpReply(status, b"\xff nonsense"))
    assert dialect.read_lever(said({"error": "Unexpected endpoint or method. (POST /x)"}))
    assert dialect.read_lever(HttpReply(200)) == ""


@every_dialect
def test_a_key_travels_in_a_header_and_never_in_a_path(dialect: Dialect) -> None:
    for headers in (dialect.probe_headers("sk-secret"), dialect.auth_headers("sk-secret")):
        assert any("sk-secret" in value for value in headers.values())
        assert all(name == name.lower() for name in headers)
    for endpoint in Endpoint:
        assert dialect.chat_path(endpoint).startswith("/")
        assert dialect.chat_path(endpoint).endswith(endpoint.value.removeprefix("/v1"))


@every_dialect
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0, Outcome.FAILED),
        (301, Outcome.FAILED),
        (401, Outcome.DENIED),
        (403, Outcome.DENIED),
        (404, Outcome.FAILED),
        (429, Outcome.OK),
        (500, Outcome.FAILED),
        (502, Outcome.FAILED),
        (503, Outcome.FAILED),
    ],
)
def test_a_status_is_read_alike_by_all(dialect: Dialect, status: int, outcome: Outcome) -> None:
    reading = dialect.read_probe(HttpReply(status, b"\xff\x00 nonsense"))
    assert reading.outcome is outcome
    assert reading.reason


@every_dialect
def test_a_200_with_another_servers_error_is_no_sign_of_health(dialect: Dialect) -> None:
    odd = said({"error": "Unexpected endpoint or method. (GET /x)"})
    assert dialect.read_probe(odd).outcome is Outcome.FAILED


@every_dialect
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b"null",
        b"7",
        b'{"data": "x", "models": 3, "instances": []}',
        b"[" * 50_000,
        "{'data': 'é'}".encode("latin-1"),
    ],
)
def test_an_unreadable_list_is_a_value_error_with_a_reason(dialect: Dialect, body: bytes) -> None:
    replies = [HttpReply(200, body)] * len(dialect.models_calls())
    with pytest.raises(ValueError, match=r"JSON|list|instances"):
        dialect.read_models(replies)
    assert dialect.read_state(replies).outcome is Outcome.OK


@every_dialect
def test_names_that_cannot_be_shown_or_sent_are_left_out(dialect: Dialect) -> None:
    names = ["good", "bad\r\nX-Evil: 1", "\x1b[31mred", "x" * 10_000, "", 7, None, "good"]
    listed = {
        "object": "list",
        "data": [{"id": name} for name in names],
        "models": [{"name": name} for name in names],
        "instances": {
            str(place): {"Ring": {"shardAssignments": {"modelId": name}}}
            for place, name in enumerate(names)
        },
    }
    replies = [said(listed)] * len(dialect.models_calls())
    assert [model.id for model in dialect.read_models(replies)] == ["good"]


@every_dialect
def test_unknown_is_never_called_false_without_a_word_from_the_server(dialect: Dialect) -> None:
    listed = {
        "data": [{"id": "m"}],
        "models": [{"name": "m"}],
        "instances": {"1": {"Ring": {"shardAssignments": {"modelId": "m"}}}},
    }
    replies = [said(listed)] * len(dialect.models_calls())
    (model,) = dialect.read_models(replies)
    assert model.context_length is None
    assert model.vision is None
    assert model.tools is not False
    assert model.json_mode is not False
    assert model.chat is not False


@given(value=JSON)
def test_no_json_breaks_any_dialect(value: object) -> None:
    reply = HttpReply(200, json.dumps(value).encode("utf-8", "replace"))
    for dialect in ALL:
        replies = [reply] * len(dialect.models_calls())
        assert dialect.read_probe(reply).outcome in Outcome
        dialect.read_state(replies)
        try:
            models = dialect.read_models(replies)
        except ValueError:
            continue
        assert len({model.id for model in models}) == len(models)
        dialect.detail_calls(models)
        for model in (*models, Model("x")):
            assert dialect.read_detail(model, reply).id == model.id
