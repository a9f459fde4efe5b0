from __future__ import annotations

import json
from dataclasses import replace

from nexus.domain.backend import BackendType, Model
from nexus.simulator.answer import think
from nexus.simulator.ask import Ask
from nexus.simulator.spec import SimSpec

MODEL = Model("m", 100, tools=True)
SPEC = SimSpec("s", BackendType.VLLM, (MODEL,), answer_tokens=(20, 20))
HELLO = Ask("m", "Hello")
TOOLS = ({"name": "a"}, {"name": "b", "parameters": {"properties": {"n": {"type": "integer"}}}})


def test_an_answer_has_as_many_steps_as_tokens() -> None:
    answer = think(SPEC, MODEL, HELLO)

    assert (answer.tokens, answer.finish) == (20, "stop")
    assert "".join(step.text for step in answer.steps) == answer.content


def test_a_limit_cuts_and_says_length() -> None:
    answer = think(SPEC, MODEL, replace(HELLO, max_tokens=5))

    assert (answer.tokens, answer.finish) == (5, "length")


def test_the_window_cuts_too() -> None:
    answer = think(SPEC, replace(MODEL, context_length=11), replace(HELLO, prompt="x" * 40))

    assert (answer.prompt_tokens, answer.tokens, answer.finish) == (10, 1, "length")


def test_a_stop_string_ends_the_answer_before_it() -> None:
    answer = think(SPEC, MODEL, replace(HELLO, stop=(" simulated",)))

    assert (answer.content, answer.finish) == ("This is a", "stop")


def test_tools_are_called_with_arguments_that_fit() -> None:
    first = think(SPEC, MODEL, replace(HELLO, tools=TOOLS))
    named = think(SPEC, MODEL, replace(HELLO, tools=TOOLS, must_call="b"))

    assert (first.calls[0].name, first.finish) == ("a", "tool_calls")
    assert isinstance(json.loads(named.calls[0].arguments)["n"], int)
    assert "".join(s.text for s in named.steps) == named.calls[0].arguments


def test_a_model_without_tools_answers_in_words() -> None:
    answer = think(SPEC, replace(MODEL, tools=False), replace(HELLO, tools=TOOLS))

    assert answer.calls == ()
    assert answer.finish == "stop"


def test_json_mode_gives_json() -> None:
    answer = think(SPEC, MODEL, replace(HELLO, json_mode=True))

    assert json.loads(answer.content)["simulated"] is True
