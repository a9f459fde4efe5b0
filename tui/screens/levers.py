"""Load a model into a backend's memory, or unload it: what that will do, then the question."""

from __future__ import annotations

from nexus.domain.backend import Backend, Model, Residency
from tui.clean import clean
from tui.render.attention import served
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import plural
from tui.screens.base import dashboard
from tui.screens.modal import Confirm
from tui.screens.page import Page
from tui.state import DashboardState


def ask_to_load(page: Page, backend: Backend, model: Model) -> None:
    """Ask whether to bring it into memory, and do it."""
    app = dashboard(page)
    if model.residency is Residency.LOADED:
        app.say(f"{model.id} is in memory there already.")
        return
    text = (
        line("Its server brings it into memory now, which may take minutes."),
        line("Where memory is short, it may put another model aside."),
    )

    def answered(yes: bool | None) -> None:
        if yes:
            said = f"{model.id} is loaded on {backend.name}."
            app.do(lambda: app.source.load_model(backend.id, model.id), said)

    title = f"Load {clean(model.id, 60)} on {clean(backend.name, 40)}?"
    app.push_screen(Confirm(title, text, "Load"), answered)


def ask_to_unload(page: Page, backend: Backend, model: Model) -> None:
    """Ask whether to free its memory, and do it."""
    app = dashboard(page)

    def answered(yes: bool | None) -> None:
        if yes:
            said = f"{model.id} was unloaded from {backend.name}."
            app.do(lambda: app.source.unload_model(backend.id, model.id), said)

    title = f"Unload {clean(model.id, 60)} from {clean(backend.name, 40)}?"
    app.push_screen(Confirm(title, _without(app.state, backend, model), "Unload"), answered)


def _without(state: DashboardState, backend: Backend, model: Model) -> tuple[Line, ...]:
    """What it means that the model is out of memory there."""
    there = [
        one
        for one in state.running.values()
        if one.backend_id == backend.id and one.model == model.id
    ]
    others = served([other for other in state.backends.values() if other.id != backend.id])
    lines = [line("Its memory is freed; the next request for it loads it again.")]
    if there:
        text = f"! {plural(len(there), 'request')} for it in flight; its server decides."
        lines.append(line(Cell(text, Role.WARN)))
    if model.id not in others:
        lines.append(line(Cell("! Nobody else has it: the next request waits.", Role.WARN)))
    return tuple(lines)
