"""Details of a model, kept up to date while they are open."""

from __future__ import annotations

from tui.render.cells import Cell, Line, Role, line
from tui.render.detail import fact_pieces, label
from tui.render.status import glyph, word
from tui.screens.modal import Reader
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
                    lines.append(line(label(""), *fact_pieces(model)))
        return tuple(lines) or (line(Cell("No backend lists this model now.", Role.WARN)),)
