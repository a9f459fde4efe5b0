"""What a simulated model says to an `Ask`: text, tool calls or JSON, within its limits. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from nexus.domain.backend import Model
from nexus.simulator.ask import Ask, as_text
from nexus.simulator.prose import number, sample, topic, write
from nexus.simulator.spec import SimSpec


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call."""

    name: str
    arguments: str
    """JSON text, as OpenAI has it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished thought. Each piece of text is one token."""

    text: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    prompt_tokens: int = 1
    seed: int = 0
    """Depends on model and prompt; ids are made of it."""

    @property
    def content(self) -> str:
        """The text in one piece."""
        return "".join(self.text)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The answer in the order of its writing."""
        spoken = tuple(Step(piece) for piece in self.text)
        called = tuple(step for i, call in enumerate(self.calls) for step in _spell(i, call))
        return spoken + called

    @property
    def tokens(self) -> int:
        """Tokens written."""
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Step:
    """What one token adds: text, or a part of a tool call."""

    text: str = ""
    call: int | None = None
    """Index of the call that `text` is an argument fragment of."""
    name: str | None = None
    """The call's name, with its first fragment."""


def think(spec: SimSpec, model: Model, ask: Ask) -> Answer:
    """The answer of `model`. The same question gets the same answer."""
    seed = number(model.id, ask.prompt)
    base = Answer(prompt_tokens=ask.prompt_tokens, seed=seed)
    if ask.tools and ask.may_call and model.tools is not False:
        named = [tool for tool in ask.tools if tool.get("name") == ask.must_call]
        tool = (named or ask.tools)[0]
        arguments = json.dumps(sample(tool.get("parameters"), seed))
        call = Call(as_text(tool.get("name")), arguments)
        return replace(base, calls=(call,), finish="tool_calls")
    if ask.json_mode:
        value = (
            sample(ask.schema, seed) if ask.schema else {"simulated": True, "topic": topic(seed)}
        )
        return _limit(
            replace(base, text=_tokens(json.dumps(value, ensure_ascii=False))), ask, model
        )
    low, high = spec.answer_tokens
    wanted = low + seed % (high - low + 1)
    return _limit(replace(base, text=write(spec.name, model.id, ask.prompt, wanted)), ask, model)


def _limit(answer: Answer, ask: Ask, model: Model) -> Answer:
    """Stop strings first, then the token limit and the window, as servers do."""
    for stop in ask.stop:
        cut = answer.content.find(stop)
        if cut >= 0:
            answer = replace(answer, text=_tokens(answer.content[:cut]))
    room = (model.context_length or 1 << 30) - answer.prompt_tokens
    limit = min(ask.max_tokens or room, max(1, room))
    if len(answer.text) > limit:
        return replace(answer, text=answer.text[:limit], finish="length")
    return answer


def _tokens(text: str) -> tuple[str, ...]:
    """Words with the space before them, nothing lost."""
    if not text:
        return ()
    first, *rest = text.split(" ")
    return (first, *(" " + word for word in rest))


def _spell(index: int, call: Call) -> tuple[Step, ...]:
    """A call in at most four fragments; the first carries the name and no arguments."""
    third = max(1, -(-len(call.arguments) // 3))
    parts = [call.arguments[i : i + third] for i in range(0, len(call.arguments), third)]
    return (Step("", index, call.name), *(Step(part, index) for part in parts))
