from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nexus.domain.backend import BackendType
from nexus.simulator.dialects.base import Situation
from nexus.simulator.dialects.table import DIALECTS
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import dump, events
from tests.fakes.rehearsal import TINY, ask, situation

HELLO: list[object] = [{"role": "user", "content": "Hello"}]


def here(key: str | None = None) -> Situation:
    return situation(BackendType.OPENAI, replace(TINY, context_length=4096), key=key)


def post(now: Situation, **body: object) -> Reply | str:
    return ask(now, Request("POST", "/v1/chat/completions", body=dump(body)))


def error(reply: Reply | str) -> dict[str, object]:
    assert isinstance(reply, Reply)
    return json.loads(reply.body)["error"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "x", "messages": HELLO}, "model_not_found"),
        ({"model": "tiny", "messages": [{"content": "a" * 20_000}]}, "context_length_exceeded"),
        ({"model": "tiny"}, "missing_required_parameter"),
    ],
)
def test_openai_errors_have_all_four_fields_and_a_code_in_words(
    body: dict[str, object], code: str
) -> None:
    said = error(post(here(), **body))

    assert said.keys() == {"message", "type", "param", "code"}
    assert said["code"] == code


def test_openai_tells_a_missing_key_from_a_wrong_one() -> None:
    missing = ask(here("k"), Request("GET", "/v1/models"))
    wrong = ask(here("k"), Request("GET", "/v1/models", headers={"authorization": "Bearer x"}))

    assert error(missing)["code"] is None
    assert error(wrong)["code"] == "invalid_api_key"


def test_openai_chunks_say_usage_null_only_when_usage_is_coming() -> None:
    options = {"include_usage": True}
    with_usage = post(here(), model="tiny", messages=HELLO, stream=True, stream_options=options)
    without = post(here(), model="tiny", messages=HELLO, stream=True)

    assert isinstance(with_usage, str)
    assert isinstance(without, str)
    *chunks, last, _ = events(with_usage)
    assert all(chunk["usage"] is None for chunk in chunks)
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], len(chunks) - 2)
    assert all("usage" not in chunk for chunk in events(without)[:-1])


def test_openai_pads_its_chunks() -> None:
    stream = post(here(), model="tiny", messages=HELLO, stream=True)

    assert isinstance(stream, str)
    assert all(chunk["obfuscation"] for chunk in events(stream)[:-1])


def test_openai_identifies_itself_by_headers_and_says_simulated() -> None:
    headers = dict(DIALECTS[BackendType.OPENAI].headers)

    assert "openai-version" in headers
    assert headers["openai-organization"] == "simulated"


def test_openai_rate_limit_has_its_own_code() -> None:
    assert error(DIALECTS[BackendType.OPENAI].failure(429))["code"] == "rate_limit_exceeded"
