"""An edit's effect on the requests of late, in the words of a screen."""

from __future__ import annotations

from nexus.domain.routes import Moved, Preview
from nexus.explain.preview import with_moves
from nexus.explain.what_if import Move, Refused, WhatIf


def found(**more: object) -> WhatIf:
    nothing: dict[str, object] = {
        "requests": 0,
        "shapes": 0,
        "first_at": None,
        "last_at": None,
        "stay": 0,
        "moves": (),
        "refused": (),
        "still_refused": 0,
        "served_now": (),
        "pressure": (),
    }
    return WhatIf(**(nothing | more))  # type: ignore[arg-type]


def test_moves_refusals_and_newly_served_are_told_most_frequent_first() -> None:
    preview = with_moves(
        Preview(diff=("+ x",)),
        found(
            requests=30,
            first_at=1000.0,
            moves=(Move("m", "a", "b", "m", 5, False),),
            refused=(Refused("n", 404, "model_not_found", "why", 9),),
            served_now=(("o", "c", 2),),
        ),
        now=1600.0,
    )

    assert preview.moved == (
        Moved("n", "", "(model_not_found)", 9),
        Moved("m", "a", "b", 5),
        Moved("o", "(refused)", "c", 2),
    )
    assert (preview.newly_refused, preview.newly_served, preview.decided) == (9, 2, 30)
    assert preview.since_s == 600.0
    assert preview.diff == ("+ x",)


def test_without_requests_there_is_nothing_to_tell() -> None:
    preview = with_moves(Preview(), found(), now=5.0)

    assert (preview.moved, preview.since_s, preview.decided) == ((), 0.0, 0)


def test_names_from_outside_are_cleaned() -> None:
    (moved,) = with_moves(
        Preview(), found(moves=(Move("m\x1b[31m", "a\n", "b", "m", 1, False),)), now=0.0
    ).moved

    assert moved.model.isprintable()
    assert moved.before.isprintable()


def test_another_model_on_the_same_backend_is_told_by_its_name() -> None:
    moves = (Move("gpt-4", "gpu-box", "gpu-box", "qwen3:8b", 26, False),)
    preview = with_moves(Preview(), found(requests=26, moves=moves), now=5.0)
    assert preview.moved == (Moved("gpt-4", "gpu-box", "qwen3:8b on gpu-box", 26),)
