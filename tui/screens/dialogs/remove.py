"""Remove: the name is typed, and what is lost is said first."""

from __future__ import annotations

from nexus.domain.backend import Backend, Source
from nexus.domain.gateway import FleetSource
from tui.render.cells import Cell, Line, Role, line
from tui.render.drain import impact, impact_lines
from tui.render.fields import shown_url
from tui.render.numbers import plural
from tui.screens.base import dashboard
from tui.screens.dialogs.named import Named
from tui.views import Frame


class Remove(Named):
    """Forget a backend."""

    YES = "Remove"

    def __init__(self, backend: Backend, source: FleetSource) -> None:
        super().__init__(backend, typed=True)
        self._source = source

    def title_line(self) -> Line:
        return line(Cell(f"Remove {self.backend_name}?", Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        state = frame.state
        backend = state.backends.get(self.backend_id)
        if backend is None:
            return (line(Cell("This backend has left the fleet.", Role.WARN)),)
        load = state.loads.get(self.backend_id)
        pending = load.pending if load else 0
        lines: list[Line] = [line(Cell(shown_url(backend.face), Role.DIM))]
        if pending:
            lines.append(line(f"{plural(pending, 'request')} in flight there will finish."))
        lines.append(line(f"Nexus forgets it{_again(backend)}"))
        lines += impact_lines(impact(state, self.backend_id), None, 4)
        return tuple(lines)

    async def carry_out(self) -> None:
        await self._source.remove(self.backend_id)

    def done(self) -> None:
        dashboard(self).say(f"{self.backend_name} was removed.")
        self.dismiss(True)


def _again(backend: Backend) -> str:
    if backend.face.source in (Source.PROBE, Source.MDNS, Source.BEACON):
        return ". It was found by itself, and may be found again."
    return ", also in any configuration file. Draining keeps it."
