"""An account of a request in sentences, for a person. Pure; reads cleaned facts only."""

from __future__ import annotations

from typing import Any

from nexus.explain.candidates import made_of
from nexus.explain.reasons import in_words, why_not, why_this

_KINDS = {
    "/v1/chat/completions": "a chat completion",
    "/v1/completions": "a completion",
    "/v1/embeddings": "embeddings",
}
_WANTS = {
    "vision": "an image to be seen",
    "audio": "audio to be heard",
    "tools": "tools",
    "json_mode": "JSON",
}


def sentences(facts: dict[str, Any]) -> list[str]:
    """What was asked, why it went where it went, why to no other, and what came of it."""
    told = [_asked(facts), *_bound(facts), *_chosen(facts), *_others(facts), *_course(facts)]
    return [each for each in told if each]


def count(number: int, word: str) -> str:
    """`1 token`, `2 tokens`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _asked(facts: dict[str, Any]) -> str:
    needs = facts["needs"]
    model = facts["model"]
    if needs is None:
        return f"A client asked for '{model}'." if model else "A client sent no readable request."
    wants = [words for name, words in _WANTS.items() if needs[name]]
    said = f"A client asked '{model}' for {_KINDS.get(needs['endpoint'], 'an answer')}"
    said += ", streamed" if needs["stream"] else ""
    said += f", with {_listed(wants)}" if wants else ""
    said += ", in a conversation it names" if needs["conversation"] else ""
    return f"{said}; the prompt has about {count(needs['prompt_tokens_estimate'], 'token')}."


def _bound(facts: dict[str, Any]) -> list[str]:
    """The promises that held it."""
    told: list[str] = []
    bound = facts["binding"]
    if zone := bound.get("zone"):
        told.append(f"It had to stay in zone {zone['value']}: {zone['by']}.")
    if tier := bound.get("min_tier"):
        told.append(f"It was for tier {tier['value']} and above: {tier['by']}.")
    if fallbacks := bound.get("fallbacks"):
        told.append(f"No fallback was allowed: {fallbacks['by']}.")
    return told


def _chosen(facts: dict[str, Any]) -> list[str]:
    decision = facts["decision"]
    if decision is None:
        return []
    told: list[str] = []
    if decision["model"] != facts["model"]:
        how = "a fallback" if decision.get("fallback") else "an alias"
        told.append(f"By {how}, '{decision['model']}' took its place.")
    candidates = facts["candidates"]
    if decision["outcome"] == "refused":
        told.append(
            f"No backend could take it: {len(candidates)} had the model, and each was ruled out."
            if decision["known"]
            else f"No backend has '{decision['model']}'."
        )
        return [*told, *(_ruled_out(each, decision) for each in candidates)]
    chosen = next((each for each in candidates if each["place"] == 1), None)
    said = f"{decision['order'][0]} was chosen: {why_this(facts)[1]}"
    told.append(f"{said} ({_standing(chosen)})." if chosen is not None else f"{said}.")
    if chosen is not None and chosen["failures"] and not decision["in_doubt"]:
        told.append(f"Failures are on its record: {chosen['failures']}.")
    return told


def _others(facts: dict[str, Any]) -> list[str]:
    decision = facts["decision"]
    told: list[str] = []
    if decision is not None and decision["outcome"] == "routed":
        for each in facts["candidates"]:
            if each["place"] == 1:
                continue
            if each["rejection"] is not None:
                told.append(_ruled_out(each, decision))
                continue
            place = f"number {each['place']} of the plan" if each["place"] else "not in the plan"
            reason = why_not(facts, each)[1]
            because = f"{reason}; it was {place}" if reason else f"it was {place}"
            model = f" ({each['model']})" if each["model"] != decision["model"] else ""
            told.append(f"Not {each['backend']}{model}: {because} ({_standing(each)}).")
    if facts["more_candidates"]:
        told.append(f"Left out here: {count(facts['more_candidates'], 'more candidate')}.")
    return told


def _ruled_out(each: dict[str, Any], decision: dict[str, Any]) -> str:
    said, name = each["rejection"], each["backend"]
    model = f" ({each['model']})" if each["model"] != decision["model"] else ""
    # Details of rules begin with the backend's name already.
    detail = said["detail"].removeprefix(f"{name} ")
    hint = f" To change that: {said['hint']}." if said["hint"] else ""
    return f"Not {name}{model}, by the rule '{said['rule']}': {detail}.{hint}"


def _standing(each: dict[str, Any]) -> str:
    zone = ", zone open" if each["zone"] == "open" else ""
    return f"score {each['score']}: {made_of(each)}{zone}"


def _course(facts: dict[str, Any]) -> list[str]:
    if facts["status"] is None:
        return ["It is still under way."] if facts["at"] else []
    told: list[str] = []
    attempts = facts["attempts"]
    if len(attempts) > 1 or facts["error"]:
        told += [
            f"Attempt {number} on {each['backend']}: {each['outcome']} "
            f"(after {each['ended_ms'] - each['began_ms']:.0f} ms)."
            for number, each in enumerate(attempts, 1)
        ]
    if facts["took_over"] is not None:
        told += _taken_over(facts["took_over"])
    if facts["error_code"] is not None:
        told.append(
            f"It was refused with {facts['status']} {facts['error_code']}: {facts['error']}"
        )
        return told
    said = f"It ended with status {facts['status']} after {facts['duration_ms']:.0f} ms"
    if facts["ttft_ms"] is not None:
        said += f", the first byte after {facts['ttft_ms']:.0f} ms"
    if facts["completion_tokens"] is not None:
        said += f"; {count(facts['prompt_tokens'] or 0, 'token')} in, "
        said += f"{facts['completion_tokens']} out"
    told.append(said + ".")
    return told


def _taken_over(over: dict[str, Any]) -> list[str]:
    """The fallback that was decided on when all had failed, and why no other backend."""
    said = f"When every attempt of the plan had failed, the fallback '{over['model']}' took over"
    if "candidates" not in over:
        return [f"{said} on {over['backend']}: {in_words(over['why'])}."]
    chosen = next((each for each in over["candidates"] if each["place"] == 1), None)
    standing = f" ({_standing(chosen)})" if chosen is not None else ""
    told = [f"{said} on {over['decision']['order'][0]}: {why_this(over)[1]}{standing}."]
    return told + _others(over)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
