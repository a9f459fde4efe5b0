"""A `Refusal` -> the error a client sees: what is wrong, what exists instead, whether to wait.

Names of models and backends come from other machines and from clients: they are stripped of control
characters and cut to a length, and lists are bounded, so that no error grows with the fleet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import islice
from typing import Final

from nexus.domain.backend import BackendStatus
from nexus.domain.decision import Refusal, Rejection
from nexus.domain.fleet import Candidate, Fleet
from nexus.domain.request import Needs
from nexus.errors import CapabilityMissing, ContextExceeded, ModelUnknown, NexusError, NoBackend
from nexus.routing.rules import capability, capacity, context, privacy, tier

MAX_NAMES: Final = 20
"""Names in one sentence; the rest is counted."""

MAX_REASONS: Final = 50
"""Entries of `rejection_reasons` and of `available_backends`."""

MAX_NAME_CHARS: Final = 80

MAX_HEADER_BYTES: Final = 2000
"""Of `X-Nexus-Rejection-Details`; proxies refuse answers with headers of 4 to 8 KB."""

_BINDING: Final = {privacy.RULE, tier.RULE}

MAX_COMPARED: Final = 100
"""Names that a misspelt one is compared with: difflib costs tens of microseconds each."""

MAX_SEARCHED: Final = 5000
"""Candidates looked through for one that has a missing capability."""

RETRY_SATURATED_S: Final = 1
RETRY_DOWN_S: Final = 5
RETRY_LOADING_S: Final = 10
RETRY_DRAINING_S: Final = 30
RETRY_LIMITED_S: Final = 10
"""Seconds for `Retry-After`. SDKs sleep that long, twice, before their caller hears of it."""

_FOR_A_PERSON: Final = {
    BackendStatus.DRAINING,
    BackendStatus.AUTH_ERROR,
    BackendStatus.SLEEPING,
}
"""Somebody has to do something before they are routable again."""

_PARAMS: Final = {
    "vision": "messages",
    "audio": "messages",
    "tools": "tools",
    "json_mode": "response_format",
}


def error(refusal: Refusal, needs: Needs, fleet: Fleet, now: float | None = None) -> NexusError:
    """The error to raise. Pure; never raises.

    Args:
        now: Unix seconds, where somebody may wait for what is limited until a known moment.

    400 only when no backend could ever serve this request as it is, 404 when nobody lists the
    model, and 503 when something may change by itself.
    """
    if not refusal.known:
        return _unknown(refusal, fleet, now)
    candidates = [verdict.candidate for verdict in refusal.verdicts]
    able = [each for each in candidates if not capability.missing(each.model, needs)]
    if candidates and not able:
        return _incapable(refusal, needs, fleet, candidates)
    if able and all(context.exceeded(each, needs) for each in able):
        return _too_long(refusal, needs, able)
    return _unavailable(refusal, fleet, now)


def _unknown(refusal: Refusal, fleet: Fleet, now: float | None) -> NexusError:
    if not fleet.by_model and fleet.backends and not _healthy(fleet):
        # Nobody has told us what exists: the model may well be there when they come back.
        return _unavailable(refusal, fleet, now)
    sentences = [f"Model {_quoted(refusal.requested)} not found."]
    if refusal.model != refusal.requested:
        target = _quoted(refusal.model)
        sentences = [
            f"Model {_quoted(refusal.requested)} is an alias of {target}, which no backend has."
        ]
    near = _near(refusal.requested, fleet.by_model)
    if near:
        sentences.append(f"Did you mean {_listed(map(_quoted, near), len(near), ' or ')}?")
    if fleet.by_model:
        names = _listed(map(_clean, fleet.by_model), len(fleet.by_model))
        sentences.append(f"Available: {names}.")
    elif fleet.backends:
        sentences.append("No models available.")
    else:
        sentences.append("No models available: no backend is configured.")
    return ModelUnknown(" ".join(sentences), param="model")


def _incapable(
    refusal: Refusal, needs: Needs, fleet: Fleet, lacking: list[Candidate]
) -> NexusError:
    """Names what the best of the candidates lacks: the fewest changes that would help."""
    lacks = min((capability.missing(each.model, needs) for each in lacking), key=len)
    message = f"Model {_quoted(refusal.model)} lacks required capabilities: {json.dumps(lacks)}."
    able = list(islice(_capable(needs, fleet), MAX_NAMES))
    if able:
        message += f" Models that have them: {_listed(able, len(able))}."
    else:
        message += " No model of this fleet is known to have them."
    return CapabilityMissing(message, param=_PARAMS.get(lacks[0], "model"), should_retry=False)


def _capable(needs: Needs, fleet: Fleet) -> Iterable[str]:
    """Models said to have all that is asked, each with one backend that is up."""
    wanted = capability.asked(needs)
    searched = 0
    for name, candidates in fleet.by_model.items():
        searched += len(candidates)
        if searched > MAX_SEARCHED:
            return
        for each in candidates:
            if each.backend.is_routable and not capability.missing(each.model, needs):
                # Nobody says "chat: yes" about a chat model; the special abilities must be said.
                said = [w for w in wanted if w == "chat" or capability.of(each.model, w)]
                if len(said) == len(wanted):
                    yield f"{_clean(name)} (on {_clean(each.backend.name)})"
                    break


def _too_long(refusal: Refusal, needs: Needs, candidates: list[Candidate]) -> NexusError:
    longest = max(candidates, key=lambda each: each.model.context_length or 0)
    length = longest.model.context_length or 0
    place = f"the longest context for {_quoted(refusal.model)} is {length} tokens"
    place += f" (on {_clean(longest.backend.name)})"
    if needs.prompt_tokens > length:
        message = f"The prompt has about {needs.prompt_tokens} tokens; {place}. Shorten the prompt"
        param = "messages"
    else:
        message = f"max_tokens is {needs.max_tokens}; {place}. Lower max_tokens"
        param = "max_tokens"
    return ContextExceeded(
        f"{message} or use a model with a longer context.", param=param, should_retry=False
    )


def _unavailable(refusal: Refusal, fleet: Fleet, now: float | None) -> NexusError:
    healthy = _healthy(fleet)
    rejections = [(v.candidate, v.rejection) for v in refusal.verdicts if v.rejection is not None]
    rules = {rejection.rule for _, rejection in rejections}
    statuses = {candidate.backend.status for candidate, _ in rejections}
    if capacity.RULE in rules:
        wait_s, helps = RETRY_SATURATED_S, True
        message = f"Every backend that can serve {_quoted(refusal.model)} now is saturated."
    elif BackendStatus.LOADING in statuses:
        wait_s, helps = RETRY_LOADING_S, True
        message = f"Model {_quoted(refusal.model)} is being loaded."
    else:
        # A server that is down may be restarting; others do not come back by themselves.
        helps = not statuses or not statuses <= _FOR_A_PERSON
        wait_s = RETRY_DOWN_S if helps else RETRY_DRAINING_S
        if statuses == {BackendStatus.RATE_LIMITED}:
            wait_s = _limited_s((candidate for candidate, _ in rejections), now)
        message = f"No healthy backend available for model {_quoted(refusal.model)}."
        if not healthy:
            message = "All backends are currently unavailable."
        if refusal.zone_required is not None or refusal.required_tier is not None:
            message = _bound(refusal)
        if rules and rules <= _BINDING:
            helps = False  # nobody of that zone or tier has the model, up or down
    if len(refusal.tried) > 1:
        tried = _listed(map(_clean, refusal.tried), len(refusal.tried))
        message += f" Tried: {tried}."
    circumstances: dict[str, object] = {"available_backends": healthy[:MAX_REASONS]}
    if refusal.required_tier is not None:
        circumstances["required_tier"] = refusal.required_tier
    if refusal.zone_required is not None:
        circumstances["privacy_zone_required"] = refusal.zone_required.value
    reasons = [_reason(candidate, rejection) for candidate, rejection in rejections[:MAX_REASONS]]
    circumstances |= {"rejection_reasons": reasons, "retry_after_seconds": wait_s}
    error = NoBackend(message, context=circumstances, retry_after_s=wait_s, should_retry=helps)
    error.lines = _lines(rejections, reasons)
    return error


def _limited_s(candidates: Iterable[Candidate], now: float | None) -> int:
    """Seconds until the first of these may be asked again; a guess where none said."""
    told = [each.backend.traffic for each in candidates]
    ends = [each.until for each in told if each is not None and each.until is not None]
    if now is None or not ends:
        return RETRY_LIMITED_S
    return max(1, math.ceil(min(ends) - now))


def _bound(refusal: Refusal) -> str:
    """Which promise kept the others out."""
    wanted: list[str] = []
    if refusal.zone_required is not None:
        wanted.append(f"in privacy zone {refusal.zone_required.value}")
    if refusal.required_tier is not None:
        wanted.append(f"of tier {refusal.required_tier} or above")
    where = " and ".join(wanted)
    return f"No backend {where} can serve {_quoted(refusal.model)} now."


def _lines(rejections: list[tuple[Candidate, Rejection]], reasons: list[dict[str, str]]) -> bytes:
    """The rejection headers (contract 2.12). Reasons that do not fit are left to the body."""
    if not rejections:
        return b""
    rules = ", ".join(dict.fromkeys(rejection.rule for _, rejection in rejections))
    fitting: list[dict[str, str]] = []
    size = 2
    for reason in reasons:
        size += len(json.dumps(reason)) + 2
        if size > MAX_HEADER_BYTES:
            break
        fitting.append(reason)
    lines = f"X-Nexus-Rejection-Reasons: {len(rejections)} agents rejected by {rules}\r\n"
    # json.dumps escapes everything but printable ASCII, so it is safe in a header.
    lines += f"X-Nexus-Rejection-Details: {json.dumps(fitting)}\r\n"
    return lines.encode("ascii")


def _reason(candidate: Candidate, rejection: Rejection) -> dict[str, str]:
    """One entry in the contract's form."""
    return {
        "agent_id": _clean(candidate.backend.id),
        "backend": _clean(candidate.backend.name),
        "reconciler": rejection.rule,
        "reason": _clean(rejection.detail, 4 * MAX_NAME_CHARS),
        "suggested_action": rejection.hint,
    }


