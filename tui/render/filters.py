"""The filter a person types: words that must all be there, `!word` for one that must not."""

from __future__ import annotations

from nexus.domain.backend import Backend
from nexus.domain.events import RequestFinished
from tui.render.status import word
from tui.state import Entry


def matches(words: str, haystack: str) -> bool:
    """True when every word of the filter agrees. Both are compared in lower case."""
    for item in words.lower().split():
        if item.startswith("!") and len(item) > 1:
            if item[1:] in haystack:
                return False
        elif item not in haystack:
            return False
    return True


def backend_text(backend: Backend) -> str:
    """What a filter looks at in a backend: name, type, zone, status, models."""
    face = backend.face
    models = " ".join(model.id for model in backend.models)
    parts = (face.name, face.type, face.zone, backend.status, word(backend.status), models)
    return " ".join(parts).lower()


def entry_text(entry: Entry) -> str:
    """What a filter looks at in a routing entry: models, backend, status, why."""
    if isinstance(entry, RequestFinished):
        failed = "error" if entry.is_error else "ok"
        parts = (entry.requested, entry.model, entry.backend, str(entry.status), entry.why, failed)
        return " ".join(parts).lower()
    return f"{entry.requested} {entry.status} {entry.code} refused error {entry.message}".lower()
