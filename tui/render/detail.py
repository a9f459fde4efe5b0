"""A model with what it can, and the left column of details."""

from __future__ import annotations

from nexus.domain.backend import FactSource, Model, Residency, Zone
from tui.render.cells import Cell, Line, Role, line

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
_ABILITIES = ("vision", "audio", "tools", "json_mode", "embeddings", "reasoning", "chat")


def label(text: str) -> Cell:
    """The left column of a detail."""
    return Cell(f"{text:<{_LABEL}} ", Role.DIM)


def fact_pieces(model: Model) -> Line:
    """A model's context, and what it can (`✓`) and cannot (`✗`) do."""
    size = "context unknown" if model.context_length is None else f"{model.context_length:,} tokens"
    if model.max_output_tokens is not None:
        size += f", answers up to {model.max_output_tokens:,}"
    if mark := _unlike_server(model, "context_length"):
        size += f" ({mark})"
    memory = _MEMORY[model.residency]
    pieces: list[Cell | str] = [Cell(f"{size}   {memory}".rstrip(), Role.DIM)]
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
