"""The contract's short reasons as words: `highest_score:gpu-01:98` reads `best score 98`."""

from __future__ import annotations

from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished


def why(entry: RequestFinished) -> str:
    """Why this backend, shortly; what went wrong comes first when something did."""
    text = reason(entry.why)
    if entry.reason is RouteReason.FAILOVER or entry.tried:
        text = f"after {', '.join(entry.tried) or 'a failure'}; {text}"
    if entry.error:
        return f"{entry.error} ({text})" if text else entry.error
    if entry.status == 499:
        return f"client left; {text}"
    return text


def refusal(message: str, requested: str) -> str:
    """Why nothing served it, without the model that the row names anyway."""
    return message.removeprefix(f"Model '{requested}' ")


def reason(short: str) -> str:
    """One short form in words; unknown forms stay as they are."""
    if short.startswith("fallback:"):
        # Model names may hold colons: the rest begins at the last known word.
        for start in ("only_healthy_backend", "highest_score:", "round_robin:", "priority:"):
            if (at := short.rfind(start)) > 0:
                return f"fallback {short[9 : at - 1]}; {reason(short[at:])}"
        return "fallback " + short[9:]
    if short == "only_healthy_backend":
        return "the only one"
    name, _, rest = short.partition(":")
    last = rest.rpartition(":")[2]
    match name:
        case "highest_score":
            return f"best score {last}"
        case "round_robin":
            return f"round robin {last.removeprefix('index_')}"
        case "priority":
            return f"priority {last}"
        case "random":
            return "random choice"
        case _:
            return short
