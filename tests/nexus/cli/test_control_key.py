"""Where a command finds the key of a control API."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from nexus.cli.control_key import KEY_VARIABLE, key_for
from nexus.errors import BadRequest


def key(environ: dict[str, str] | None = None, **args: str) -> str:
    return key_for(argparse.Namespace(**args), environ or {})


def test_a_file_beats_the_environment_and_nothing_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("  from-a-file\r\n")

    assert key() == ""
    assert key({KEY_VARIABLE: " from-outside "}) == "from-outside"
    assert key({KEY_VARIABLE: "from-outside"}, key_file=str(file)) == "from-a-file"


@pytest.mark.parametrize("text", ["", "\n\n", "two words", "line\nline", "kéy", "a\x00b"])
def test_a_file_without_one_key_is_refused_without_showing_what_is_in_it(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "f"
    file.write_text(text)
    with pytest.raises(BadRequest) as refused:
        key(key_file=str(file))

    assert not text.strip() or text.strip() not in refused.value.message


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BadRequest, match="--key-file"):
            key(key_file=str(path))
