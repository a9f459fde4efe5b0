"""Everything about one request, as lines: what was asked, who could, who did, and how it went.

Reads an account as the control API gives it (`nexus.explain.account`). Pure.
"""

from __future__ import annotations

from nexus.domain.gateway import Json
from tui.clean import fit
from tui.render.asked import Request, became
from tui.render.cells import BLANK, Cell, Line, Role, line
from tui.render.detail import INDENT, label
from tui.render.facts import NOTHING, child, children, flag, number, text, whole, words
from tui.render.numbers import clock, count, millis, rate
from tui.render.requests import status_cell
from tui.render.waterfall import ANSWER, FAIL, GOES_ON, WAIT, Attempt, waterfall
from tui.render.why import reason

PARTS = (("priority", "█", Role.INFO), ("load", "▓", Role.ACCENT), ("latency", "▒", Role.WARN))
"""Parts of a score, each with a filling of its own: colour is never the only sign."""
_SHORT = {"priority": "pri", "load": "load", "latency": "lat"}
_KINDS = {
    "/v1/chat/completions": "a chat completion",
    "/v1/completions": "a completion",
    "/v1/embeddings": "embeddings",
}
_WANTS = (("vision", "an image"), ("audio", "audio"), ("tools", "tools"), ("json_mode", "JSON"))
_DECIDED = {
    "in_doubt": "recent requests failed there, but nobody else could",
    "only": "the only one that could",
    "conversation": "the cache of this conversation is there",
    "residency": "it need not load the model",
    "turn": "its turn among equals",
    "score": "the best score",
    "priority": "the lowest priority number",
    "chance": "by chance",
    "pending": "the fewest in flight",
    "strategy": "by the strategy",
}
_LOST = {
    "residency": "had to load the model",
    "conversation": "the conversation's cache is elsewhere",
    "score": "scored lower",
    "pending": "had more in flight",
    "priority": "a higher priority number",
    "turn": "as good, not its turn",
    "chance": "not drawn",
}


def title(request: Request, now: float) -> Line:
    """Of the pane: id, models, backend, status, time."""
    took = request.duration_ms
    if request.status is None:
        took = max(0.0, now - request.at) * 1000
    at = f" @ {request.backend}" if request.backend else ""
    return line(
        Cell("Request"),
        Cell(f" {request.id}", Role.DIM),
        Cell(f"  {became(request.asked, request.used) or '-'}{at}  ", Role.TEXT),
        status_cell(request),
        Cell("" if took is None else f"  {millis(took)}", Role.DIM),
    )


def basics(request: Request, now: float, utc_offset_s: int) -> tuple[Line, ...]:
    """What the row itself knows, while the account is on its way or where there is none."""
    lines = [
        line(
            label("asked"),
            Cell(clock(request.at, utc_offset_s), Role.DIM),
            "  ",
            Cell(request.asked or "no readable model", Role.ACCENT),
        )
    ]
    if request.backend:
        lines.append(
            line(label("routed"), Cell(request.backend, Role.INFO), f"  {reason(request.why)}")
        )
    if request.duration_ms is not None:
        first = f", the first byte after {millis(request.ttft_ms)}" if request.ttft_ms else ""
        lines.append(line(label("time"), f"{millis(request.duration_ms)}{first}"))
    elif request.status is None:
        lines.append(line(label("time"), f"under way for {millis((now - request.at) * 1000)}"))
    if request.completion_tokens is not None:
        lines.append(line(label("tokens"), *_tokens(request)))
    if request.error:
        lines.append(line(label("ended"), status_cell(request), f"  {request.error}"))
    return tuple(lines)


def loading(request: Request, now: float, utc_offset_s: int) -> tuple[Line, ...]:
    """Until the account is here."""
    wait = line(label(""), Cell("◐ reading who else could have taken it", Role.INFO))
    return (*basics(request, now, utc_offset_s), wait)


def forgotten(request: Request, why: str, now: float, utc_offset_s: int) -> tuple[Line, ...]:
    """Nobody has the account; `why` is the gateway's sentence."""
    return (
        *basics(request, now, utc_offset_s),
        BLANK,
        line(label("decision"), Cell("○ not remembered", Role.WARN)),
        line(label(""), Cell(why, Role.DIM)),
    )


def story_lines(
    facts: Json, columns: int, now: float, utc_offset_s: int, *, brief: bool = False
) -> tuple[Line, ...]:
    """The whole account.

    Args:
        columns: width to draw bars for.
        brief: for a small pane: without blank lines.
    """
    room = max(30, columns - INDENT)
    parts = [
        _asked(facts, utc_offset_s),
        _routed(facts),
        _candidates(facts, room),
        [*_attempts(facts, room, now), *_took_over(facts, room)],
        _ended(facts),
        _headers(facts),
        _words(facts),
    ]
    lines: list[Line] = []
    for part in parts:
        if part and lines and not brief:
            lines.append(BLANK)
        lines += part
    return tuple(lines)


