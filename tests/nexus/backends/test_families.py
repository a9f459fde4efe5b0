"""Guesses from names: only ever a yes, and never over what somebody said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.backends.families import guessed, known_for, openai_family
from nexus.domain.backend import CAPABILITIES, BackendType, FactSource, Model

V = BackendType.VLLM


@pytest.mark.parametrize(
    ("name", "able"),
    [
        ("llava:13b", {"vision"}),
        ("Qwen/Qwen2.5-VL-7B-Instruct", {"vision", "tools"}),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", {"vision", "tools"}),
        ("llama3.2:3b", {"tools"}),
        ("gemma3:27b", {"vision"}),
        ("gemma3:1b", set[str]()),
        ("gemma-3-270m-it", set[str]()),
        ("qwen3:8b", {"tools", "reasoning"}),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", {"tools"}),
        ("Qwen/Qwen3-Embedding-8B", {"embeddings"}),
        ("nomic-embed-text:latest", {"embeddings"}),
        ("BAAI/bge-m3", {"embeddings"}),
        ("gpt-oss-20b", {"tools", "reasoning"}),
        ("deepseek-r1:70b", {"reasoning"}),
        ("phi-2", set[str]()),
        ("tiny", set[str]()),
    ],
)
def test_a_family_is_known_for_something(name: str, able: set[str]) -> None:
    assert set(known_for(name)) == able


def test_a_guess_is_marked_and_fills_only_what_nobody_said() -> None:
    said = Model("llava:13b", vision=False)
    assert guessed(said, V) == said
    model = guessed(Model("qwen3:8b", reasoning=False), V)
    assert (model.tools, model.source("tools")) == (True, FactSource.GUESS)
    assert (model.reasoning, model.source("reasoning")) == (False, FactSource.SERVER)


def test_nothing_is_guessed_of_clouds() -> None:
    assert guessed(Model("gpt-4-vision"), BackendType.OPENAI) == Model("gpt-4-vision")


@given(st.text(max_size=300))
def test_a_guess_is_never_a_no_and_never_a_number(name: str) -> None:
    assert all(value is True for value in known_for(name).values())


@pytest.mark.parametrize(
    ("name", "able"),
    [
        ("gpt-5.9", {"vision", "tools", "json_mode", "reasoning"}),
        ("gpt-5.9-mini-2027-01-05", {"vision", "tools", "json_mode", "reasoning"}),
        ("gpt-6-pro", {"vision", "tools", "json_mode", "reasoning"}),
        ("gpt-5.3-codex-spark", set()),
        ("gpt-5-chat-latest", set()),
        ("gpt-6-audio", set()),
        ("gpt-3.7", set()),
        ("o5-mini", {"reasoning"}),
        ("o9-realtime", set()),
        ("davinci-003", set()),
    ],
)
def test_a_later_model_of_openai_is_known_by_its_family(name: str, able: set[str]) -> None:
    model = guessed(Model(name), BackendType.OPENAI)
    assert {fact for fact in CAPABILITIES if getattr(model, fact)} == able
    assert {getattr(model, fact) for fact in CAPABILITIES} <= {True, None}
    assert (model.context_length, model.max_output_tokens) == (None, None)
    assert set(dict(model.sources).values()) <= {FactSource.GUESS}


def test_a_name_made_to_be_slow_is_not() -> None:
    assert openai_family("gpt-5" + "-1" * 5000 + "x!") == {}
    assert openai_family("o1" + "-1" * 5000 + "x!") == {}
