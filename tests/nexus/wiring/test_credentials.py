"""Keys of backends: from the environment, into headers, and nowhere else."""

from __future__ import annotations

import logging

import pytest

from nexus.domain.backend import BackendType
from nexus.wiring.credentials import Credentials
from tests.fakes.gateway import face


def test_a_key_comes_from_the_environment_and_becomes_the_dialects_header() -> None:
    keys = Credentials({"K": " secret "})
    open_ai = face("a", "http://a", BackendType.OPENAI, api_key_env="K")

    assert keys.headers(open_ai) == {"authorization": "Bearer secret"}
    assert keys.headers(face("c", "http://c")) == {}


def test_a_missing_key_is_warned_about_once_and_by_name_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keys = Credentials({"K": ""})
    told = face("a", "http://a", api_key_env="K")

    with caplog.at_level(logging.WARNING, logger="nexus"):
        assert keys.key(told) is None
        assert keys.headers(told) == {}
    assert len(caplog.messages) == 1
    assert "K" in caplog.messages[0]


@pytest.mark.parametrize("key", ["a\r\nx-evil: 1", "a\nb", "schlüssel", "a\x00"])
def test_a_key_that_cannot_stand_in_a_header_is_not_sent(
    key: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = Credentials({"K": key})

    with caplog.at_level(logging.WARNING, logger="nexus"):
        assert keys.headers(face("a", "http://a", api_key_env="K")) == {}
    assert "K" in caplog.text
    assert key not in caplog.text
