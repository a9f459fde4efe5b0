"""What a fleet without backends shows: what was looked at, and what to do."""

from __future__ import annotations

from nexus.domain.events import ServerFound
from nexus.domain.gateway import GatewayInfo
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.numbers import plural, span
from tui.state import DashboardState, Link

SHOWN = 5
"""Waiting servers named on an empty screen."""


def empty_lines(info: GatewayInfo, state: DashboardState, now: float) -> tuple[Line, ...]:
    """Every scanned address with its answer, then the three ways on."""
    if state.link is Link.WAITING:
        return (BLANK, line("  ", Cell("◐ Waiting for the first picture of the fleet.", Role.INFO)))
    lines: list[Line] = [
        BLANK,
        line("  ", Cell("No model server yet.", Role.STRONG)),
        line("  ", Cell(f"Nexus is up at {info.url}, and has nowhere to send work.", Role.DIM)),
        BLANK,
    ]
    if state.probes:
        newest = max(probe.at for probe in state.probes.values())
        number = plural(len(state.probes), "address")
        lines.append(line("  ", Cell(f"Scanned {number}, {span(now - newest)} ago", Role.HEAD)))
        for probe in sorted(state.probes.values(), key=lambda probe: probe.url):
            mark = Cell("● ", Role.OK) if probe.found else Cell("○ ", Role.FAINT)
            lines.append(
                line("  ", mark, Cell(f"{probe.url:<26} ", Role.TEXT), Cell(probe.detail, Role.DIM))
            )
    else:
        lines.append(line("  ", Cell("Nothing was scanned yet.", Role.DIM)))
    if state.waiting:
        number = plural(len(state.waiting), "server")
        lines += [BLANK, line("  ", Cell(f"Found on the network, {number} to approve", Role.HEAD))]
        for server in list(state.waiting.values())[:SHOWN]:
            lines.append(
                line(
                    "  ",
                    Cell("◆ ", Role.WARN),
                    Cell(f"{server.name:<26} ", Role.TEXT),
                    Cell(f"{server.url}   {server.detail}", Role.DIM),
                )
            )
        if len(state.waiting) > SHOWN:
            lines.append(line("  ", Cell(f"and {len(state.waiting) - SHOWN} more", Role.DIM)))
    lines += [
        BLANK,
        line("  ", Cell("What now", Role.HEAD)),
        *([_step("a", "look at a found server, and use it")] if state.waiting else []),
        _step("r", "scan again, after starting Ollama, LM Studio, llama.cpp, vLLM or exo"),
        _step("n", "add a server elsewhere by its URL, as `nexus backends add URL` does"),
        _step("nexus demo", "look around with a simulated fleet"),
    ]
    return tuple(lines)


def waiting_lines(server: ServerFound) -> tuple[Line, ...]:
    """What to know of a server before saying yes to it."""
    facts = (
        ("Name", server.name),
        ("URL", server.url),
        ("What", server.detail),
        ("Found by", server.via),
    )
    return (
        *(line(Cell(f"{label:<9}", Role.DIM), Cell(text)) for label, text in facts),
        BLANK,
        line(
            Cell("! Anyone on the network can announce anything. It will see prompts.", Role.WARN)
        ),
    )


def small_lines(width: int, height: int, needed: tuple[int, int]) -> tuple[Line, ...]:
    """One sentence for a terminal that is too small."""
    text = f"Nexus needs {needed[0]}x{needed[1]}, this terminal is {width}x{height}; q leaves."
    size = max(1, width)
    return tuple(line(text[at : at + size]) for at in range(0, len(text), size))


def _step(what: str, effect: str) -> Line:
    return line("  ", Cell(f"{what:<24}", Role.ACCENT), effect)
