"""Load a model into a backend's memory, unload it, or bring it to another: what that does, first.

The pages say which model and where; from the palette both are asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from nexus.domain.backend import Backend, BackendType, Model, Residency
from tui.clean import clean
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import plural
from tui.screens.choose import Choose, Option
from tui.screens.modal import Confirm
from tui.state import DashboardState

if TYPE_CHECKING:
    from tui.app import NexusDashboard

Place = tuple[Backend, Model]
"""A model where a backend lists it."""
Ask = Callable[["NexusDashboard", Backend, Model], None]


def places(state: DashboardState, name: str) -> list[Place]:
    """Every copy of a model."""
    return [
        (backend, model)
        for backend in state.backends.values()
        for model in backend.models
        if model.id == name
    ]


# ---- the questions


def ask_to_load(app: NexusDashboard, backend: Backend, model: Model) -> None:
    """Ask whether to bring it into memory, and do it."""
    if model.residency is Residency.LOADED:  # what sleeps can be woken
        app.say(f"{model.id} is loaded on {backend.name} already.")
        return
    text = (
        line(f"{clean(backend.name)} brings it into memory now; that may take minutes."),
        line(Cell("It may push another model out of memory.", Role.WARN)),
    )
    _confirm(
        app,
        f"Load {clean(model.id, 60)} on {clean(backend.name, 40)}?",
        text,
        "Load",
        lambda: app.source.load_model(backend.id, model.id),
        f"{model.id} is loaded on {backend.name}.",
    )


def ask_to_unload(app: NexusDashboard, backend: Backend, model: Model) -> None:
    """Ask whether to free its memory, and do it."""
    _confirm(
        app,
        f"Unload {clean(model.id, 60)} from {clean(backend.name, 40)}?",
        _without(app.state, backend, model),
        "Unload",
        lambda: app.source.unload_model(backend.id, model.id),
        f"{model.id} was unloaded from {backend.name}.",
    )


def ask_to_migrate(app: NexusDashboard, backend: Backend, model: Model) -> None:
    """Ask whether to load it on `backend` and unload it where it is now, and do it."""
    olds = [
        other for other, copy in places(app.state, model.id)
        if other.id != backend.id and copy.loaded
    ]  # fmt: skip
    if not olds:
        app.say(f"No other backend has {model.id} loaded; load it instead.", severity="warning")
        return
    old = olds[0]

    async def move() -> None:
        await app.source.load_model(backend.id, model.id)
        await app.source.unload_model(old.id, model.id)

    text = [
        line(Cell(f"First it is loaded on {backend.name}; then {old.name} frees its memory.")),
        line(Cell("Where loading fails, nothing is unloaded.", Role.DIM)),
    ]
    if old.face.type is BackendType.VLLM:
        text.insert(1, _asleep(old.name))
    _confirm(
        app,
        f"Migrate {clean(model.id, 60)} from {clean(old.name, 40)}?",
        tuple(text),
        "Migrate",
        move,
        f"{model.id} is on {backend.name} now, and no longer on {old.name}.",
    )


def _without(state: DashboardState, backend: Backend, model: Model) -> tuple[Line, ...]:
    """What it means that the model is out of memory there."""
    text: list[Line] = []
    there = sum(
        one.backend_id == backend.id and one.model == model.id for one in state.running.values()
    )
    load = state.loads.get(backend.id)
    if there:
        said = f"! {plural(there, 'request')} for it in flight; its server decides."
        text.append(line(Cell(said, Role.WARN)))
    elif load and load.pending:
        text.append(line(Cell(f"! {backend.name} works on {load.pending} now.", Role.WARN)))
    others = [
        other.name
        for other, copy in places(state, model.id)
        if other.id != backend.id and other.is_routable and copy.loaded is not False
    ]
    if others:
        text.append(line(Cell(f"Still loaded on {', '.join(others[:3])}.")))
    else:
        text.append(line(Cell("! No other backend has it loaded.", Role.WARN)))
    if backend.face.type is BackendType.VLLM:
        text.append(_asleep(backend.name))
    else:
        text.append(line(Cell("It stays on disk; the next request for it may load it again.")))
    return tuple(text)


def _asleep(name: str) -> Line:
    """A vLLM frees no single model."""
    text = f"! All of {name} goes to sleep, and gets no requests until it is loaded."
    return line(Cell(text, Role.WARN))


def _confirm(
    app: NexusDashboard,
    title: str,
    text: tuple[Line, ...],
    yes: str,
    wish: Callable[[], Awaitable[object]],
    done: str,
) -> None:
    def answered(sure: bool | None) -> None:
        if sure:
            app.say(f"{yes}: under way.")
            app.do(wish, done)

    app.push_screen(Confirm(title, text, yes), answered)


# ---- which, and where: from the palette


def choose(app: NexusDashboard, what: str) -> None:
    """Ask which model to `load`, `unload` or `migrate`, then where, then whether."""
    everywhere = [(b, model) for b in app.state.backends.values() for model in b.models]
    match what:
        case "load":
            found = [place for place in everywhere if _waits(place[1])]
            _choose(app, "Load", found, ask_to_load, "No model waits on a disk, or sleeps.")
        case "unload":
            found = [place for place in everywhere if place[1].residency is Residency.LOADED]
            nothing = "No backend tells of a model in its memory."
            _choose(app, "Unload", found, ask_to_unload, nothing)
        case _:
            loaded = {m.id for _, m in everywhere if m.residency is Residency.LOADED}
            found = [place for place in everywhere if place[1].id in loaded and _waits(place[1])]
            nothing = "No model is loaded on one backend and waits on the disk of another."
            _choose(app, "Migrate", found, ask_to_migrate, nothing)


def _waits(model: Model) -> bool:
    return model.residency in (Residency.INSTALLED, Residency.SLEEPING)


def _choose(app: NexusDashboard, verb: str, found: Sequence[Place], ask: Ask, nothing: str) -> None:
    if not found:
        app.say(nothing, severity="warning")
        return
    where: dict[str, list[Place]] = {}
    for backend, model in found:
        where.setdefault(model.id, []).append((backend, model))

    def model_chosen(name: str | None) -> None:
        if name is None:
            return
        copies = where[name]
        if len(copies) == 1:
            ask(app, *copies[0])
            return
        options = [
            Option(backend.id, backend.name, hint=str(backend.status)) for backend, _ in copies
        ]
        title = f"{verb} {clean(name, 40)}: on which backend?"
        app.push_screen(Choose(title, options), lambda at: backend_chosen(name, at))

    def backend_chosen(name: str, id: str | None) -> None:
        place = next((each for each in where[name] if each[0].id == id), None)
        if place is not None:
            ask(app, *place)

    options = [
        Option(name, name, hint=", ".join(backend.name for backend, _ in copies))
        for name, copies in sorted(where.items())
    ]
    app.push_screen(Choose(f"{verb} which model?", options), model_chosen)
