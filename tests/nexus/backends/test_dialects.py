"""Each dialect over what its server really answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexus.backends.base import Outcome
from nexus.backends.table import DIALECTS
from nexus.domain.backend import BackendType, FactSource, Model, Residency, Zone
from nexus.domain.http import HttpReply
from tests.fakes import hearsay
from tests.fakes.captures import capture, recorded, said

NOBODY = HttpReply(0)
LLAMACPP = DIALECTS[BackendType.LLAMACPP]
VLLM = DIALECTS[BackendType.VLLM]
OLLAMA = DIALECTS[BackendType.OLLAMA]
LMSTUDIO = DIALECTS[BackendType.LMSTUDIO]
EXO = DIALECTS[BackendType.EXO]
OPENAI = DIALECTS[BackendType.OPENAI]
GENERIC = DIALECTS[BackendType.GENERIC]


def models(type: BackendType, server: dict[str, HttpReply]) -> dict[str, Model]:
    """What a check would list of a server that answers like this."""
    dialect = DIALECTS[type]
    replies = [server.get(call.path, NOBODY) for call in dialect.models_calls()]
    return {model.id: model for model in dialect.read_models(replies)}


# ---- llama.cpp


def test_llamacpp_context_is_that_of_a_slot_and_not_the_trained_one() -> None:
    (model,) = models(BackendType.LLAMACPP, recorded("llamacpp/models", "llamacpp/props")).values()
    assert model == Model(
        "tiny",
        context_length=512,
        vision=False,
        audio=False,
        tools=True,
        json_mode=True,
        residency=Residency.LOADED,
        sources=model.sources,
    )
    assert model.source("context_length") is FactSource.SERVER
    assert model.source("json_mode") is FactSource.CATALOGUE
    assert model.source("reasoning") is None


def test_llamacpp_context_comes_from_props_where_the_list_has_none() -> None:
    listed = said({"object": "list", "data": [{"id": "old", "meta": {"n_ctx_train": 4096}}]})
    server = {"/v1/models": listed, "/props": capture("llamacpp/props")}
    assert models(BackendType.LLAMACPP, server)["old"].context_length == 512


def test_llamacpp_lists_its_model_without_props() -> None:
    (model,) = models(BackendType.LLAMACPP, recorded("llamacpp/models")).values()
    assert (model.context_length, model.tools, model.vision) == (512, None, False)


def test_llamacpp_with_a_projector_can_see() -> None:
    server = recorded("llamacpp-vision/models", "llamacpp-vision/props")
    assert models(BackendType.LLAMACPP, server)["tiny"].vision is True


def test_llamacpp_does_not_say_whether_it_embeds_so_nobody_does() -> None:
    (model,) = models(BackendType.LLAMACPP, recorded("llamacpp-embed/models")).values()
    assert (model.embeddings, model.chat) == (None, None)


def test_llamacpp_that_loads_is_loading_and_not_ill() -> None:
    reading = LLAMACPP.read_probe(capture("llamacpp-loading/models_loading"))
    assert (reading.outcome, reading.reason) == (Outcome.LOADING, "Loading model")


def test_llamacpp_without_the_right_key_says_so() -> None:
    reading = LLAMACPP.read_probe(capture("llamacpp-auth/models_no_key"))
    assert (reading.outcome, reading.reason) == (Outcome.DENIED, "HTTP 401: Invalid API Key")


def test_llamacpp_asleep_keeps_its_model_because_a_request_wakes_it() -> None:
    server = recorded("llamacpp-auth/models_sleeping", "llamacpp-auth/props_sleeping")
    replies = [server.get(call.path, NOBODY) for call in LLAMACPP.models_calls()]
    assert LLAMACPP.read_probe(replies[0]).outcome is Outcome.OK
    assert LLAMACPP.read_state(replies).outcome is Outcome.SLEEPING
    asleep = models(BackendType.LLAMACPP, server)["tiny"]
    assert (asleep.residency, asleep.loaded) == (Residency.SLEEPING, True)


def test_llamacpp_aliases_are_names_too() -> None:
    listed = said({"data": [{"id": "a", "aliases": ["a", "b", ""], "meta": {"n_ctx": 64}}]})
    found = models(BackendType.LLAMACPP, {"/v1/models": listed})
    assert {name: model.context_length for name, model in found.items()} == {"a": 64, "b": 64}


def test_llamacpp_router_tells_loaded_from_unloaded() -> None:
    server = recorded("llamacpp-router/models_two_loaded", "llamacpp-router/props")
    found = models(BackendType.LLAMACPP, server)
    assert {name: model.loaded for name, model in found.items()} == {
        "slow": False,
        "tiny-chat": True,
        "tiny-think": True,
    }
    assert found["tiny-chat"].context_length == 512
    assert found["slow"].context_length is None
    assert found["slow"].vision is None  # the router guesses for what it has not loaded


def test_llamacpp_router_is_asked_for_details_only_of_what_is_loaded() -> None:
    server = recorded("llamacpp-router/models_two_loaded", "llamacpp-router/props")
    found = models(BackendType.LLAMACPP, server)
    calls = LLAMACPP.detail_calls(list(found.values()))
    assert set(calls) == {"tiny-chat", "tiny-think"}
    assert all("autoload=false" in call.path for call in calls.values())
    detailed = LLAMACPP.read_detail(found["tiny-chat"], capture("llamacpp-router/props_model"))
    assert (detailed.tools, detailed.vision) == (True, False)


def test_only_llamacpp_needs_streams_for_cancelling() -> None:
    assert [type for type, dialect in DIALECTS.items() if dialect.unary_by_stream] == [
        BackendType.LLAMACPP
    ]


# ---- vLLM


def test_vllm_context_is_max_model_len_and_the_rest_is_unknown() -> None:
    (model,) = models(BackendType.VLLM, recorded("vllm/models", "vllm/version")).values()
    assert model == Model(
        "tiny",
        context_length=512,
        json_mode=True,
        residency=Residency.LOADED,
        sources=(
            ("context_length", FactSource.SERVER),
            ("json_mode", FactSource.CATALOGUE),
        ),
    )


def test_vllm_tells_its_version() -> None:
    server = recorded("vllm/models", "vllm/version", "vllm/is_sleeping")
    reading = VLLM.read_state([server.get(call.path, NOBODY) for call in VLLM.models_calls()])
    assert (reading.outcome, reading.version) == (Outcome.OK, "0.32.0")


def test_vllm_asleep_is_not_ready_although_it_says_healthy() -> None:
    awake = capture("vllm-think/is_sleeping")
    asleep = said({"is_sleeping": True})
    listed = capture("vllm/models")
    assert VLLM.read_state([listed, NOBODY, awake]).outcome is Outcome.OK
    reading = VLLM.read_state([listed, NOBODY, asleep])
    assert reading.outcome is Outcome.SLEEPING
    assert "wake_up" in reading.reason


def test_vllm_adapter_has_the_window_of_its_base() -> None:
    listed = said(
        {
            "data": [
                {"id": "base", "max_model_len": 8192},
                {"id": "lora", "parent": "base", "max_model_len": None},
            ]
        }
    )
    assert models(BackendType.VLLM, {"/v1/models": listed})["lora"].context_length == 8192


def test_vllm_refusal_that_is_a_bare_text_is_read() -> None:
    reading = VLLM.read_probe(capture("vllm-think/err_no_key"))
    assert (reading.outcome, reading.reason) == (Outcome.DENIED, "HTTP 401: Unauthorized")


# ---- Ollama


def test_ollama_capabilities_come_from_its_tags() -> None:
    found = models(BackendType.OLLAMA, hearsay.OLLAMA)
    assert found["llava:7b"].vision is True
    assert found["llava:7b"].tools is False
    assert found["qwen3:8b"].reasoning is True
    assert found["nomic-embed-text:latest"].embeddings is True
    assert found["nomic-embed-text:latest"].chat is False
    assert found["llama3.2:latest"].embeddings is None  # Ollama embeds with chat models too


def test_ollama_context_of_a_loaded_model_is_the_running_one() -> None:
    found = models(BackendType.OLLAMA, hearsay.OLLAMA)
    assert (found["llama3.2:latest"].context_length, found["llama3.2:latest"].loaded) == (
        4096,
        True,
    )
    assert (found["qwen3:8b"].context_length, found["qwen3:8b"].loaded) == (131072, False)


def test_ollama_models_that_run_at_ollama_com_are_zone_open_and_the_reason_says_so() -> None:
    found = models(BackendType.OLLAMA, hearsay.OLLAMA)
    zones = {name: model.zone for name, model in found.items() if model.zone is not None}
    assert zones == {"gpt-oss:120b-cloud": Zone.OPEN, "kimi-k2:cloud": Zone.OPEN}
    assert found["kimi-k2:cloud"].residency is None
    replies = [hearsay.OLLAMA_TAGS, hearsay.OLLAMA_PS, hearsay.OLLAMA_VERSION]
    reading = OLLAMA.read_state(replies)
    assert reading.version == "0.33.0"
    assert reading.reason.startswith("2 models are cloud models (zone open)")


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("llama3:cloud", False),
        ("gpt-oss:120b-cloud", False),
        ("gpt-oss:120B-Cloud", False),
        ("cloud-model:8b", True),
        ("my-cloud", True),
        ("llama3:cloud-local", True),
        ("llama3:cloud:local", True),
    ],
)
def test_ollama_cloud_is_told_by_the_tag(name: str, local: bool) -> None:
    tags = said({"models": [hearsay.ollama_tag(name)]})
    zone = models(BackendType.OLLAMA, {"/api/tags": tags})[name].zone
    assert zone is (None if local else Zone.OPEN)


@pytest.mark.parametrize("field", ["remote_host", "remote_model"])
def test_ollama_cloud_is_told_by_where_it_runs_whatever_its_name(field: str) -> None:
    tags = said({"models": [hearsay.ollama_tag("innocent:8b", **{field: "elsewhere"})]})
    (model,) = models(BackendType.OLLAMA, {"/api/tags": tags}).values()
    assert model.zone is Zone.OPEN


def test_old_ollama_is_asked_for_each_model() -> None:
    tags = said({"models": [{"name": "old:7b", "details": {"family": "llama"}}]})
    (model,) = models(BackendType.OLLAMA, {"/api/tags": tags}).values()
    calls = OLLAMA.detail_calls([model])
    assert calls["old:7b"].method == "POST"
    assert calls["old:7b"].json == {"model": "old:7b"}
    shown = {
        "capabilities": ["completion", "vision"],
        "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
    }
    detailed = OLLAMA.read_detail(model, said(shown))
    assert (detailed.context_length, detailed.vision, detailed.tools) == (8192, True, False)
    preset = OLLAMA.read_detail(model, said(shown | {"parameters": "stop x\nnum_ctx    2048\n"}))
    assert preset.context_length == 2048
    assert OLLAMA.read_detail(model, said({"error": "not found"}, 404)) == model


def test_ollama_is_asked_for_what_is_missing_only() -> None:
    half = said({"models": [hearsay.ollama_tag("half:7b", details={})]})
    (model,) = models(BackendType.OLLAMA, {"/api/tags": half}).values()
    assert set(OLLAMA.detail_calls([model])) == {"half:7b"}
    shown = said({"model_info": {"llama.context_length": 8192}, "capabilities": ["completion"]})
    running = replace(model, context_length=2048, residency=Residency.LOADED)
    assert OLLAMA.read_detail(running, shown).context_length == 2048
    unknown = replace(running, context_length=None)
    assert OLLAMA.read_detail(unknown, shown).context_length == 8192


def test_ollama_is_not_asked_about_cloud_models_since_it_would_ask_further() -> None:
    tags = said({"models": [{"name": "kimi:cloud"}, {"name": "old:7b"}]})
    found = models(BackendType.OLLAMA, {"/api/tags": tags})
    assert set(OLLAMA.detail_calls(list(found.values()))) == {"old:7b"}


def test_ollama_that_hears_says_so() -> None:
    tags = said({"models": [hearsay.ollama_tag("ear:7b", capabilities=["completion", "audio"])]})
    assert models(BackendType.OLLAMA, {"/api/tags": tags})["ear:7b"].audio is True
    assert models(BackendType.OLLAMA, hearsay.OLLAMA)["llava:7b"].audio is False


def test_llamacpp_router_is_believed_when_it_says_that_an_unloaded_model_sees() -> None:
    entry = {
        "id": "m",
        "status": {"value": "unloaded"},
        "architecture": {"input_modalities": ["text", "image"]},
    }
    found = models(BackendType.LLAMACPP, {"/v1/models": said({"data": [entry]})})
    assert found["m"].vision is True


def test_new_ollama_needs_no_second_round() -> None:
    found = models(BackendType.OLLAMA, hearsay.OLLAMA)
    assert OLLAMA.detail_calls(list(found.values())) == {}


def test_empty_ollama_lists_nothing_and_that_is_no_error() -> None:
    assert models(BackendType.OLLAMA, {"/api/tags": said({"models": None})}) == {}
    assert models(BackendType.OLLAMA, {"/api/tags": said({"models": []})}) == {}


# ---- LM Studio


@pytest.mark.parametrize("path", ["/api/v1/models", "/api/v0/models"])
def test_lmstudio_tells_the_same_by_its_old_and_its_new_list(path: str) -> None:
    server = {"/v1/models": hearsay.LMSTUDIO_LIST, path: hearsay.LMSTUDIO[path]}
    other = {"/api/v1/models", "/api/v0/models"} - {path}
    server |= dict.fromkeys(other, hearsay.LMSTUDIO_ODD)
    found = models(BackendType.LMSTUDIO, server)
    qwen, gemma = found["qwen/qwen3-8b"], found["google/gemma-3-4b"]
    assert (qwen.loaded, qwen.vision, qwen.tools, qwen.json_mode) == (True, False, True, True)
    assert qwen.context_length in (4096, 8192)
    assert (gemma.loaded, gemma.vision, gemma.context_length) == (False, True, 131072)
    assert gemma.tools is None  # not trained for tools, and prompted for them all the same
    embed = found["text-embedding-nomic"]
    assert (embed.embeddings, embed.chat) == (True, False)


def test_lmstudio_key_promises_the_smallest_window_of_its_instances() -> None:
    found = models(BackendType.LMSTUDIO, hearsay.LMSTUDIO)
    assert found["qwen/qwen3-8b"].context_length == 4096
    assert found["qwen/qwen3-8b:2"].context_length == 4096


def test_lmstudio_lists_only_names_that_a_request_may_use() -> None:
    listed = said({"object": "list", "data": [{"id": "qwen/qwen3-8b"}]})
    server = {**hearsay.LMSTUDIO, "/v1/models": listed}
    assert set(models(BackendType.LMSTUDIO, server)) == {"qwen/qwen3-8b"}


# ---- exo


def test_exo_lists_only_what_has_a_running_instance() -> None:
    (model,) = models(BackendType.EXO, hearsay.EXO).values()
    assert model.id == "mlx-community/Qwen3-VL"
    assert (model.context_length, model.vision, model.tools) == (131072, True, True)
    assert (model.reasoning, model.embeddings, model.json_mode) == (True, False, None)


def test_exo_without_an_instance_says_why_it_lists_nothing() -> None:
    idle = said({"instances": {}})
    assert models(BackendType.EXO, {"/state": idle, "/v1/models": hearsay.EXO_LIST}) == {}
    assert "no model instance" in EXO.read_state([idle, hearsay.EXO_LIST]).reason


def test_exo_that_tells_no_catalogue_still_lists_what_runs() -> None:
    (model,) = models(BackendType.EXO, {"/state": hearsay.EXO_STATE}).values()
    assert model.context_length is None


# ---- clouds and the rest


@pytest.mark.parametrize(
    ("name", "context", "vision", "chat"),
    [
        ("gpt-4o", 128_000, True, True),
        ("gpt-4o-mini-2024-07-18", 128_000, True, True),
        ("gpt-4.1", 1_047_576, True, True),
        ("o3-mini", 200_000, False, True),
        ("gpt-3.5-turbo", 16_385, False, True),
        ("text-embedding-3-small", 8_192, False, False),
        ("whisper-1", None, None, False),
        ("gpt-99-ultra", None, None, None),
        ("gpt-4o-audio-preview", None, None, None),
        ("ft:gpt-4o:org::id", None, None, None),
    ],
)
def test_openai_models_have_their_documented_facts(
    name: str, context: int | None, vision: bool | None, chat: bool | None
) -> None:
    listed = said({"object": "list", "data": [{"id": name, "object": "model", "created": 1}]})
    model = models(BackendType.OPENAI, {"/v1/models": listed})[name]
    assert (model.context_length, model.vision, model.chat) == (context, vision, chat)
    assert model.embeddings is (True if name.startswith("text-embedding") else model.embeddings)


def test_openai_list_beats_what_we_remember() -> None:
    listed = said({"data": [{"id": "gpt-4o", "context_window": 256_000}]})
    model = models(BackendType.OPENAI, {"/v1/models": listed})["gpt-4o"]
    assert (model.context_length, model.tools) == (256_000, True)


def test_a_generic_server_is_believed_in_every_known_field() -> None:
    listed = said(
        [
            {"id": "together", "context_length": 32768, "type": "embedding"},
            {"id": "groq", "context_window": 131072, "max_completion_tokens": 8192},
            {
                "id": "openrouter",
                "context_length": 200000,
                "architecture": {"input_modalities": ["text", "image"]},
                "supported_parameters": ["tools", "reasoning"],
                "top_provider": {"max_completion_tokens": 4096},
            },
            {
                "id": "mistral",
                "max_context_length": 32768,
                "capabilities": {
                    "completion_chat": True,
                    "function_calling": True,
                    "vision": False,
                },
            },
            {"id": "lemonade", "labels": ["vision", "tool-calling"], "context_length": 4096},
        ]
    )
    found = models(BackendType.GENERIC, {"/v1/models": listed})
    assert (found["together"].embeddings, found["together"].chat) == (True, False)
    assert (found["groq"].context_length, found["groq"].max_output_tokens) == (131072, 8192)
    router = found["openrouter"]
    assert (router.vision, router.audio, router.tools, router.json_mode) == (
        True,
        False,
        True,
        False,
    )
    assert router.max_output_tokens == 4096
    assert (found["mistral"].tools, found["mistral"].vision, found["mistral"].chat) == (
        True,
        False,
        True,
    )
    assert (found["lemonade"].vision, found["lemonade"].json_mode) == (True, None)


@pytest.mark.parametrize("server", ["mlx-lm", "litellm"])
def test_bare_lists_give_names_and_no_guesses(server: str) -> None:
    (model,) = models(BackendType.GENERIC, recorded(f"{server}/models")).values()
    assert model == Model(model.id)


def test_transformers_serve_lists_nothing_and_that_is_its_way() -> None:
    assert models(BackendType.GENERIC, recorded("transformers-serve/models")) == {}


def test_a_redirect_says_where_to_go() -> None:
    reply = HttpReply(301, b"", {"location": "https://gpu.example/v1/models"})
    assert "https://gpu.example/v1/models" in GENERIC.read_probe(reply).reason


def test_google_lists_limits_and_relays_to_its_openai_path() -> None:
    listed = said(
        {
            "models": [
                {
                    "name": "models/gemini-2.5-flash",
                    "inputTokenLimit": 1048576,
                    "outputTokenLimit": 65536,
                    "supportedGenerationMethods": ["generateContent"],
                    "thinking": True,
                },
                {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
            ]
        }
    )
    google = DIALECTS[BackendType.GOOGLE]
    flash, embed = google.read_models([listed])
    assert (flash.id, flash.context_length, flash.max_output_tokens) == (
        "gemini-2.5-flash",
        1048576,
        65536,
    )
    assert (flash.chat, embed.chat, embed.embeddings) == (True, False, True)
    assert google.probe_headers("k") == {"x-goog-api-key": "k"}


def test_anthropic_is_asked_with_its_own_headers() -> None:
    headers = DIALECTS[BackendType.ANTHROPIC].probe_headers("k")
    assert headers == {"x-api-key": "k", "anthropic-version": "2023-06-01"}


# ---- levers


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("llamacpp-router/load", ""),
        ("llamacpp-router/load_again", ""),
        ("llamacpp-router/unload", ""),
        ("llamacpp-router/unload_not_loaded", ""),
        ("llamacpp-router/load_unknown", "router mode"),
        ("llamacpp-router/err_unknown_model", "HTTP 400: model 'no-such' not found"),
    ],
)
def test_a_router_that_has_nothing_to_do_has_done_it(case: str, why: str) -> None:
    reason = LLAMACPP.read_lever(capture(case))
    assert reason == why or (why and why in reason)


def test_vllm_says_what_it_was_not_started_with() -> None:
    assert VLLM.read_lever(capture("vllm-think/sleep")) == ""
    assert "VLLM_SERVER_DEV_MODE" in VLLM.read_lever(hearsay.NOT_FOUND)


def test_ollama_leaves_what_runs_at_ollama_com_alone() -> None:
    cloud = Model("kimi-k2:cloud", zone=Zone.OPEN)
    assert (OLLAMA.load_call(cloud), OLLAMA.unload_call(cloud)) == (None, None)


def test_ollama_loads_an_embedding_model_by_the_only_path_that_takes_it() -> None:
    call = OLLAMA.load_call(Model("nomic", chat=False))
    assert call is not None
    assert (call.path, call.json) == ("/api/embed", {"model": "nomic", "input": ""})


def test_lmstudio_before_its_own_interface_says_so() -> None:
    assert "0.4" in LMSTUDIO.read_lever(said({"error": "Unexpected endpoint or method. (POST /x)"}))


# ---- what says more beside its list

KOBOLD_LIST = said(
    {
        "object": "list",
        "data": [{"id": "koboldcpp/tiny", "owned_by": "koboldcpp", "root": "koboldcpp"}],
    }
)
KOBOLD = {
    "/api/extra/true_max_context_length": said({"value": 8192}),
    "/api/extra/version": said(
        {"result": "KoboldCpp", "version": "1.99", "vision": True, "audio": False}
    ),
}


def more(listed: HttpReply, server: dict[str, HttpReply]) -> list[HttpReply]:
    return [listed, *(server.get(call.path, NOBODY) for call in GENERIC.more_calls([listed]))]


def test_koboldcpp_tells_its_window_and_what_it_perceives() -> None:
    replies = more(KOBOLD_LIST, KOBOLD)
    (model,) = GENERIC.read_models(replies)
    assert (model.context_length, model.vision, model.audio) == (8192, True, False)
    assert model.source("context_length") is FactSource.SERVER
    assert GENERIC.read_state(replies).version == "1.99"


def test_koboldcpp_that_says_nothing_more_is_listed_all_the_same() -> None:
    (model,) = GENERIC.read_models(more(KOBOLD_LIST, {}))
    assert (model.id, model.context_length, model.vision) == ("koboldcpp/tiny", None, None)


def test_tgi_tells_its_window_and_how_many_it_takes() -> None:
    _, server = hearsay.PRODUCTS["TGI"]
    replies = more(server["/v1/models"], server)
    (model,) = GENERIC.read_models(replies)
    assert model.context_length == 4096
    assert GENERIC.read_load(replies).slots == 128
    assert GENERIC.read_state(replies).version == "3.3.4"


@pytest.mark.parametrize(
    "listed",
    [
        said({"object": "list", "data": [{"id": "m", "created": 1, "owned_by": "m"}]}),
        said({"object": "list", "data": [{"id": name, "owned_by": name} for name in "ab"]}),
        said({"object": "list", "data": []}),
        said({"detail": "Not Found"}, 404),
        HttpReply(200, b"<html>"),
    ],
)
def test_no_other_server_is_asked_for_more(listed: HttpReply) -> None:
    assert GENERIC.more_calls([listed]) == ()


def test_more_is_asked_for_free() -> None:
    _, tgi = hearsay.PRODUCTS["TGI"]
    for listed in (KOBOLD_LIST, tgi["/v1/models"]):
        assert [call.method for call in GENERIC.more_calls([listed])]
        assert all(
            (call.method, call.json) == ("GET", None) for call in GENERIC.more_calls([listed])
        )


# ---- LM Link


@pytest.mark.parametrize("word", ["deviceIdentifier", "device_identifier"])
def test_a_model_that_another_machine_runs_over_lm_link_is_open(word: str) -> None:
    here = {"type": "llm", "key": "here", "loaded_instances": [], word: None}
    there = {"type": "llm", "key": "there", "loaded_instances": [], word: "mac-studio-1"}
    loaded = {"type": "llm", "key": "busy", "loaded_instances": [{"id": "busy", word: "x"}]}
    server = {
        "/v1/models": said({"data": [{"id": "here"}, {"id": "there"}, {"id": "busy"}]}),
        "/api/v1/models": said({"models": [here, there, loaded]}),
    }
    found = models(BackendType.LMSTUDIO, server)
    assert [found[name].zone for name in ("here", "there", "busy")] == [None, Zone.OPEN, Zone.OPEN]
    replies = [server.get(call.path, NOBODY) for call in LMSTUDIO.models_calls()]
    assert LMSTUDIO.read_state(replies).reason.startswith("2 models are another machine's")


def test_lm_studio_without_lm_link_gives_no_reason() -> None:
    replies = [hearsay.LMSTUDIO.get(call.path, NOBODY) for call in LMSTUDIO.models_calls()]
    assert LMSTUDIO.read_state(replies).reason == ""