def _asked(facts: Json, utc_offset_s: int) -> list[Line]:
    at = Cell(f"{clock(number(facts, 'at') or 0.0, utc_offset_s)}  ", Role.DIM)
    needs = child(facts, "needs")
    model = text(facts, "model")
    if not needs:
        said = "a request that could not be read" if not model else "needs unknown"
        return [line(label("asked"), at, Cell(model, Role.ACCENT), f"  {said}")]
    kind = _KINDS.get(text(needs, "endpoint"), "an answer")
    wants = [word for name, word in _WANTS if flag(needs, name)]
    said = kind + (", streamed" if flag(needs, "stream") else "")
    said += f", with {', '.join(wants)}" if wants else ""
    size = f"about {count(whole(needs, 'prompt_tokens_estimate'))} tokens in"
    if (most := whole(needs, "max_tokens")) is not None:
        size += f", at most {count(most)} out"
    tenant = text(needs, "tenant")
    lines = [
        line(
            label("asked"),
            at,
            Cell(model, Role.ACCENT),
            f"  {said}; {size}",
            Cell(f"   tenant {tenant}" if tenant else "", Role.DIM),
            Cell("   in a conversation" if flag(needs, "conversation") else "", Role.DIM),
        )
    ]
    bound = child(facts, "binding")
    for name, word in (("zone", "zone"), ("min_tier", "tier from"), ("fallbacks", "fallbacks")):
        each = child(bound, name)
        if each:
            value = text(each, "value") or str(whole(each, "value") or "")
            if name == "fallbacks":
                value = "none"
            lines.append(
                line(
                    label("bound"),
                    Cell(f"{word} {value}", Role.WARN),
                    Cell(f"  {text(each, 'by')}", Role.DIM),
                )
            )
    return lines


def _routed(facts: Json) -> list[Line]:
    decision = child(facts, "decision")
    if not decision:
        return []
    model = text(decision, "model")
    pieces: list[Cell | str] = [label("routed")]
    if model != text(facts, "model"):
        how = "fallback" if flag(decision, "fallback") else "alias"
        pieces += [Cell(how, Role.DIM), " → ", Cell(model, Role.ACCENT), "  "]
    if text(decision, "outcome") == "refused":
        had = "every backend that has it was ruled out"
        if not flag(decision, "known"):
            had = "no backend has it"
        tried = [name for name in words(decision, "tried_models") if name != model]
        pieces += [Cell("refused", Role.BAD), f"  {had}"]
        if tried:
            pieces.append(Cell(f"   also looked for {', '.join(tried)}", Role.DIM))
        return [line(*pieces)]
    order = words(decision, "order")
    decided = _DECIDED.get(text(decision, "decided_by"), "")
    pieces += [
        Cell(order[0] if order else "-", Role.OK),
        f"  {decided or reason(text(decision, 'why'))}",
        Cell(f"   strategy {text(facts, 'strategy') or '-'}", Role.DIM),
        Cell(f"   {text(decision, 'why')}", Role.FAINT),
    ]
    return [line(*pieces)]


def _candidates(facts: Json, room: int) -> list[Line]:
    each = children(facts, "candidates")
    if not each:
        return []
    name = min(22, max(8, *(len(text(one, "backend")) for one in each)))
    bar = 25 if room >= 96 else 15 if room >= 64 else 0
    refused = text(child(facts, "decision"), "outcome") == "refused"
    served = text(facts, "backend")
    lines = [_legend(each, name)] if bar and any(child(one, "score_parts") for one in each) else []
    for one in each:
        head = label("candidates" if not lines else "")
        rejection = child(one, "rejection")
        if rejection or refused:
            lines.append(_ruled_out(head, one, rejection, name))
        else:
            lines.append(_scored(head, one, name, bar, room, served))
    if more := whole(facts, "more_candidates"):
        lines.append(line(label(""), Cell(f"and {count(more)} more", Role.DIM)))
    return lines


def _legend(each: tuple[Json, ...], name: int) -> Line:
    """Fillings and weights of the parts."""
    parts = next(child(one, "score_parts") for one in each if child(one, "score_parts"))
    pieces: list[Cell | str] = [label("candidates"), Cell(" " * (name + 2) + "score ", Role.FAINT)]
    for part, filling, role in PARTS:
        weight = whole(child(parts, part), "weight") or 0
        pieces += [Cell(f" {filling} ", role), Cell(f"{part} {weight}% ", Role.FAINT)]
    return line(*pieces)


