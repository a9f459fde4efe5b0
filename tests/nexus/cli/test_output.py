import io
import os
import sys

import pytest

from nexus.cli import output
from nexus.cli.backends import STATUSES
from nexus.domain.backend import BackendStatus


class Screen(io.TextIOWrapper):
    """A standard output that is, or is not, a terminal."""

    def __init__(self, encoding: str, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WT_SESSION", "a terminal of today, where this is Windows")


def onto(
    monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8", *, terminal: bool = True
) -> Screen:
    screen = Screen(encoding, terminal=terminal)
    monkeypatch.setattr(sys, "stdout", screen)
    return screen


def test_colour_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    onto(monkeypatch)
    assert output.paint_status("healthy") == "\x1b[32mhealthy\x1b[0m"
    assert output.paint_status("no such status") == "no such status"
    onto(monkeypatch, terminal=False)
    assert output.paint_status("healthy") == "healthy"
    assert output.columns() is None


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    onto(monkeypatch)
    monkeypatch.setenv(name, value)
    assert output.sign("unhealthy") == "✗"


def test_an_encoding_without_signs_gets_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = onto(monkeypatch, "ascii", terminal=False)
    assert [output.sign(status) for status in ("healthy", "unhealthy", "new")] == ["+", "x", "?"]
    output.say("模 ok")
    screen.flush()
    assert screen.buffer.getvalue() == f"? ok{os.linesep}".encode()  # type: ignore[attr-defined]


def test_every_status_of_a_backend_can_be_asked_for_and_has_a_sign() -> None:
    assert set(STATUSES) == {status.value for status in BackendStatus}
    for status in STATUSES:
        assert (output.sign(status) == "?") is (status == "unknown")
