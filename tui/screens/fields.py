"""Lines to type, one below the other: each with its label, and room for what is wrong with it.

`Form` and `Dialog` are made of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.suggester import Suggester
from textual.widgets import Input

from tui.clean import clean
from tui.render.cells import Cell, Line, Role, line
from tui.widgets.text_lines import TextLines
from tui.widgets.typing import LONGEST, Typing


@dataclass(frozen=True, slots=True)
class Field:
    """One line to type."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    """Shown while it is empty."""
    choices: Sequence[str] = ()
    """Completed while typing; → takes what is offered."""


class _Offer(Suggester):
    """Completes the last of some words after commas."""

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__(case_sensitive=True)
        self._choices = choices

    async def get_suggestion(self, value: str) -> str | None:
        before, word = _last(value)
        found = completion(self._choices, word)
        return None if found is None else before + found


def completion(choices: Sequence[str], word: str) -> str | None:
    """What a word would become; None where nothing begins like it, or it is whole."""
    if not word or word in choices:
        return None
    return next((choice for choice in choices if choice.startswith(word)), None)


def _last(value: str) -> tuple[str, str]:
    """What stands before the last word of a list, and that word."""
    word = value.rpartition(",")[2].lstrip()
    return value[: len(value) - len(word)], word


def offered(field: Field, value: str) -> Line:
    """Which key completes what is typed; empty where nothing is offered."""
    found = completion(field.choices, _last(value)[1])
    return () if found is None else line(Cell("→", Role.ACCENT), Cell(f" {found}", Role.DIM))


def field_rows(fields: Sequence[Field]) -> ComposeResult:
    """The widgets: `#label-NAME`, `#field-NAME` and, below them, `#said-NAME`."""
    with VerticalScroll(classes="form-fields", can_focus=False):
        for field in fields:
            with Horizontal(classes="form-row"):
                yield TextLines(id=f"label-{field.name}", classes="form-label")
                yield Typing(
                    clean(field.value),
                    id=f"field-{field.name}",
                    placeholder=field.hint,
                    max_length=LONGEST,
                    compact=True,
                    suggester=_Offer(field.choices) if field.choices else None,
                )
            yield TextLines(id=f"said-{field.name}", classes="form-said")


def show_labels(screen: Screen[Any], fields: Sequence[Field]) -> None:
    """Write the labels, once the widgets stand."""
    for field in fields:
        label = screen.query_one(f"#label-{field.name}", TextLines)
        label.show((line(Cell(field.label, Role.DIM)),))


def typed(screen: Screen[Any], fields: Sequence[Field]) -> dict[str, str]:
    """What is typed now, by field."""
    return {field.name: screen.query_one(f"#field-{field.name}", Input).value for field in fields}
