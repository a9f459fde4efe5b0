"""The file is written whole, valid, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexus.config.edit import with_backend
from nexus.config.keeper import HEADER, Keeper
from nexus.errors import BadRequest


def test_without_a_file_a_state_file_is_begun(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "nexus.toml"
    lost = Keeper(None, state).change(lambda text: with_backend(text, "a", {"url": "http://a:1"}))

    assert lost == ""
    assert state.read_text().startswith(HEADER)
    assert 'url = "http://a:1"' in state.read_text()


def test_a_change_that_could_not_be_read_again_is_refused_and_the_file_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text("# mine\n")
    with pytest.raises(BadRequest) as refused:
        Keeper(path, path).change(lambda text: with_backend(text, "a", {"url": "ftp://a"}))

    assert "ftp" in refused.value.message
    assert str(path) in refused.value.message
    assert path.read_text() == "# mine\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_mode_of_the_file_and_a_link_to_it_are_kept(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("")
    real.chmod(0o640)
    link = tmp_path / "nexus.toml"
    link.symlink_to(real)
    Keeper(link, link).change(lambda text: text + "# more\n")

    assert link.is_symlink()
    assert real.read_text() == "# more\n"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_place_that_cannot_be_written_is_told_and_not_raised(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    why = Keeper(None, blocked / "nexus.toml").change(lambda text: text + "#\n")

    assert str(blocked) in why
    assert os.strerror(20).lower() in why


def test_who_wrote_the_file_last_can_be_told_from_its_time_and_size(tmp_path: Path) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text("# mine\n")
    keeper = Keeper(path, path)
    assert keeper.wrote is None
    keeper.change(lambda text: with_backend(text, "a", {"url": "http://a:1"}))
    told = path.stat()

    assert keeper.wrote == (told.st_mtime_ns, told.st_size)
