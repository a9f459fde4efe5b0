"""Errors as replies."""

from __future__ import annotations

import json

import pytest

from nexus import errors
from nexus.api.errors import body_of, render, unreadable
from nexus.errors import NexusError


def family(of: type[NexusError]) -> list[type[NexusError]]:
    found = [of, *(deeper for child in of.__subclasses__() for deeper in family(child))]
    return [kind for kind in found if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", family(NexusError))
def test_every_error_has_the_envelope_that_sdks_read(kind: type[NexusError]) -> None:
    status, lines, body = render(kind("a sentence", param="p"), "req-1")
    said = json.loads(body)["error"]

    assert status == kind.status
    assert said == {"message": "a sentence", "type": kind.type, "param": "p", "code": kind.code}
    assert lines == b"content-type: application/json\r\nX-Nexus-Request-Id: req-1\r\n"


def test_the_docstring_lists_every_error_with_its_status_and_code() -> None:
    assert errors.__doc__ is not None
    for kind in family(NexusError):
        assert kind.__name__ in errors.__doc__


def test_context_stands_beside_the_error_and_inside_it() -> None:
    said = json.loads(body_of(NexusError("x", context={"tried": ["a"]})))

    assert said["context"] == said["error"]["context"] == {"tried": ["a"]}


def test_advice_about_trying_again_becomes_headers() -> None:
    _, lines, _ = render(NexusError("x", retry_after_s=5, should_retry=False))

    assert b"retry-after: 5\r\n" in lines
    assert b"x-should-retry: false\r\n" in lines


@pytest.mark.parametrize("text", ["a\r\nx-evil: 1", "模型", "\ud800", "\x00"])
def test_hostile_text_is_escaped_into_the_body(text: str) -> None:
    _, lines, body = render(NexusError(text, param=text))

    assert body.isascii()
    assert json.loads(body)["error"]["message"] == text
    assert lines == b"content-type: application/json\r\n"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_request"), (408, "invalid_request"), (413, "payload_too_large")],
)
def test_requests_that_cannot_be_read_have_the_shape_too(status: int, code: str) -> None:
    got, _, body = unreadable(status, "why")

    assert got == status
    assert json.loads(body)["error"]["code"] == code
