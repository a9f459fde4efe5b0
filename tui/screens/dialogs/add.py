"""Add a backend: its URL is looked at while it is typed, and only then it can be added."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar, TypeVar

from textual.timer import Timer
from textual.widgets import Input

from nexus.domain.backend import Backend, default_zone
from nexus.domain.gateway import FleetSource, NewBackend, Recognition
from nexus.errors import NexusError
from tui.clean import clean
from tui.render import fields
from tui.render.cells import Cell, Line, Role, line
from tui.screens.base import dashboard
from tui.screens.dialogs.dialog import Dialog
from tui.screens.fields import Field

DEBOUNCE_S = 0.3
"""Quiet after the last key before the URL is looked at."""
T = TypeVar("T")


class Add(Dialog):
    """A URL and what is told about it."""

    YES = "Add"
    ROWS: ClassVar[tuple[Field, ...]] = (
        Field("url", "URL", hint="http://10.0.0.44:8000, or host:port"),
        Field("name", "Name", hint="made from the URL"),
        Field("zone", "Zone", hint="restricted or open; empty is what its kind is"),
        Field("priority", "Priority", hint="50; 0 is preferred to 100"),
        Field("tier", "Tier", hint="1 to 5, the better the higher"),
        Field("limit", "Limit", hint="requests at a time; empty is none"),
        Field("key", "Key from", hint="name of an environment variable; never the key"),
    )

    def __init__(self, source: FleetSource) -> None:
        super().__init__()
        self._source = source
        self._timer: Timer | None = None
        self._asked = ""
        """URL that was looked at, or is."""
        self._looking = False
        self._found: Recognition | None = None
        self._trouble = ""
        self._said = ""

    def fields(self) -> Sequence[Field]:
        return self.ROWS

    def first(self) -> str:
        return "#field-url"

    def title_line(self) -> Line:
        return line(Cell("Add a backend", Role.STRONG))

    @property
    def _taken(self) -> Collection[Backend]:
        return dashboard(self).state.backends.values()

    def _read(self) -> tuple[NewBackend, dict[str, str]]:
        words = self.words
        wrong: dict[str, str] = {}

        def read(name: str, reader: Callable[[str], T], otherwise: T) -> T:
            try:
                return reader(words.get(name, ""))
            except fields.Wrong as problem:
                wrong[name] = str(problem)
                return otherwise

        url = read("url", lambda text: fields.url(text, self._taken), "")
        priority = read("priority", fields.priority, None)
        new = NewBackend(
            url,
            read("name", lambda text: fields.name(text, self._taken), ""),
            None,  # found out again when it is added, which says how
            read("zone", fields.zone, None),
            50 if priority is None else priority,
            read("tier", fields.tier, None),
            read("limit", fields.limit, None),
            read("key", fields.env_name, None),
        )
        return new, wrong

    def wrong(self) -> Mapping[str, str]:
        return self._read()[1]

    def may_say_yes(self) -> bool:
        new, wrong = self._read()
        return not wrong and new.url == self._asked and not self._looking

    def note(self, field: str) -> Line:
        if field == "url":
            return self._what_answers()
        if field == "zone" and self._found and not self.words.get("zone", "").strip():
            own = default_zone(self._found.type)
            return line(Cell(f"{own.value}, as for every {self._found.type.value}", Role.DIM))
        return ()

    def _what_answers(self) -> Line:
        new, _ = self._read()
        if not new.url:
            return ()
        typed = self.words.get("url", "").strip()
        added = () if "://" in typed else (Cell("http:// is added   ", Role.DIM),)
        return (*added, *self._answer(new))

    def _answer(self, new: NewBackend) -> Line:
        if new.url != self._asked or self._looking:
            return line(Cell("◐ looking what answers there", Role.INFO))
        if self._trouble:
            return line(Cell(f"! {self._trouble}", Role.WARN))
        if self._found is None:
            text = "○ nothing known answers there yet: it is added as generic, and checked again"
            return line(Cell(text, Role.WARN))
        return line(Cell(f"● {self._found.detail or self._found.type.value}", Role.OK))

    # -- looking -----------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        super().on_input_changed(event)
        if event.input.id != "field-url":
            return
        if self._timer is not None:
            self._timer.stop()
        url = self._read()[0].url
        if url and url != self._asked:
            self._timer = self.set_timer(DEBOUNCE_S, self._look)

    def _look(self) -> None:
        url = self._read()[0].url
        if not url or url == self._asked:
            return
        self._asked, self._looking, self._found, self._trouble = url, True, None, ""

        async def run() -> None:
            found: Recognition | None = None
            trouble = ""
            try:
                found = await self._source.recognise(url)
            except NexusError as error:
                trouble = error.message
            if url == self._asked:
                self._looking, self._found, self._trouble = False, found, trouble
                self.refresh_frame()

        # A newer URL ends the look at an older one.
        self.run_worker(run, name="recognise", group="recognise", exclusive=True)
        self.refresh_frame()

    async def carry_out(self) -> None:
        self._said = await self._source.add(self._read()[0])

    def done(self) -> None:
        name = clean(self._read()[0].url, 80)
        dashboard(self).say(self._said or f"{name} was added.")
        self.dismiss(True)
