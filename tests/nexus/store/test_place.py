"""One process has the file; a damaged one gets another name, with all that belongs to it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from nexus.store.place import InUse, Lock, make, set_aside


def test_a_lock_keeps_others_out_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    mine, other = Lock(path), Lock(path)
    mine.take()
    mine.take()
    with pytest.raises(InUse):
        other.take()
    mine.release()
    other.take()
    other.release()


def test_a_file_that_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "h.db"
    make(path)
    path.chmod(0o644)
    path.write_text("kept")
    make(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "kept"


def test_what_is_set_aside_keeps_its_parts_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    for turn in ("first", "second"):
        for part in ("", "-wal", "-shm"):
            (tmp_path / f"h.db{part}").write_text(turn + part)
        set_aside(path)
    told = sorted(each.read_text() for each in tmp_path.iterdir())

    assert not path.exists()
    assert told == sorted(
        turn + part for turn in ("first", "second") for part in ("", "-wal", "-shm")
    )
    assert len({each.name for each in tmp_path.glob("h.db.damaged-*")}) == 6
