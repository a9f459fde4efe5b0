"""How the benches print: a title, then aligned rows of what, measured and goal."""

from __future__ import annotations

from collections.abc import Sequence

Row = tuple[str, str, str]
"""What, measured, goal (empty where there is none)."""


def show(title: str, rows: Sequence[Row]) -> None:
    """Print one table."""
    cells = [("", "measured", "goal"), *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    print(f"\n{title}")
    print(f"  {'':<{widths[0]}}  {'measured':>{widths[1]}}  goal")
    for what, measured, goal in rows:
        print(f"  {what:<{widths[0]}}  {measured:>{widths[1]}}  {goal}".rstrip(), flush=True)


def mb(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def kb(size: float) -> str:
    return f"{size / 1e3:.1f} kB"
