"""What the writer of an unknown key probably meant."""

from __future__ import annotations

from nexus.config.describe import keys, section_at
from nexus.config.problems import Loc, key_path

_ELSEWHERE = {
    "api_key": "keys are never written here: put the key in an environment variable and name the "
    "variable in api_key_env",
    "backends.backend_type": "unknown key; did you mean type?",
    "backends.privacy": "unknown key; did you mean zone?",
    "queuing": "unknown key; did you mean [queue]?",
    "max_queue_size": "unknown key; did you mean queue.max_size?",
    "default_timeout_seconds": "unknown key; did you mean queue.max_wait_seconds?",
    "traffic_policies": "unknown key; did you mean [[routing.policies]]?",
    "privacy_constraint": "unknown key; did you mean privacy?",
}
"""Names that other gateways, or older documents, use for the same thing."""


def unknown_key(loc: Loc) -> str:
    """A sentence about a key that does not exist at `loc`."""
    *around, last = loc
    name = str(last)
    section = section_at(tuple(around))
    siblings = list(section.model_fields) if section else []
    if hint := _ELSEWHERE.get(f"{loc[0]}.{name}") or _ELSEWHERE.get(name):
        return hint
    from difflib import get_close_matches  # late: only after a mistake

    if close := get_close_matches(name.lower().replace("-", "_"), siblings, 1, 0.7):
        return f"unknown key; did you mean {close[0]}?"
    if homes := [key.path for key in keys() if key.name == name]:
        return f"unknown key here; did you mean {' or '.join(homes)}?"
    table = f"[{key_path(tuple(around))}]" if around else "the file"
    return f"unknown key; {table} knows {', '.join(siblings)}"


def near_word(found: object, words: list[str]) -> str:
    """`; did you mean smart?`, or nothing."""
    if not isinstance(found, str):
        return ""
    from difflib import get_close_matches

    close = get_close_matches(found.strip().lower(), words, 1, 0.6)
    return f"; did you mean {close[0]}?" if close else ""
