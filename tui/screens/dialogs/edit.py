"""Edit what is told about a backend: priority, zone, tier, limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexus.domain.backend import Backend, Zone, untold
from nexus.domain.gateway import BackendEdit, FleetSource
from tui.clean import clean
from tui.render.cells import Cell, Line, Role, line
from tui.render.fields import differences, edited
from tui.screens.base import dashboard
from tui.screens.dialogs.dialog import Dialog
from tui.screens.fields import Field
from tui.views import Frame


class Edit(Dialog):
    """Four fields; the button works once something differs and nothing is wrong."""

    YES = "Save"

    def __init__(self, backend: Backend, source: FleetSource) -> None:
        super().__init__()
        self._backend = backend
        self._name = clean(backend.name, 60) or backend.id
        self._source = source

    def fields(self) -> Sequence[Field]:
        face = self._backend.face
        usual = untold(face).zone
        limit = "" if face.max_concurrent is None else str(face.max_concurrent)
        return (
            Field("priority", "Priority", str(face.priority), "0 is preferred to 100; empty is 50"),
            Field("zone", "Zone", face.zone.value, f"restricted or open; empty is {usual}"),
            Field("tier", "Tier", str(face.tier), "1 to 5, the better the higher; empty is 1"),
            Field("limit", "Limit", limit, "requests at a time; empty is none"),
        )

    def first(self) -> str:
        return "#field-priority"

    def title_line(self) -> Line:
        return line(Cell(f"Edit {self._name}", Role.STRONG))

    def _read(self) -> tuple[BackendEdit, dict[str, str]]:
        return edited(self._backend.face, self.words)

    def wrong(self) -> Mapping[str, str]:
        return self._read()[1]

    def may_say_yes(self) -> bool:
        edit, wrong = self._read()
        return not wrong and edit != BackendEdit()

    def foot(self, frame: Frame) -> tuple[Line, ...]:
        edit, wrong = self._read()
        if wrong:
            return ()
        told = differences(self._backend.face, edit)
        if not told:
            return (line(Cell("Nothing differs yet.", Role.DIM)),)
        lines = [line(Cell("Will change  ", Role.DIM), Cell(", ".join(told), Role.STRONG))]
        zone = untold(self._backend.face).zone if "zone" in edit.cleared else edit.zone
        if zone is Zone.RESTRICTED:
            lines.append(line(Cell("! Data that must stay with you may go there.", Role.WARN)))
        elif zone is Zone.OPEN:
            text = "! Requests that must stay with you no longer go there."
            lines.append(line(Cell(text, Role.WARN)))
        return tuple(lines)

    async def carry_out(self) -> None:
        await self._source.edit(self._backend.id, self._read()[0])

    def done(self) -> None:
        told = ", ".join(differences(self._backend.face, self._read()[0]))
        dashboard(self).say(f"{self._name}: {told}.")
        self.dismiss(True)
