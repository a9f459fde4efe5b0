"""The file is opened, made newer, and read without being touched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nexus.store import schema


def test_a_new_file_has_the_present_version_and_writes_ahead(tmp_path: Path) -> None:
    connection = schema.open_writer(tmp_path / "h.db")
    told = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("user_version", "journal_mode", "synchronous", "auto_vacuum")
    ]
    connection.close()

    assert told == [schema.VERSION, "wal", 1, 2]


def test_an_older_file_is_made_newer_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "h.db"
    schema.open_writer(path).close()
    steps = (*schema.STEPS, "ALTER TABLE changes ADD COLUMN why TEXT")
    monkeypatch.setattr(schema, "STEPS", steps)
    monkeypatch.setattr(schema, "VERSION", len(steps))
    connection = schema.open_writer(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(changes)")]
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()

    assert columns[-1] == "why"
    assert version == len(steps)


def test_a_step_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "h.db"
    schema.open_writer(path).close()
    steps = (
        *schema.STEPS,
        "ALTER TABLE changes ADD COLUMN why TEXT; DROP TABLE nothing_like_it",
    )
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", steps)
        patch.setattr(schema, "VERSION", len(steps))
        with pytest.raises(sqlite3.OperationalError):
            schema.open_writer(path)
    connection = schema.open_writer(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(changes)")]
    connection.close()

    assert "why" not in columns


def test_a_later_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    connection = schema.open_writer(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(schema.TooNew):
        schema.open_writer(path)


def test_a_reader_cannot_write_and_sees_what_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "odd name?#%.db"  # a URI would read these otherwise
    writer = schema.open_writer(path)
    with schema.reading(path) as reader:
        writer.execute("INSERT INTO words (word, used) VALUES ('a', 0)")
        assert reader.execute("SELECT word FROM words").fetchall() == [("a",)]
        with pytest.raises(sqlite3.OperationalError):
            reader.execute("DELETE FROM words")
    writer.close()


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), schema.reading(tmp_path / "absent.db"):
        pass

    assert not list(tmp_path.iterdir())
