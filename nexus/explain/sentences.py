"""An account of a request in sentences, for a person. Pure; reads cleaned facts only."""

from __future__ import annotations

from typing import Any

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
_STRATEGIES = {
    "smart": "the best score",
    "round_robin": "its turn",
    "priority_only": "the lowest priority number",
    "random": "chance",
}


def sentences(facts: dict[str, Any]) -> list[str]:
    """What was asked, why it went where it went, why to no other, and what came of it."""
    told = [_asked(facts), *_chosen(facts), *_others(facts), *_course(facts)]
    return [each for each in told if each]


def _asked(facts: dict[str, Any]) -> str:
    needs = facts["needs"]
    model = facts["model"]
    if needs is None:
        return f"A client asked for '{model}'." if model else "A client sent no readable request."
    wants = [words for name, words in _WANTS.items() if needs[name]]
    said = f"A client asked '{model}' for {_KINDS.get(needs['endpoint'], 'an answer')}"
    said += ", streamed" if needs["stream"] else ""
    said += f", with {_listed(wants)}" if wants else ""
    return f"{said}; the prompt has about {needs['prompt_tokens_estimate']} tokens."


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
        return told
    chosen = next((each for each in candidates if each["place"] == 1), None)
    name = decision["order"][0]
    able = [each for each in candidates if each["score"] is not None]
    if decision["in_doubt"]:
        why = "recent requests failed there, but nobody else could take it"
    elif len(able) <= 1:
        why = "it was the only backend that could take it"
    else:
        by = _STRATEGIES.get(facts["strategy"], "the strategy")
        why = f"{by} among {len(able)} that could take it"
        why += f" ({_standing(chosen)})" if chosen is not None else ""
    told.append(f"{name} was chosen: {why}.")
    return told


def _others(facts: dict[str, Any]) -> list[str]:
    decision = facts["decision"]
    told: list[str] = []
    for each in facts["candidates"]:
        if each["place"] == 1:
            continue
        said = each["rejection"]
        model = f" ({each['model']})" if decision and each["model"] != decision["model"] else ""
        name = each["backend"]
        if said is None:
            place = f"number {each['place']} of the plan" if each["place"] else "not in the plan"
            told.append(f"Not {name}{model}: it was {place} ({_standing(each)}).")
        else:
            # Details of rules begin with the backend's name already.
            detail = said["detail"].removeprefix(f"{name} ")
            hint = f" To change that: {said['hint']}." if said["hint"] else ""
            told.append(f"Not {name}{model}, by the rule '{said['rule']}': {detail}.{hint}")
    if facts["more_candidates"]:
        told.append(f"{facts['more_candidates']} more candidates are not told of.")
    return told


def made_of(each: dict[str, Any]) -> str:
    """`priority 50, 4 in flight, first byte after 210 ms`."""
    parts = [f"priority {each['priority']}", f"{each['pending']} in flight"]
    if each["latency_ms"] is not None:
        parts.append(f"first byte after {each['latency_ms']:.0f} ms")
    return ", ".join(parts)


def _standing(each: dict[str, Any]) -> str:
    return f"score {each['score']}: {made_of(each)}"


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
    if facts["error_code"] is not None:
        told.append(
            f"It was refused with {facts['status']} {facts['error_code']}: {facts['error']}"
        )
        return told
    said = f"It ended with status {facts['status']} after {facts['duration_ms']:.0f} ms"
    if facts["ttft_ms"] is not None:
        said += f", the first byte after {facts['ttft_ms']:.0f} ms"
    if facts["completion_tokens"] is not None:
        said += f"; {facts['prompt_tokens'] or 0} tokens in, {facts['completion_tokens']} out"
    told.append(said + ".")
    return told


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
