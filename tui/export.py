"""Rows of a table as CSV and JSON files, as they are on the screen; and the screen as a picture.

Cells hold text of servers and clients, and spreadsheets run what begins like a formula: such cells
begin with an apostrophe in CSV. Files are new ones, never replaced, for their owner only.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from tui.clean import clean
from tui.render.cells import UNKNOWN, Cell
from tui.render.columns import Column

SLICE = 200
"""Rows between two breaths of the loop."""
TRIES = 100
CELL = 4000
"""Characters of a cell."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")


class Rows(Protocol):
    """What a table shows."""

    @property
    def columns(self) -> Sequence[Column]: ...
    @property
    def keys(self) -> Sequence[Hashable]: ...
    def cells(self, key: Hashable) -> tuple[Cell, ...]: ...


@runtime_checkable
class Noted(Rows, Protocol):
    """Rows about which files say more than the screen has room for."""

    @property
    def note_heads(self) -> Sequence[str]: ...
    def notes(self, key: Hashable) -> Sequence[str]: ...


Table = list[list[str]]
"""Heads, then rows."""


async def collect(rows: Rows) -> Table:
    """Every row's text; what is not known is empty."""
    heads = [clean(column.title) or f"column {n}" for n, column in enumerate(rows.columns, 1)]
    noted = rows if isinstance(rows, Noted) else None
    table = [[*(noted.note_heads if noted else ()), *heads]]
    for number, key in enumerate(tuple(rows.keys), 1):
        cells = rows.cells(key)[: len(heads)]
        shown = ["" if cell == UNKNOWN else clean(cell.text, CELL).strip() for cell in cells]
        table.append([*(clean(each, CELL) for each in (noted.notes(key) if noted else ())), *shown])
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return table


def as_csv(table: Table) -> str:
    """Safe to open in a spreadsheet."""
    import csv  # late: few export

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_disarmed(text) for text in row] for row in table)
    return out.getvalue()


def as_json(table: Table) -> str:
    """A list of objects, with the heads as names."""
    heads, *rows = table
    found = [dict(zip(heads, row, strict=False)) for row in rows]
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _disarmed(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


async def export(
    rows: Rows, name: str, moment: str, folder: Path | None = None
) -> tuple[Path, int]:
    """Write both files; returns the CSV's path and the number of rows.

    Args:
        name: of the page: a plain word.
        moment: for the name: `20261124-143005`.
        folder: the current one when None.

    Raises:
        OSError: they cannot be written.
    """
    table = await collect(rows)
    return await asyncio.to_thread(_write, table, stem(name, moment), folder or Path.cwd())


def stem(name: str, moment: str) -> str:
    """A file's name without its ending."""
    return f"nexus-{name}-{moment}"


def save_picture(svg: str, moment: str, folder: Path | None = None) -> Path:
    """Write a picture of the screen; returns its path.

    Raises:
        OSError: it cannot be written.
    """
    for free in _names(f"nexus-{moment}"):
        path = (folder or Path.cwd()) / f"{free}.svg"
        try:
            _new(path, svg)
        except FileExistsError:
            continue
        return path
    raise OSError("too many pictures of the same second")


def _names(stem: str) -> Iterator[str]:
    return (stem + (f"-{number}" if number else "") for number in range(TRIES))


def _write(table: Table, stem: str, folder: Path) -> tuple[Path, int]:
    for free in _names(stem):
        path, twin = folder / f"{free}.csv", folder / f"{free}.json"
        if path.exists() or twin.exists():
            continue
        try:
            _new(path, as_csv(table))
            _new(twin, as_json(table))
        except FileExistsError:
            continue
        return path, len(table) - 1
    raise OSError("too many exports of the same second")


def _new(path: Path, text: str) -> None:
    # Exclusive: neither another file nor a link that somebody laid there is written to.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)