def _scored(head: Cell, one: Json, name: int, bar: int, room: int, served: str) -> Line:
    place = whole(one, "place")
    mark = "▶ " if place == 1 else f"{place} " if place is not None and place < 10 else "· "
    role = Role.OK if place == 1 else Role.INFO
    score = whole(one, "score")
    pieces: list[Cell | str] = [
        head,
        Cell(mark, role),
        Cell(fit(text(one, "backend"), name), role),
        Cell(f" {'-' if score is None else score:>4} ", Role.STRONG),
    ]
    parts = child(one, "score_parts")
    if bar and parts:
        pieces += [*_bar(parts, bar), " "]
    told: list[str] = []
    if parts:
        gained = [(part, _gained(parts, part)) for part, _, _ in PARTS]
        if room >= 96:
            pieces.append(Cell("  ".join(f"{_SHORT[p]} {g:>2.0f}" for p, g in gained), Role.DIM))
        else:
            pieces.append(Cell("+".join(f"{g:.0f}" for _, g in gained), Role.DIM))
    places = whole(one, "places")
    pending = whole(one, "pending")
    if pending is not None:
        told.append(f"{pending}{f'/{places}' if places else ''} in flight")
    first = number(one, "first_words_ms") or number(one, "latency_ms")
    measured = child(one, "measured")
    if first is not None and room >= 64:
        told.append(_first_words(first, measured, room))
    if failed_percent := whole(measured, "failed_percent"):
        told.append(f"{failed_percent} % failed")
    if flag(one, "must_load"):
        told.append("not in memory")
    pieces.append(Cell(f"   {', '.join(told)}", Role.DIM))
    if text(one, "zone") == "open":
        pieces.append(Cell("   zone open", Role.WARN))
    if place == 1 and served and text(one, "backend") != served:
        pieces.append(Cell("   chosen, did not answer", Role.WARN))
    if failed := text(one, "failures"):
        pieces.append(Cell(f"   {failed}", Role.WARN))
    if lost := _LOST.get(text(one, "decided_by"), ""):
        pieces.append(Cell(f"   {lost}", Role.TEXT))
    if place is None:
        pieces.append(Cell("   not in the plan", Role.DIM))
    return line(*pieces)


def _first_words(ms: float, measured: Json, room: int) -> str:
    """`first words 210 ms of the last minute`, or less where there is less room."""
    if room < 96:
        return millis(ms)
    said = f"first words {millis(ms)}"
    if room < 120:
        return said
    by = text(measured, "by")
    if by == "window":
        seconds = whole(measured, "span_s") or 0
        return f"{said} in the last {'minute' if seconds <= 60 else f'{seconds // 60} minutes'}"
    quiet = whole(measured, "quiet_min") or 0
    if by == "average" and quiet > 5:
        return f"{said} on average, {quiet} min ago"
    return f"{said} on average" if by == "average" else said


def _gained(parts: Json, part: str) -> float:
    """Points of 100 that a part brings."""
    one = child(parts, part)
    points, weight = number(one, "points") or 0.0, number(one, "weight") or 0.0
    return max(0.0, min(100.0, points * weight / 100))


def _bar(parts: Json, columns: int) -> list[Cell]:
    """The parts side by side, then what was not reached."""
    cells: list[Cell] = []
    used, total = 0, 0.0
    for part, filling, role in PARTS:
        total += _gained(parts, part)
        end = max(used, min(columns, round(columns * total / 100)))
        cells.append(Cell(filling * (end - used), role))
        used = end
    cells.append(Cell("·" * (columns - used), Role.FAINT))
    return cells


def _ruled_out(head: Cell, one: Json, rejection: Json, name: int) -> Line:
    backend = text(one, "backend")
    detail = text(rejection, "detail").removeprefix(f"{backend} ") or "could not take it"
    hint = text(rejection, "hint")
    return line(
        head,
        Cell("✖ ", Role.WARN),
        Cell(fit(backend, name), Role.DIM),
        Cell("    - ", Role.FAINT),
        Cell(f"{text(rejection, 'rule')}: " if rejection else "", Role.WARN),
        detail,
        Cell(f"   to change that: {hint}" if hint else "", Role.DIM),
    )


def attempts_of(
    facts: Json, now: float, *, short: bool = False
) -> tuple[tuple[Attempt, ...], float]:
    """Attempts of an account, and the milliseconds at which its axis ends.

    Args:
        short: say less beside the axis.
    """
    total = number(facts, "duration_ms")
    ttft = number(facts, "ttft_ms")
    told = children(facts, "attempts")
    if total is None and facts.get("status") is None and text(facts, "backend"):
        gone = max(0.0, now - (number(facts, "at") or now)) * 1000
        going = Attempt(text(facts, "backend"), 0.0, None, None, "under way", failed=False)
        return (going,), gone
    found: list[Attempt] = []
    failed = bool(text(facts, "error"))
    for index, one in enumerate(told):
        last = index == len(told) - 1
        began, ended = number(one, "began_ms") or 0.0, number(one, "ended_ms") or 0.0
        first = ttft if last and ttft is not None and began <= ttft else None
        outcome = text(one, "outcome")
        if first is not None and not failed:
            outcome = f"first byte {millis(first - began)}"
            outcome += "" if short else f", answer {millis(ended - first)}"
        found.append(
            Attempt(text(one, "backend"), began, ended, first, outcome, failed or not last)
        )
    return tuple(found), total or max((a.ended or 0.0 for a in found), default=0.0)


