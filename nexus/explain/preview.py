"""What an edit of the routes would have done to the requests of late, in the words of a screen."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.routes import Moved, Preview
from nexus.domain.text import clean
from nexus.explain.what_if import Move, WhatIf


def with_moves(preview: Preview, found: WhatIf, now: float) -> Preview:
    """The preview with what would have moved.

    Args:
        now: Unix seconds.
    """
    moved = [Moved(clean(m.model), clean(m.source), _target(m), m.requests) for m in found.moves]
    moved += [Moved(clean(r.model), "", f"({r.code})", r.requests) for r in found.refused]
    moved += [
        Moved(clean(model), "(refused)", clean(backend), count)
        for model, backend, count in found.served_now
    ]
    return replace(
        preview,
        since_s=0.0 if found.first_at is None else max(0.0, now - found.first_at),
        decided=found.requests,
        moved=tuple(sorted(moved, key=lambda each: -each.requests)),
        newly_refused=sum(each.requests for each in found.refused),
        newly_served=sum(count for _, _, count in found.served_now),
    )


def _target(move: Move) -> str:
    """Where they would go; with the model where only that is another: `qwen3:8b on gpu-box`."""
    if move.source == move.target and move.served:
        return f"{clean(move.served)} on {clean(move.target)}"
    return clean(move.target)
