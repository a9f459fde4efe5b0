"""Copies reach the clipboard by the way that works here, and carry nothing a terminal obeys."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path

import pytest

from tests.fakes.hostile import HOSTILE
from tui.clipboard import Way, copy, curl, harmless, osc52


def fake_tmux(folder: Path, code: int = 0) -> dict[str, str]:
    """A `tmux` that keeps what it is given."""
    program = folder / "tmux"
    program.write_text(
        f'#!/bin/sh\necho "$@" > "{folder}/args"\ncat > "{folder}/text"\nexit {code}\n'
    )
    program.chmod(0o755)
    return {"TMUX": "/tmp/x,1,0", "PATH": f"{folder}:/bin:/usr/bin"}


async def test_tmux_takes_the_text_from_its_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = fake_tmux(tmp_path)
    monkeypatch.setenv("PATH", environ["PATH"])
    written: list[str] = []
    assert await copy("req-1", written.append, environ) is Way.TMUX
    assert (tmp_path / "args").read_text() == "load-buffer -w -\n"
    assert (tmp_path / "text").read_text() == "req-1"
    assert written == []


async def test_a_tmux_that_fails_leaves_the_text_to_the_eye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = fake_tmux(tmp_path, 1)
    monkeypatch.setenv("PATH", environ["PATH"])
    assert await copy("req-1", lambda text: None, environ) is Way.SHOWN


async def test_a_terminal_gets_one_sequence() -> None:
    written: list[str] = []
    assert await copy("grüß\ndich", written.append, {}) is Way.OSC52
    [sequence] = written
    assert sequence.startswith("\x1b]52;c;")
    assert sequence.endswith("\a")
    assert base64.b64decode(sequence[7:-1]).decode() == "grüß\ndich"


async def test_what_terminals_would_cut_is_shown() -> None:
    written: list[str] = []
    assert osc52("x" * 56_244) is not None
    assert osc52("x" * 56_245) is None
    long = "\n".join(["x" * 3000] * 30)
    assert await copy(long, written.append, {}) is Way.SHOWN
    assert written == []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_copy_carries_nothing_a_terminal_obeys(text: str) -> None:
    assert not set(harmless(text)) & set("\x1b\x9b\x07\u202e\u200d\r")


@pytest.mark.parametrize(
    "model", [*HOSTILE, "it's", '"', "\\", "$(reboot)", "`id`", "'; rm -rf ~ #"]
)
def test_curl_is_one_command_with_the_model_as_json(model: str) -> None:
    line = curl("http://127.0.0.1:8000/", "/v1/chat/completions", model)
    assert "\n" not in line
    words = shlex.split(line)
    assert words[:2] == ["curl", "http://127.0.0.1:8000/v1/chat/completions"]
    assert words[2:4] == ["-H", "Content-Type: application/json"]
    body = json.loads(words[5])
    assert body["messages"] == [{"role": "user", "content": "Hello"}]
    assert len(words) == 6


def test_curl_asks_as_the_endpoint_wants() -> None:
    assert '"input": "Hello"' in curl("http://x", "/v1/embeddings", "m")
    assert '"prompt": "Hello"' in curl("http://x", "/v1/completions", "m")
