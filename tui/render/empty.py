"""What a fleet without backends shows: what was looked at, and what to do."""

from __future__ import annotations

from nexus.domain.gateway import GatewayInfo
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.numbers import plural, span
from tui.state import DashboardState, Link


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
    lines += [
        BLANK,
        line("  ", Cell("What now", Role.HEAD)),
        _step("r", "scan again, after starting Ollama, LM Studio, llama.cpp, vLLM or exo"),
        _step("nexus backends add URL", "tell Nexus of a server elsewhere"),
        _step("nexus demo", "look around with a simulated fleet"),
    ]
    return tuple(lines)


def small_lines(width: int, height: int, needed: tuple[int, int]) -> tuple[Line, ...]:
    """One sentence for a terminal that is too small."""
    text = f"Nexus needs {needed[0]}x{needed[1]}, this terminal is {width}x{height}; q leaves."
    size = max(1, width)
    return tuple(line(text[at : at + size]) for at in range(0, len(text), size))


def _step(what: str, effect: str) -> Line:
    return line("  ", Cell(f"{what:<24}", Role.ACCENT), effect)
