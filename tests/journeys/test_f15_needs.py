"""F15: what a request needs is read from its body, which reaches the backend unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.client import ask, request
from tests.fakes.servers import Server, story

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
TEXT = {"type": "text", "text": "hi"}
PLAIN = '[[models]]\npattern = "m"\nvision = false\ntools = false\njson_mode = false\n'


def said(*parts: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


BODIES: list[tuple[dict[str, object], int]] = [
    (said(PICTURE), 400),
    (said(TEXT), 200),
    (said(TEXT, PICTURE), 400),
    (said(PICTURE, PICTURE, PICTURE), 400),
    ({"tools": [{"type": "function"}]}, 400),
    ({"tools": []}, 200),
    ({"response_format": {"type": "json_object"}}, 400),
    ({"response_format": {"type": "json_schema"}}, 400),
    ({"response_format": {"type": "text"}}, 200),
    ({"stream": False}, 200),
    (said(1, None, {"type": 7}, {}), 200),
    ({"messages": [1, None, {}]}, 200),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_only_what_is_asked_for_is_needed(
    tmp_path: Path, body: dict[str, object], status: int
) -> None:
    async with story(tmp_path, PLAIN, a=Server()) as here:
        assert (await here.chat(**body)).status == status


@pytest.mark.parametrize(
    ("size", "length", "status"),
    [(40_000, 8192, 400), (16_384, 4096, 200), (16_388, 4096, 400), (0, 1, 200)],
)
async def test_the_prompt_is_estimated_at_four_bytes_a_token(
    tmp_path: Path, size: int, length: int, status: int
) -> None:
    config = f'[[models]]\npattern = "m"\ncontext_length = {length}\n'
    async with story(tmp_path, config, a=Server()) as here:
        messages = [{"role": "user", "content": "x" * size}] if size else []
        assert (await here.chat(messages=messages)).status == status


async def test_the_body_arrives_as_it_was_sent() -> None:
    raw = b'{ "model":"m",\n\t"messages" : [{"role":"user","content":"\\u0068i"}], "x": 1.50e1 }'
    async with story(a=Server()) as here:
        found = await ask(here.gateway.url, request(raw=raw))
        assert found.status == 200
        assert here.servers["a"].got[-1].body == raw
        assert json.loads(raw)["model"] == "m"


async def test_what_was_read_is_on_record() -> None:
    async with story(a=Server()) as here:
        said = [{"role": "user", "content": "x" * 4000}]
        found = await here.chat(messages=said, stream=True, tools=[{"type": "function"}])
        account = await here.gateway.control.requests.story(found.headers["x-nexus-request-id"])
        needs = account["needs"]
        assert (needs["stream"], needs["tools"], needs["vision"]) == (True, True, False)
        assert 1000 <= needs["prompt_tokens_estimate"] <= 1010  # the tools count too
        assert "xxx" not in str(account)
