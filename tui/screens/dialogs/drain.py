"""Drain: what it would do, then what is still in flight until nothing is."""

from __future__ import annotations

from textual.widgets import Button

from nexus.domain.backend import Backend, BackendStatus
from nexus.domain.gateway import FleetSource
from nexus.errors import NexusError
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.drain import Impact, impact, impact_lines, running, running_lines
from tui.render.numbers import span
from tui.screens.base import dashboard
from tui.screens.dialogs.named import Named
from tui.views import Frame


class Drain(Named):
    """Asks; when the answer is yes it stays, and counts down."""

    YES = "Drain"

    def __init__(self, backend: Backend, what: Impact, source: FleetSource) -> None:
        """Ask; `what` decides whether the name has to be typed."""
        super().__init__(backend, typed=bool(what.only_here))
        self._source = source
        self._aliases: dict[str, str] | None = None
        self.counting = False
        """True once it drains."""
        self._lines = 0
        """Most lines that the requests in flight have taken: what is below them stays there."""

    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._ask, name="aliases", exit_on_error=True)

    async def _ask(self) -> None:
        """Which aliases lead there. The question stands without."""
        try:
            self._aliases = dict((await self._source.routes()).aliases)
        except NexusError:
            return
        self.refresh_frame()

    def title_line(self) -> Line:
        name = self.backend_name
        text = f"{name} drains" if self.counting else f"Drain {name}?"
        return line(Cell(text, Role.STRONG))

    def body(self, frame: Frame) -> tuple[Line, ...]:
        state = frame.state
        backend = state.backends.get(self.backend_id)
        if backend is None:
            return (line(Cell("This backend has left the fleet.", Role.WARN)),)
        load = state.loads.get(self.backend_id)
        pending = load.pending if load else 0
        rows = max(2, min(6, self.size.height - 20))
        waited = running_lines(pending, running(state, self.backend_id, frame.now), rows)
        self._lines = max(self._lines, len(waited), 2)
        waited += (BLANK,) * (self._lines - len(waited))
        if self.counting:
            since = "" if backend.since is None else f" for {span(frame.now - backend.since)}"
            return (
                line(Cell(f"◌ no new work{since}", Role.WARN)),
                *waited,
                BLANK,
                line(Cell("It goes on when this is closed; the end is told.", Role.DIM)),
            )
        what = impact(state, self.backend_id)
        return (
            line("New requests go elsewhere from now on; u takes it back."),
            *waited,
            BLANK,
            line(Cell("What happens without it", Role.HEAD)),
            *(impact_lines(what, self._aliases, max(3, min(8, self.size.height - 18)))),
        )

    def show_frame(self, frame: Frame) -> None:
        frame = self.live(frame)
        backend = frame.state.backends.get(self.backend_id)
        if self.counting and not self.busy:
            load = frame.state.loads.get(self.backend_id)
            over = backend is None or backend.status is not BackendStatus.DRAINING
            if (over and self._begun(frame)) or (not over and not (load and load.pending)):
                self.dismiss(True)
                return
        super().show_frame(frame)

    def _begun(self, frame: Frame) -> bool:
        """Whether the drain was seen: its update may come a moment after the answer."""
        return self.counting and frame.now > self._until

    async def carry_out(self) -> None:
        await self._source.drain(self.backend_id)

    def done(self) -> None:
        app = dashboard(self)
        load = app.state.loads.get(self.backend_id)
        if not (load and load.pending):
            self.dismiss(True)  # its end is told as every drain's
            return
        self.counting = True
        self._until = app.now + 5
        self.query_one(".form-fields").display = False
        self.query_one("#no", Button).label = "Close"
        self.query_one("#yes", Button).display = False
        self.query_one("#no").focus()
        self.refresh_frame()

    def hint(self) -> str:
        return "enter close" if self.counting else super().hint()

    _until = 0.0
