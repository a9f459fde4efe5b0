from __future__ import annotations

import json

import pytest

from nexus.domain.backend import BackendType
from nexus.simulator.dialects.table import DIALECTS
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import dump
from tests.fakes.rehearsal import ask, situation


@pytest.mark.parametrize("type", DIALECTS)
def test_every_dialect_says_that_its_answer_is_simulated(type: BackendType) -> None:
    body = dump({"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]})

    reply = ask(situation(type), Request("POST", "/v1/chat/completions", body=body))

    assert isinstance(reply, Reply)
    assert "simulated answer" in json.loads(reply.body)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("type", DIALECTS)
@pytest.mark.parametrize("body", [b"", b"[", b"\xff\xfe", b"[1]", b"{}", b"[" * 100_000])
def test_no_dialect_chokes_on_a_bad_body(type: BackendType, body: bytes) -> None:
    reply = ask(situation(type), Request("POST", "/v1/chat/completions", body=body))

    assert isinstance(reply, Reply)
    assert 400 <= reply.status < 500 or reply.status == 200


@pytest.mark.parametrize("type", DIALECTS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_every_dialect_has_words_for_its_own_failure(type: BackendType, status: int) -> None:
    reply = DIALECTS[type].failure(status)

    assert reply.status == status
    assert json.loads(reply.body)["error"]
