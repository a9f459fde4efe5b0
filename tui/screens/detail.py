"""Details of a model or a request, kept up to date while they are open."""

from __future__ import annotations

from nexus.domain.gateway import Standing
from nexus.errors import NexusError
from tui.render.cells import Cell, Line, Role, line
from tui.render.detail import label, model_pieces
from tui.render.sentences import request_lines, standing_lines
from tui.render.status import glyph, word
from tui.screens.base import dashboard
from tui.screens.modal import Reader
from tui.state import Entry
from tui.views import Frame


class ModelDetail(Reader):
    """One model on every backend that lists it, live."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._model = name

    def title_line(self) -> Line:
        return line(Cell("Model ", Role.DIM), Cell(self._model, Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        lines: list[Line] = []
        for backend in frame.state.backends.values():
            for model in backend.models:
                if model.id == self._model:
                    lines.append(
                        line(
                            glyph(backend.status),
                            " ",
                            Cell(backend.name, Role.INFO),
                            Cell(f"   {word(backend.status)}, {backend.face.zone}", Role.DIM),
                        )
                    )
                    lines.append(line(label(""), *model_pieces(model)[1:]))
        return tuple(lines) or (line(Cell("No backend lists this model now.", Role.WARN)),)


class RequestDetail(Reader):
    """One request that ended, in sentences."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self._entry = entry
        self._standings: tuple[Standing, ...] = ()

    def on_mount(self) -> None:
        self.run_worker(self._ask(), name="standings", exit_on_error=True)

    async def _ask(self) -> None:
        """What each candidate got, where the gateway still remembers."""
        try:
            self._standings = await dashboard(self).explain(self._entry.request_id)
        except NexusError:
            return
        self.show_frame(dashboard(self).frame)

    def title_line(self) -> Line:
        return line(Cell("Request ", Role.DIM), Cell(self._entry.requested or "-", Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        return request_lines(self._entry, frame.utc_offset_s) + standing_lines(self._standings)
