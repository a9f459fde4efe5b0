"""What really decided between the chosen candidate and another one. Pure; reads cleaned facts.

A score is one reason among several: a backend that must load the model comes after one that need
not, a conversation goes back to where its prompt is cached, equals take turns. A lower score can
win by any of these, and whoever asks must be told which it was.
"""

from __future__ import annotations

from typing import Any

Reason = tuple[str, str]
"""One word for machines, and the sentence's end for a person."""

_BY_PART = {
    "priority": "by its priority",
    "load": "by what it has in flight",
    "latency": "by the time to its first words",
}


_SHORT = {
    "only_healthy_backend": "the only backend that could take it",
    "only_backend_in_doubt": "the only one left, though requests have failed there",
    "highest_score": "the best score",
    "affinity": "it has the cache of this conversation",
    "round_robin": "its turn",
    "priority": "the lowest priority number",
    "random": "chance",
    "least_pending": "the fewest requests in flight",
    "power_of_two": "chance drew two, and it had fewer in flight",
}


def in_words(why: str) -> str:
    """The contract's short form, `highest_score:gpu-01:98`, for a sentence."""
    return _SHORT.get(why.partition(":")[0], why)


def why_this(facts: dict[str, Any]) -> Reason:
    """Why the first of the plan is the first."""
    able = [each for each in facts["candidates"] if each["score"] is not None]
    chosen = next((each for each in able if each["place"] == 1), None)
    if facts["decision"]["in_doubt"]:
        failures = f" ({chosen['failures']})" if chosen and chosen["failures"] else ""
        return "in_doubt", f"requests failed there{failures}, but nobody else could take it"
    if len(able) <= 1 or chosen is None:
        return "only", "it was the only backend that could take it"
    among = f"among the {len(able)} that could take it"
    if facts["decision"]["by_conversation"]:
        return "conversation", f"the cache of this conversation is there, and it was good {among}"
    match facts["strategy"]:
        case "smart":
            warm = sum(not each["must_load"] for each in able)
            if not chosen["must_load"] and warm < len(able):
                who = "only one" if warm == 1 else f"best of {warm}"
                return "residency", f"the {who} {among} that need not load the model"
            equals = sum(_as_good(chosen, each) for each in able)
            if equals > 1:
                return "turn", f"its turn among {equals} equals, the best {among}"
            return "score", f"the best score {among}"
        case "round_robin":
            return "turn", f"its turn {among}"
        case "priority_only":
            return "priority", f"the lowest priority number {among}"
        case "random":
            return "chance", f"chance {among}"
        case "least_pending":
            return "pending", f"the fewest requests in flight {among}"
        case "power_of_two":
            return "chance", f"chance drew two {among}, and it had fewer in flight"
        case _:
            return "strategy", f"the strategy {among}"


def why_not(facts: dict[str, Any], other: dict[str, Any]) -> Reason:
    """Why one that could have taken the request was not the first."""
    chosen = next((each for each in facts["candidates"] if each["place"] == 1), None)
    if chosen is None or chosen["model"] != other["model"]:
        return "plan", ""
    first = chosen["backend"]
    if facts["strategy"] == "smart":
        return _smart(facts, chosen, other)
    if facts["strategy"] == "least_pending":
        if other["pending"] > chosen["pending"]:
            return "pending", f"it had more in flight than {first}"
        if facts["decision"]["by_conversation"]:
            return "conversation", f"the cache of this conversation is on {first}"
        if other["score"] < chosen["score"]:
            return "score", f"it had as many in flight, and scored lower{_mostly(chosen, other)}"
        return "turn", f"it was as good, and it was the turn of {first}"
    if facts["strategy"] == "priority_only":
        if other["priority"] > chosen["priority"]:
            return "priority", "its priority number is higher"
        return _equal(chosen, other)
    if facts["strategy"] == "round_robin":
        return "turn", f"it was the turn of {first}"
    return "chance", f"chance fell on {first}"


def _smart(facts: dict[str, Any], chosen: dict[str, Any], other: dict[str, Any]) -> Reason:
    first = chosen["backend"]
    if other["must_load"] and not chosen["must_load"]:
        return "residency", f"it would have had to load the model, which {first} had in memory"
    if facts["decision"]["by_conversation"] and other["score"] >= chosen["score"]:
        return "conversation", f"the cache of this conversation is on {first}"
    if other["score"] < chosen["score"]:
        return "score", f"it scored lower{_mostly(chosen, other)}"
    if other["score"] == chosen["score"]:
        return _equal(chosen, other)
    return "plan", ""


def _as_good(chosen: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(chosen[name] == other[name] for name in ("score", "pending", "must_load"))


def _equal(chosen: dict[str, Any], other: dict[str, Any]) -> Reason:
    if other["pending"] > chosen["pending"]:
        return "pending", f"it was as good, and had more in flight than {chosen['backend']}"
    return "turn", f"it was as good, and it was the turn of {chosen['backend']}"


def _mostly(chosen: dict[str, Any], other: dict[str, Any]) -> str:
    """`, mostly by what it has in flight`: the part of the score that cost it most."""
    ours, theirs = chosen["score_parts"], other["score_parts"]
    if not ours or not theirs:
        return ""
    lost = {
        name: (ours[name]["points"] - theirs[name]["points"]) * ours[name]["weight"]
        for name in _BY_PART
    }
    worst = max(lost, key=lambda name: lost[name])
    return f", mostly {_BY_PART[worst]}" if lost[worst] > 0 else ""
