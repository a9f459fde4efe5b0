"""Everything about one backend, as lines for the detail screen."""

from __future__ import annotations

from nexus.domain.backend import Backend, FactSource, Load, Model, Residency, Zone
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.numbers import clock, count, millis, percent, rate, span
from tui.render.spark import spark
from tui.render.status import LOOK
from tui.window import Latency, Rates, Window, history

_LABEL = 12
_MEMORY = {
    None: "",
    Residency.INSTALLED: "on disk",
    Residency.LOADING: "loading",
    Residency.LOADED: "loaded",
    Residency.SLEEPING: "sleeping",
}
INDENT = _LABEL + 1
"""Where the right column of a detail begins."""
BARS = 50
"""Of two seconds each: fits where the terminal is 80 wide."""
_ABILITIES = ("vision", "audio", "tools", "json_mode", "embeddings", "reasoning", "chat")


def backend_lines(
    backend: Backend,
    load: Load,
    window: Window,
    traffic: Rates,
    latency: Latency,
    now: float,
    utc_offset_s: int,
) -> tuple[Line, ...]:
    """Status, face, load, latency, models, last errors."""
    mark, word, role = LOOK[backend.seen_with(load.pending)]
    since = "" if backend.since is None else f" for {span(now - backend.since)}"
    status: list[Cell | str] = [Cell(f"{mark} {word}{since}", role)]
    if backend.reason:
        status.append(Cell(f"   {backend.reason}", Role.DIM))
    if backend.next:
        status.append(Cell(f"   {backend.next}", Role.STRONG))
    lines: list[Line] = [
        line(label("status"), *status),
        line(label("last check"), _check(backend, now)),
        BLANK,
        *_face(backend),
        BLANK,
        *_load(backend, load, traffic),
        *_latency(latency),
        line(label("traffic"), Cell(spark(history(window, now, BARS)), Role.INFO)),
        BLANK,
        *_models(backend.models),
        BLANK,
        *_errors(window, utc_offset_s),
    ]
    return tuple(lines)


def label(text: str) -> Cell:
    """The left column of a detail."""
    return Cell(f"{text:<{_LABEL}} ", Role.DIM)


def _check(backend: Backend, now: float) -> Cell:
    if backend.checked_at is None:
        return Cell("not checked yet", Role.DIM)
    took = "" if backend.probe_ms is None else f", answered in {millis(backend.probe_ms)}"
    return Cell(f"{span(now - backend.checked_at)} ago{took}")


def _face(backend: Backend) -> list[Line]:
    face = backend.face
    version = f" {backend.version}" if backend.version else ""
    slots = "no limit" if face.max_concurrent is None else f"{face.max_concurrent} at a time"
    key = f"from ${face.api_key_env}" if face.api_key_env else "none"
    return [
        line(label("url"), Cell(face.url, Role.STRONG)),
        line(label("type"), f"{face.type}{version}"),
        line(label("zone"), f"{face.zone}   priority {face.priority}   tier {face.tier}"),
        line(label("limits"), f"{slots}   API key {key}"),
        line(label("known from"), f"{face.source}   id {face.id}"),
    ]


def _load(backend: Backend, load: Load, traffic: Rates) -> list[Line]:
    failing = traffic.error_percent
    return [
        line(
            label("load"),
            f"{load.pending} in flight   {rate(traffic.requests_per_s)} req/s   ",
            f"{count(load.total)} finished, {count(load.errors)} failed",
        ),
        *_inside(backend),
        line(
            label("speed"),
            f"{rate(load.tokens_per_s)} tok/s per request   ",
            f"{rate(traffic.tokens_per_s)} tok/s in all   ",
            f"errors in 2m {'-' if failing is None else percent(failing) + '%'}",
        ),
    ]


def _inside(backend: Backend) -> list[Line]:
    """What the server says of itself, requests of others included."""
    told = (
        (backend.slots, "at a time"),
        (backend.running, "running"),
        (backend.waiting, "waiting"),
    )
    parts = [f"{number} {word}" for number, word in told if number is not None]
    return [line(label("inside"), ", ".join(parts))] if parts else []


def _latency(latency: Latency) -> list[Line]:
    return [
        line(
            label("latency"),
            f"p50 {millis(latency.p50)}   p95 {millis(latency.p95)}   p99 {millis(latency.p99)}",
            Cell(f"   of {latency.count} answers in 5m", Role.DIM),
        ),
        line(
            label("first byte"),
            f"p50 {millis(latency.ttft_p50)}   p95 {millis(latency.ttft_p95)}",
        ),
    ]


def _models(models: tuple[Model, ...]) -> list[Line]:
    if not models:
        return [line(label("models"), Cell("none listed", Role.DIM))]
    lines: list[Line] = []
    for number, model in enumerate(models):
        lines.append(line(label("models" if number == 0 else ""), *model_pieces(model)))
    if any(_unlike_server(model, fact) for model in models for fact, _ in model.sources):
        lines.append(line(label(""), Cell("unmarked facts are the server's own word", Role.FAINT)))
    return lines


def model_pieces(model: Model) -> Line:
    """A model with its context and what it can (`✓`), cannot (`✗`) or may (`?`) do."""
    size = "context unknown" if model.context_length is None else f"{model.context_length:,} tokens"
    if model.max_output_tokens is not None:
        size += f", answers up to {model.max_output_tokens:,}"
    if mark := _unlike_server(model, "context_length"):
        size += f" ({mark})"
    memory = _MEMORY[model.residency]
    pieces: list[Cell | str] = [
        Cell(model.id, Role.STRONG),
        Cell(f"   {size}   {memory}".rstrip(), Role.DIM),
    ]
    if model.zone is Zone.OPEN:
        pieces.append(Cell("  zone open", Role.WARN))
    for name in _ABILITIES:
        known: bool | None = getattr(model, name)
        word = name.removesuffix("_mode")
        if known:
            pieces.append(Cell(f"  {word} ✓", Role.OK))
        elif known is False and name != "chat":
            pieces.append(Cell(f"  {word} ✗", Role.FAINT))
        elif known is False:
            pieces.append(Cell("  no chat", Role.WARN))
        if known is not None and (name != "chat" or not known):
            mark = _unlike_server(model, name)
            pieces += [Cell(f" {mark}", Role.FAINT)] if mark else []
    return line(*pieces)


def _unlike_server(model: Model, fact: str) -> str:
    """Whose word a fact is, where it is not the server's own."""
    source = model.source(fact)
    return "" if source in (None, FactSource.SERVER) else source.value


def _errors(window: Window, utc_offset_s: int) -> list[Line]:
    if not window.errors:
        return [line(label("last errors"), Cell("none seen", Role.DIM))]
    lines: list[Line] = []
    for number, entry in enumerate(reversed(window.errors)):
        lines.append(
            line(
                label("last errors" if number == 0 else ""),
                Cell(f"{clock(entry.at, utc_offset_s)} ✖ {entry.status} ", Role.BAD),
                f"{entry.model}: {entry.error or 'the client was told of an error'}",
            )
        )
    return lines
