"""Make a key and revoke one: each says first whom it shuts out, or lets in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.timer import Timer
from textual.widgets import Input

from nexus.domain.access import Role as Access
from nexus.domain.gateway import FleetSource
from nexus.domain.keys import KeyImpact, KeyMade, KeySeen, NewKey
from nexus.errors import NexusError
from tui.clean import clean
from tui.render.cells import Cell, Line, Role, line
from tui.render.fields import Wrong
from tui.render.keys import ROLES, impact_lines, read_role, source
from tui.screens.base import dashboard
from tui.screens.dialogs.dialog import Dialog
from tui.screens.fields import Field
from tui.views import Frame

DEBOUNCE_S = 0.3
"""Quiet after the last key before it is asked what the new one would do."""


class Foreseen(Dialog):
    """A dialog that asks the gateway what saying yes would do, and waits for the answer."""

    def __init__(self, source: FleetSource) -> None:
        super().__init__()
        self._source = source
        self.impact: KeyImpact | None = None
        """Of what is typed now; None while it is asked."""

    async def foresee(self) -> KeyImpact:
        """Ask. Raises NexusError."""
        raise NotImplementedError

    def look(self) -> None:
        """Ask anew, beside the screen; a newer question ends an older one."""
        self.impact = None

        async def run() -> None:
            try:
                self.impact = await self.foresee()
            except NexusError as error:
                self.problem = error.message
            self.refresh_frame()

        self.run_worker(run, name="impact", group="impact", exclusive=True)
        self.refresh_frame()

    def failed(self) -> None:
        """The wish was refused: the keys may have changed, so look again."""
        self.call_after_refresh(self.look)

    def action_cancel(self) -> None:
        if not self.busy:  # what comes of it is shown here, once
            super().action_cancel()


class MakeKey(Foreseen):
    """A name and a role; the key itself is in `made` afterwards."""

    YES = "Create"
    ROWS: ClassVar[tuple[Field, ...]] = (
        Field("name", "Name", hint="whose it is: laptop, ci, maria"),
        Field("role", "Role", Access.VIEWER.value, "viewer, operator or admin", ROLES),
    )

    def __init__(self, source: FleetSource) -> None:
        super().__init__(source)
        self.made: KeyMade | None = None
        self._timer: Timer | None = None
        self._asked: NewKey | None = None

    def fields(self) -> Sequence[Field]:
        return self.ROWS

    def first(self) -> str:
        return "#field-name"

    def title_line(self) -> Line:
        return line(Cell("Make a key for the control plane", Role.STRONG))

    def note(self, field: str) -> Line:
        """The other roles, also while one of them stands there."""
        return line(Cell(", ".join(ROLES), Role.DIM)) if field == "role" else ()

    def _read(self) -> tuple[NewKey, dict[str, str]]:
        words = self.words
        name = words.get("name", "").strip()
        wrong = {} if name else {"name": ""}
        try:
            role = read_role(words.get("role", ""))
        except Wrong as problem:
            return NewKey(name), wrong | {"role": str(problem)}
        return NewKey(name, role), wrong

    def wrong(self) -> Mapping[str, str]:
        new, wrong = self._read()
        if not wrong and self.impact and self.impact.problems and new == self._asked:
            return {"name": self.impact.problems[0]}
        return wrong

    def may_say_yes(self) -> bool:
        return not self.wrong() and self.impact is not None and self._read()[0] == self._asked

    def foot(self, frame: Frame) -> tuple[Line, ...]:
        new, wrong = self._read()
        if wrong:
            return (line(Cell("It opens the control API and attached dashboards.", Role.DIM)),)
        return impact_lines(self.impact if new == self._asked else None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """As in every dialog, beside what that does: Textual calls both."""
        if self._timer is not None:
            self._timer.stop()
        new, wrong = self._read()
        if not wrong and new != self._asked:
            self._timer = self.set_timer(DEBOUNCE_S, self.look)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """As in every dialog, beside what that does: Textual calls both."""
        new, wrong = self._read()
        if not wrong and new != self._asked:  # the word is whole: no more need to wait
            if self._timer is not None:
                self._timer.stop()
            self.look()

    async def foresee(self) -> KeyImpact:
        self._asked = self._read()[0]
        return await self._source.preview_key(self._asked)

    async def carry_out(self) -> None:
        new, _ = self._read()
        version = self.impact.version if self.impact else ""
        try:
            self.made = await self._source.create_key(NewKey(new.name, new.role, version))
        except NexusError:
            self.failed()
            raise


class RevokeKey(Foreseen):
    """The name is typed, and who is shut out is said first."""

    YES = "Revoke"

    def __init__(self, key: KeySeen, source: FleetSource) -> None:
        super().__init__(source)
        self._key = key
        self._name = clean(key.name, 60)
        """As it can be read and typed."""
        self._unkept = ""

    def fields(self) -> Sequence[Field]:
        return (Field("name", "Its name", hint=f"type {self._name} to go on"),)

    def first(self) -> str:
        return "#field-name"

    def on_mount(self) -> None:
        self.look()

    def title_line(self) -> Line:
        return line(Cell(f"Revoke the key {self._name}?", Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        about = line(Cell(f"{self._key.role.value}, from {source(self._key)}", Role.DIM))
        return (about, *impact_lines(self.impact))

    def wrong(self) -> Mapping[str, str]:
        word = self.words.get("name", "").strip()
        if word in (self._name, self._key.name):
            return {}
        return {"name": "" if self._name.startswith(word) else f"that is not {self._name}"}

    def may_say_yes(self) -> bool:
        return not self.wrong() and self.impact is not None

    async def foresee(self) -> KeyImpact:
        return await self._source.preview_revoke(self._key.name)

    async def carry_out(self) -> None:
        version = self.impact.version if self.impact else ""
        try:
            gone = await self._source.revoke_key(self._key.name, version)
        except NexusError:
            self.failed()
            raise
        self._unkept = gone.unkept

    def done(self) -> None:
        app = dashboard(self)
        if self._unkept:
            text = f"{self._name} opens nothing until the file is read anew: {self._unkept}."
            app.say(text, severity="warning")
        else:
            app.say(f"{self._name} was revoked: it opens nothing any more.")
        self.dismiss(True)
