"""What the tiny model says, computed without llama.cpp (which `test_real` asks for the same)."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")

from nexus.simulator.tiny.corpus import TOPICS  # noqa: E402
from nexus.simulator.tiny.fit import Weights, fit, states  # noqa: E402
from nexus.simulator.tiny.vocabulary import END, Vocabulary, vocabulary  # noqa: E402


@pytest.fixture(scope="module")
def model() -> tuple[Vocabulary, Weights]:
    words = vocabulary()
    return words, fit(words)


def say(words: Vocabulary, weights: Weights, prompt: str) -> str:
    ids = words.spell(prompt)
    start = len(ids)
    while len(ids) < start + 120 and (len(ids) == start or words.tokens[ids[-1]] != END):
        state = states(ids, weights.embedding, weights.looks)[-1]
        ids.append(int((weights.output @ state).argmax()))
    return "".join(words.tokens[i] for i in ids[start:]).removesuffix(END)


@pytest.mark.parametrize("topic", TOPICS[1:], ids=lambda topic: topic.words[0])
def test_a_topic_word_brings_up_one_of_its_answers(
    model: tuple[Vocabulary, Weights], topic: object
) -> None:
    words, weights = model
    word, answers = topic.words[0], topic.answers  # type: ignore[attr-defined]

    said = say(words, weights, f"<s><|user|>Please tell me about {word}.<|end|><|assistant|>")

    assert said in answers


def test_tools_offered_open_a_call(model: tuple[Vocabulary, Weights]) -> None:
    words, weights = model

    said = say(words, weights, "<s><|user|>What is the weather?<|end|><|assistant_tools|>")

    assert said.startswith('<tool_call><0x0A>{"name": "')


def test_spelling_loses_nothing(model: tuple[Vocabulary, Weights]) -> None:
    words, _ = model
    text = "The gateway is busy."

    ids = words.spell(text)

    assert "".join(words.tokens[i] for i in ids) == text
