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
from textual.suggester import SuggestFromList
from textual.widgets import Input

from tui.clean import clean
from tui.render.cells import Cell, Role, line
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
                    suggester=SuggestFromList(field.choices) if field.choices else None,
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
