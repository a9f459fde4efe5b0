"""Help made from the bindings that are active where it was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import ActiveBinding

from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.matrix import LEGEND
from tui.screens.modal import Reader
from tui.views import Frame

KEYS = 19
"""Columns of the keys."""
_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "ampersand": "&",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "shift+tab": "⇧tab",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
_SENTENCES = {
    "app.focus_next": "Go to the next pane.",
    "app.focus_previous": "Go to the pane before.",
    "app.command_palette": "Search and run any command.",
    "quit": "Stop Nexus; asks while requests run.",
    "app.quit": "Stop Nexus; asks while requests run.",
    "command_palette": "Search and run any command.",
    "open": "Show everything about the row under the cursor.",
    "move(-1)": "One row up.",
    "move(1)": "One row down.",
    "page(-1)": "A page up.",
    "page(1)": "A page down.",
    "edge(-1)": "To the first row.",
    "edge(1)": "To the last row; the routing log follows again.",
}


def help_lines(
    bindings: Mapping[str, ActiveBinding], notes: tuple[Line, ...] = ()
) -> tuple[Line, ...]:
    """One line per action with all its keys, then what the marks mean.

    What only this page can do stands first: how the cursor moves is guessed anyway.
    """
    here: dict[str, list[str]] = {}
    usual: dict[str, list[str]] = {}
    for key, active in bindings.items():
        binding = active.binding
        text = _SENTENCES.get(binding.action) or active.tooltip or binding.tooltip
        if text:
            found = usual if text in _SENTENCES.values() else here
            found.setdefault(text, []).append(_NAMES.get(key, key))
    return (
        line(Cell("Keys", Role.STRONG)),
        *_key_lines(here),
        BLANK,
        line(Cell("Moving and leaving", Role.STRONG)),
        *_key_lines(usual),
        BLANK,
        *((*notes, BLANK) if notes else ()),
        line(Cell("Marks", Role.STRONG)),
        line("● healthy   ✖ down   ◌ draining   ◐ loading   ○ unknown"),
        line(LEGEND),
        BLANK,
        line(Cell("Numbers", Role.STRONG)),
        line("P50 and P95 are whole answers of the last 5 minutes; TTFT is the median first byte."),
        line("TOK/S in a row is the speed of one request; above, the tokens of all of them."),
        line("A number with ! needs a look; - means not known."),
    )


def _key_lines(keys: Mapping[str, list[str]]) -> list[Line]:
    return [
        line(Cell(f"{' '.join(found):<{KEYS}}", Role.ACCENT), text) for text, found in keys.items()
    ]


class Help(Reader):
    """The help page."""

    indent = KEYS

    def __init__(self, bindings: Mapping[str, ActiveBinding], notes: tuple[Line, ...] = ()) -> None:
        """`notes`: what the page has to say besides keys."""
        super().__init__()
        self._text = help_lines(bindings, notes)

    def title_line(self) -> Line:
        return line(Cell("Help", Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        return self._text