def _healthy(fleet: Fleet) -> list[str]:
    return [_clean(each.name) for each in fleet.backends.values() if each.is_routable]


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Up to three names that look like a misspelling of it, without comparing with thousands."""
    if len(name) > MAX_NAME_CHARS:
        return []
    wanted = name.lower()
    head = wanted[:2]
    pool: list[str] = []
    alike: dict[str, str] = {}
    for each in known:
        lower = each[:MAX_NAME_CHARS].lower()
        if lower.startswith(head) or wanted in lower:
            alike.setdefault(lower, each)
        elif len(pool) < MAX_COMPARED:
            pool.append(each)
        if len(alike) >= MAX_COMPARED:
            break
    for each in pool[: MAX_COMPARED - len(alike)]:
        alike.setdefault(each[:MAX_NAME_CHARS].lower(), each)
    from difflib import get_close_matches  # late: only after a mistake

    return [alike[found] for found in get_close_matches(wanted, alike, n=3, cutoff=0.6)]


def _listed(names: Iterable[str], count: int, joint: str = ", ") -> str:
    shown = joint.join(islice(names, MAX_NAMES))
    return f"{shown} and {count - MAX_NAMES} more" if count > MAX_NAMES else shown


def _quoted(name: str) -> str:
    return f"'{_clean(name)}'"


def _clean(text: str, limit: int = MAX_NAME_CHARS) -> str:
    """Printable, and not longer than `limit` characters."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)