def _attempts(facts: Json, room: int, now: float) -> list[Line]:
    attempts, until = attempts_of(facts, now, short=room < 80)
    if not attempts:
        return []
    lines = [
        line(label("attempts" if not number else ""), *each)
        for number, each in enumerate(waterfall(attempts, until, room))
    ]
    signs = [f"{WAIT} until the first byte", f"{ANSWER} answer"]
    if any(a.failed for a in attempts):
        signs.append(f"{FAIL} failed")
    if any(a.ended is None for a in attempts):
        signs.append(f"{GOES_ON} goes on")
    lines.append(line(label(""), Cell("  ".join(signs), Role.FAINT)))
    return lines


def _took_over(facts: Json, room: int) -> list[Line]:
    """The second decision of a request whose first plan had failed as a whole."""
    over = child(facts, "took_over")
    if not over:
        return []
    return [
        line(
            label("then"),
            Cell("fallback", Role.WARN),
            " → ",
            Cell(text(over, "model"), Role.ACCENT),
            " on ",
            Cell(text(over, "backend"), Role.INFO),
            Cell(f"  {reason(text(over, 'why'))}", Role.DIM),
        ),
        *_candidates(over, room),
    ]


def _ended(facts: Json) -> list[Line]:
    status = whole(facts, "status")
    if status is None:
        return []
    lines: list[Line] = []
    tokens_in, tokens_out = whole(facts, "prompt_tokens"), whole(facts, "completion_tokens")
    if tokens_in is not None or tokens_out is not None:
        speed = number(facts, "tokens_per_second")
        said = f"{count(tokens_in)} in, {count(tokens_out)} out"
        said += "" if speed is None else f", {rate(speed)} tok/s"
        lines.append(line(label("tokens"), said, *_cost(facts)))
    elif text(facts, "backend"):
        lines.append(line(label("tokens"), Cell("the backend reported none", Role.DIM)))
    if error := text(facts, "error"):
        code = text(facts, "error_code")
        lines.append(
            line(label("ended"), Cell(f"✖ {status} {code}".rstrip(), Role.BAD), f"  {error}")
        )
    elif status == 499:
        lines.append(line(label("ended"), "◌ 499  the client left; the backend was told to stop"))
    return lines


def _cost(facts: Json) -> Line:
    cost = number(facts, "cost_usd")
    return () if cost is None else line(Cell(f"   ${cost:.4f}", Role.STRONG))


def _tokens(request: Request) -> Line:
    speed = request.tokens_per_s
    said = f"{count(request.prompt_tokens)} in, {count(request.completion_tokens)} out"
    return line(said + ("" if speed is None else f", {rate(speed)} tok/s"))


def _headers(facts: Json) -> list[Line]:
    """What the answer's headers said of it (docs/reference/headers.md)."""
    backend = text(facts, "backend")
    decision = child(facts, "decision")
    sent: list[tuple[str, str]] = []
    if backend and facts.get("status") is not None:
        one = next(
            (c for c in children(facts, "candidates") if text(c, "backend") == backend), NOTHING
        )
        kind = text(one, "backend_type")
        cloud = kind in ("openai", "anthropic", "google")
        sent = [
            ("X-Nexus-Backend", backend),
            ("X-Nexus-Backend-Type", ("cloud" if cloud else "local") if kind else ""),
            ("X-Nexus-Route-Reason", text(facts, "reason")),
            ("X-Nexus-Privacy-Zone", text(one, "zone")),
        ]
        over = child(facts, "took_over")
        if over or flag(decision, "fallback"):
            model = text(over or decision, "model")
            sent.append(("X-Nexus-Fallback-Model", model))
        failed = [text(a, "backend") for a in children(facts, "attempts")[:-1]]
        sent.append(("X-Nexus-Tried", ", ".join(failed)))
    pieces: list[Cell | str] = [label("headers")]
    for name, value in sent:
        if value:
            gap = "   " if len(pieces) > 1 else ""
            pieces += [Cell(f"{gap}{name}: ", Role.FAINT), value]
    return [line(*pieces)] if len(pieces) > 1 else []


def _words(facts: Json) -> list[Line]:
    return [
        line(label("in words" if not number else ""), each)
        for number, each in enumerate(words(facts, "sentences"))
    ]
