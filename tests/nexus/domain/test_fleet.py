"""The picture: what a name leads to, and in which zone."""

from __future__ import annotations

from nexus.domain.backend import BackendType, Zone
from nexus.domain.fleet import Candidate, picture
from tests.fakes.fleets import backend, model


def test_an_ollama_name_without_its_tag_means_latest() -> None:
    here = backend("o", model("llama3.2:latest"), model("qwen3:8b"), type=BackendType.OLLAMA)
    fleet = picture(1, {here.id: here})

    (candidate,) = fleet.by_model["llama3.2"]
    assert candidate.model.id == "llama3.2:latest"
    assert fleet.by_model["llama3.2:latest"] == (candidate,)
    assert fleet.implied == {"llama3.2"}
    assert "qwen3" not in fleet.by_model


def test_latest_is_a_tag_only_where_ollama_says_it() -> None:
    here = backend("v", model("llama3.2:latest"), type=BackendType.VLLM)

    assert set(picture(1, {here.id: here}).by_model) == {"llama3.2:latest"}


def test_a_name_that_another_backend_lists_is_not_only_implied() -> None:
    ollama = backend("o", model("m:latest"), type=BackendType.OLLAMA)
    vllm = backend("v", model("m"), type=BackendType.VLLM)
    fleet = picture(1, {ollama.id: ollama, vllm.id: vllm})

    assert [each.backend.name for each in fleet.by_model["m"]] == ["o", "v"]
    assert fleet.implied == frozenset()


def test_a_model_may_lie_further_out_than_its_backend() -> None:
    home = backend("o", type=BackendType.OLLAMA)
    assert home.face.zone is Zone.RESTRICTED
    assert Candidate(home, model("m")).zone is Zone.RESTRICTED
    assert Candidate(home, model("m:cloud", zone=Zone.OPEN)).zone is Zone.OPEN
