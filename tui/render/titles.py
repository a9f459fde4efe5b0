"""Titles of the panes, and the footer's key hints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nexus.domain.backend import BackendStatus
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import plural
from tui.render.status import LOOK
from tui.state import DashboardState


class Hint(Protocol):
    """What the footer needs of an action."""

    @property
    def name(self) -> str: ...
    @property
    def keys(self) -> str: ...
    @property
    def label(self) -> str: ...


PAST = "as it was: p goes on"
"""Where else `live` stands, while an earlier moment is shown."""
_KEYS = {
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "ampersand": "&",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "enter": "↵",
    "escape": "esc",
}


def backends_title(state: DashboardState, shown: int, total: int, words: str, order: str) -> Line:
    """`Backends 6  ● 4  ✖ 1   sorted by p95`."""
    pieces: list[Cell | str] = [Cell("Backends"), Cell(f" {total}", Role.DIM)]
    tally = state.tally
    for status, (mark, _, role) in LOOK.items():
        number = tally.get(status, 0)
        if number and (status is not BackendStatus.HEALTHY or number < total):
            pieces += ["  ", Cell(f"{mark} {number}", role)]
    if state.waiting:
        number = len(state.waiting)
        pieces += ["   ", Cell(f"◆ {number} found, a approves", Role.WARN)]
    pieces += _filtered(shown, total, words)
    if order != "fleet":
        pieces += ["   ", Cell(f"by {order}", Role.DIM)]
    return line(*pieces)


def models_title(total: int, first: int, hidden: int, words: str, *, folded: bool) -> Line:
    """`Models 7   ● loaded ...`."""
    pieces: list[Cell | str] = [Cell("Models"), Cell(f" {total}", Role.DIM)]
    if words:
        pieces += ["   ", Cell(f"filter {words}", Role.WARN)]
    if folded:
        pieces += ["   ", Cell("M opens", Role.DIM)]
    else:
        if hidden:
            pieces += ["   ", Cell(f"←→ {plural(hidden, 'more backend')}", Role.WARN)]
        pieces += ["   ", Cell("● loaded  ◦ on disk   v vision t tools j json e embed", Role.FAINT)]
    return line(*pieces)


def routing_title(
    total: int, words: str, *, following: bool, folded: bool, past: bool = False
) -> Line:
    """`Routing   live`, or how to follow again; `past`: an earlier moment is shown."""
    pieces: list[Cell | str] = [Cell("Routing")]
    if words:
        pieces += [Cell(f" {total}", Role.DIM), "   ", Cell(f"filter {words}", Role.WARN)]
    if folded:
        pieces += ["   ", Cell("R opens", Role.DIM)]
    elif past:
        pieces += ["   ", Cell(PAST, Role.WARN)]
    elif following:
        pieces += ["   ", Cell("live", Role.OK)]
    else:
        pieces += ["   ", Cell("held: f follows again", Role.WARN)]
    return line(*pieces)


def _filtered(shown: int, total: int, words: str) -> list[Cell | str]:
    if not words:
        return []
    return ["   ", Cell(f"filter {words}: {shown} of {total}", Role.WARN)]


def footer(actions: Sequence[Hint], words: str, width: int) -> Line:
    """Key and label per action; where room is short those in the middle go, never the last two."""
    shown = list(actions)

    def size(hints: Sequence[Hint]) -> int:
        return 1 + sum(len(_key(hint)) + len(hint.label) + 3 for hint in hints)

    room = width - (len("esc clear  ") if words else 0)
    while len(shown) > 2 and size(shown) > room + 2:
        del shown[-3]
    pieces: list[Cell | str] = [" "]
    if words:
        pieces += [Cell("esc", Role.ACCENT), Cell(" clear  ", Role.DIM)]
    for hint in shown:
        end = "" if hint is shown[-1] else "  "
        pieces += [Cell(_key(hint), Role.ACCENT), Cell(f" {hint.label}{end}", Role.DIM)]
    return line(*pieces)


def hint_at(actions: Sequence[Hint], shown: Line, x: int) -> str | None:
    """Name of the action that `footer` shows at this column."""
    at, key = 0, ""
    for cell in shown:
        key = cell.text if cell.role is Role.ACCENT else key
        at += len(cell.text)
        if x < at:
            return next((action.name for action in actions if _key(action) == key), None)
    return None


def _key(hint: Hint) -> str:
    key = hint.keys.split(",")[0]
    return _KEYS.get(key, key)
