"""A request decided again: what would be done with it now, beside what was done then. Pure.

Reads two accounts as the control API gives them: the recorded one, and that of a dry run.
"""

from __future__ import annotations

from nexus.domain.gateway import Json
from tui.clean import fit
from tui.render.cells import Cell, Line, Role, line
from tui.render.detail import label
from tui.render.facts import child, children, text, whole, words
from tui.render.numbers import clock

WIDEST = 22
"""Columns of a backend's name."""
REFUSED = "refused"
STANDING = 20
"""Columns of what it got then."""


def again_lines(then: Json, now: Json, at: float, utc_offset_s: int) -> tuple[Line, ...]:
    """The outcome now and then, and what each candidate got both times.

    Args:
        at: Unix seconds of the second decision.
    """
    was, will = _outcome(then), _outcome(now)
    compared = Cell("  the same as then", Role.DIM)
    if was != will:
        compared = Cell(f"  then: {was}", Role.WARN)
    lines = [
        line(
            label("now"),
            Cell(will, Role.BAD if will == REFUSED else Role.OK),
            compared,
            Cell(f"   decided again at {clock(at, utc_offset_s)}; nothing was sent", Role.FAINT),
        )
    ]
    if sentence := text(child(now, "refusal"), "message"):
        lines.append(line(label(""), Cell(sentence, Role.DIM)))
    if text(then, "strategy") != text(now, "strategy"):
        told = f"strategy {text(then, 'strategy') or '-'} → {text(now, 'strategy') or '-'}"
        lines.append(line(label(""), Cell(told, Role.WARN)))
    before, after = _by_name(then), _by_name(now)
    names = [*after, *(name for name in before if name not in after)]
    if names:
        wide = min(WIDEST, max(8, *(len(name) for name in names)))
        head = f"{'':<{wide}}  {'then':<{STANDING}}  now"
        lines.append(line(label(""), Cell(head, Role.FAINT)))
        for name in names:
            first, second = _standing(before.get(name), then), _standing(after.get(name), now)
            lines.append(
                line(
                    label(""),
                    Cell(fit(name, wide), Role.INFO),
                    "  ",
                    Cell(f"{fit(first, STANDING):<{STANDING}}", Role.DIM),
                    "  ",
                    Cell(second, Role.DIM if first == second else Role.STRONG),
                )
            )
    return tuple(lines)


def no_again(why: str) -> tuple[Line, ...]:
    """It cannot be decided again; `why` is the gateway's sentence."""
    return (line(label("now"), Cell(why, Role.WARN)),)


def _refused(facts: Json) -> bool:
    return text(child(facts, "decision"), "outcome") == "refused"


def _outcome(facts: Json) -> str:
    """Where it goes: `gpu-01`, or that it is refused."""
    decision = child(facts, "decision")
    order = words(decision, "order")
    if not decision or _refused(facts) or not order:
        return REFUSED
    model = text(decision, "model")
    return order[0] if model == text(facts, "model") else f"{order[0]} with {model}"


def _by_name(facts: Json) -> dict[str, Json]:
    return {text(one, "backend"): one for one in children(facts, "candidates")}


def _standing(one: Json | None, facts: Json) -> str:
    """`1st, score 82`, or the rule that ruled it out."""
    if one is None:
        return "gone" if "dry_run" in facts else "was not there"
    rejection = child(one, "rejection")
    if rejection or _refused(facts):
        return f"✖ {text(rejection, 'rule') or 'ruled out'}"
    place, score = whole(one, "place"), whole(one, "score")
    said = "not in the plan" if place is None else f"{'▶ ' if place == 1 else ''}place {place}"
    return said if score is None else f"{said}, score {score}"
