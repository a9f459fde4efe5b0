from __future__ import annotations

import pytest

from nexus.backends.fingerprints import Recognition, Sureness, next_calls, recognise
from nexus.domain.backend import BackendType
from nexus.domain.http import HttpReply
from tests.fakes import hearsay
from tests.fakes.captures import everything, recorded

NOBODY = HttpReply(0)


def climb(server: dict[str, HttpReply], url: str = "") -> tuple[Recognition | None, int]:
    """Ask as a scanner would; a path that was not recorded is not answered."""
    replies: dict[str, HttpReply] = {}
    asked = 0
    while calls := next_calls(replies, url):
        for call in calls:
            asked += 1
            replies[call.path] = server.get(call.path, NOBODY)
    return recognise(replies, url), asked


@pytest.mark.parametrize(
    ("server", "type", "version"),
    [
        ("llamacpp", BackendType.LLAMACPP, "b0-unknown"),
        ("llamacpp-embed", BackendType.LLAMACPP, ""),
        ("llamacpp-vision", BackendType.LLAMACPP, "b0-unknown"),
        ("llamacpp-router", BackendType.LLAMACPP, "b1-0c1e570"),
        ("llamacpp-loading", BackendType.LLAMACPP, ""),
        ("vllm", BackendType.VLLM, "0.32.0"),
        ("vllm-embed", BackendType.VLLM, ""),
        ("mlx-lm", BackendType.GENERIC, ""),
        ("transformers-serve", BackendType.GENERIC, ""),
        ("litellm", BackendType.GENERIC, ""),
    ],
)
def test_every_recorded_server_is_recognised(server: str, type: BackendType, version: str) -> None:
    found, asked = climb(everything(server))
    assert found is not None
    assert (found.type, found.version) == (type, version)
    assert found.evidence
    assert asked <= 14


@pytest.mark.parametrize(
    ("server", "product", "sure"),
    [
        ("llamacpp", "llama.cpp", Sureness.CERTAIN),
        ("llamacpp-router", "llama.cpp router", Sureness.CERTAIN),
        ("vllm", "vLLM", Sureness.CERTAIN),
        ("litellm", "LiteLLM", Sureness.CERTAIN),
        ("mlx-lm", "MLX-LM", Sureness.LIKELY),
        ("transformers-serve", "transformers serve", Sureness.LIKELY),
    ],
)
def test_a_server_is_called_by_its_name(server: str, product: str, sure: Sureness) -> None:
    found, _ = climb(everything(server))
    assert found is not None
    assert (found.product, found.sure) == (product, sure)


@pytest.mark.parametrize("server", ["litellm", "mlx-lm", "vllm", "llamacpp"])
def test_health_is_not_asked_where_it_could_cost_money(server: str) -> None:
    """LiteLLM answers `/health` by asking every model that it has."""
    replies: dict[str, HttpReply] = {}
    recorded_server = everything(server)
    while calls := next_calls(replies):
        for call in calls:
            replies[call.path] = recorded_server.get(call.path, NOBODY)
    assert "/health" not in replies


@pytest.mark.parametrize("name", hearsay.PRODUCTS)
def test_a_documented_service_is_called_by_its_name(name: str) -> None:
    found, _ = climb(hearsay.PRODUCTS[name][1])
    assert found is not None
    assert (found.product, found.type) == (name, hearsay.PRODUCTS[name][0])


@pytest.mark.parametrize(
    ("url", "type", "product"),
    [
        ("https://api.openai.com", BackendType.OPENAI, "OpenAI"),
        ("https://API.anthropic.com.", BackendType.ANTHROPIC, "Anthropic"),
        ("https://generativelanguage.googleapis.com", BackendType.GOOGLE, "Google Gemini"),
        ("https://openrouter.ai/api", BackendType.GENERIC, "OpenRouter"),
        ("https://api.groq.com/openai", BackendType.GENERIC, "Groq"),
        ("https://me.openai.azure.com/openai", BackendType.GENERIC, "Azure OpenAI"),
    ],
)
def test_a_service_with_a_known_host_is_asked_nothing(
    url: str, type: BackendType, product: str
) -> None:
    found, asked = climb({}, url)
    assert found is not None
    assert (found.type, found.product, asked) == (type, product, 0)


@pytest.mark.parametrize("url", ["http://notapi.openai.com.evil.net", "http://xopenrouter.ai", ""])
def test_a_host_that_only_looks_known_is_asked(url: str) -> None:
    assert climb(hearsay.OLLAMA, url)[1] > 0


@pytest.mark.parametrize(
    ("names", "type"),
    [
        (("llamacpp-auth/models_no_key", "llamacpp-auth/props_no_key"), BackendType.LLAMACPP),
        (("vllm-think/err_no_key", "vllm-think/version_no_key"), BackendType.VLLM),
    ],
)
def test_a_server_that_wants_a_key_is_still_recognised(
    names: tuple[str, ...], type: BackendType
) -> None:
    found, _ = climb(recorded(*names))
    assert found is not None
    assert found.type is type


@pytest.mark.parametrize(
    ("server", "type"),
    [
        (hearsay.OLLAMA, BackendType.OLLAMA),
        (hearsay.OLLAMA_EMPTY, BackendType.OLLAMA),
        (hearsay.OLLAMA_2025, BackendType.OLLAMA),
        (hearsay.OLLAMA_2025_EMPTY, BackendType.OLLAMA),
        (hearsay.LMSTUDIO, BackendType.LMSTUDIO),
        (hearsay.LMSTUDIO_EMPTY, BackendType.LMSTUDIO),
        (hearsay.EXO, BackendType.EXO),
    ],
)
def test_documented_servers_are_recognised_also_when_empty(
    server: dict[str, HttpReply], type: BackendType
) -> None:
    found, _ = climb(server)
    assert found is not None
    assert found.type is type


@pytest.mark.parametrize("name", hearsay.IMITATORS)
def test_an_imitator_is_never_taken_for_what_it_imitates(name: str) -> None:
    found, _ = climb(hearsay.IMITATORS[name])
    assert found is not None
    assert found.type is BackendType.GENERIC
    if "that copies" in name:
        assert found.product == name.split()[0] or name.startswith("GPUStack")


@pytest.mark.parametrize("name", hearsay.STRANGERS)
def test_a_stranger_is_nobody(name: str) -> None:
    assert climb(hearsay.STRANGERS[name])[0] is None


def test_a_stranger_is_asked_little() -> None:
    assert climb(hearsay.STRANGERS["a web page for everything"])[1] == 1
    assert climb(hearsay.STRANGERS["silence"])[1] == 1


def test_a_server_that_shows_itself_at_once_is_asked_twice_at_most() -> None:
    assert climb(everything("llamacpp"))[1] == 2
    assert climb(everything("vllm"))[1] == 2
    assert climb(hearsay.EXO)[1] == 1


def test_evidence_is_one_printable_line_whatever_the_header() -> None:
    evil = HttpReply(401, b"", {"server": "llama.cpp \x1b[31m" + "A" * 10_000})
    found, _ = climb({"/v1/models": evil})
    assert found is not None
    assert found.evidence.isprintable()
    assert len(found.evidence) < 100
