"""What is seen, as files: all rows that are shown, harmless in a spreadsheet, never over a file."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Hashable
from pathlib import Path

import pytest

from tests.fakes.hostile import HOSTILE
from tui.export import as_csv, as_json, collect, export
from tui.render.cells import UNKNOWN, Cell
from tui.render.columns import Column


class Shown:
    """Rows with one name each."""

    columns = (Column("NAME", 8), Column("N", 3, right=True))

    def __init__(self, *names: str) -> None:
        self.keys = tuple(range(len(names)))
        self._names = names

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        assert isinstance(key, int)
        return Cell(self._names[key]), UNKNOWN if key == 0 else Cell(f"{key}ms")


async def test_both_files_hold_every_row_and_nothing_for_the_unknown(tmp_path: Path) -> None:
    path, rows = await export(Shown("a", "b"), "requests", "20261124-080000", tmp_path)
    assert path == tmp_path / "nexus-requests-20261124-080000.csv"
    assert rows == 2
    assert path.read_text() == "NAME,N\na,\nb,1ms\n"
    told = json.loads(path.with_suffix(".json").read_text())
    assert told == [{"NAME": "a", "N": ""}, {"NAME": "b", "N": "1ms"}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_second_export_of_a_second_leaves_the_first_alone(tmp_path: Path) -> None:
    first, _ = await export(Shown("a"), "x", "1", tmp_path)
    (tmp_path / "nexus-x-1-1.json").write_text("mine")
    (tmp_path / "nexus-x-1-2.csv").symlink_to(tmp_path / "elsewhere")
    third, _ = await export(Shown("b"), "x", "1", tmp_path)
    assert first.read_text() == "NAME,N\na,\n"
    assert third.name == "nexus-x-1-3.csv"
    assert not (tmp_path / "elsewhere").exists()


async def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await export(Shown("a"), "x", "1", tmp_path / "gone")


class Dated(Shown):
    """Rows with a fact that has no room on the screen."""

    note_heads = ("AT",)

    def notes(self, key: Hashable) -> tuple[str, ...]:
        return (f"then {key}",)


async def test_what_the_screen_has_no_room_for_stands_first() -> None:
    assert await collect(Dated("a")) == [["AT", "NAME", "N"], ["then 0", "a", ""]]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1+1", "@SUM(A1)", "|calc", "%x", "\t=1"])
async def test_nothing_begins_like_a_formula(name: str) -> None:
    table = await collect(Shown("ok", name))
    row = list(csv.reader(as_csv(table).splitlines()))[2]
    assert row[0][0] not in "=+-@|%\t\r"


@pytest.mark.parametrize("name", HOSTILE)
async def test_files_hold_nothing_a_terminal_obeys(name: str) -> None:
    table = await collect(Shown(name, name))
    for text in (as_csv(table), as_json(table)):
        assert not set(text) & set("\x1b\x9b\x07\u202e\u200d\r")
    assert len(list(csv.reader(as_csv(table).splitlines()))) == 3
