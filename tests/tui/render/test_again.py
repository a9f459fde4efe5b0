"""A request decided again: what differs from then is seen at once."""

from __future__ import annotations

from typing import Any

from tests.fakes.hostile import HOSTILE
from tui.render.again import again_lines, no_again
from tui.render.cells import Line, Role


def said(lines: tuple[Line, ...]) -> str:
    return "\n".join("".join(cell.text for cell in line) for line in lines)


def account(*order: str, out: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """Of a request for `m` that these backends could take, the first one first."""
    ruled_out = out or {}
    return {
        "model": "m",
        "strategy": "smart",
        "decision": {
            "outcome": "routed" if order else "refused", "model": "m", "order": list(order),
        },
        "candidates": [
            *({"backend": name, "place": at, "score": 90 - at} for at, name in enumerate(order, 1)),
            *({"backend": name, "rejection": {"rule": rule}} for name, rule in ruled_out.items()),
        ],
        **more,
    }  # fmt: skip


def test_another_first_choice_is_told_with_what_every_candidate_got_both_times() -> None:
    then = account("a", "b")
    now = account("b", "new", out={"a": "draining"}, dry_run=True, strategy="random")
    text = said(again_lines(then, now, 0.0, 0))
    assert text.startswith("now          b  then: a   decided again at 00:00:00; nothing was sent")
    assert "strategy smart → random" in text
    rows = {row.split()[0]: row for row in text.splitlines()[3:]}
    assert "▶ place 1, score 89" in rows["a"]
    assert rows["a"].endswith("✖ draining")
    assert rows["b"].endswith("▶ place 1, score 89")
    assert "was not there" in rows["new"]


def test_a_refusal_says_why_and_a_backend_that_left_is_gone() -> None:
    refusal = {"status": 503, "message": "no backend can serve m"}
    text = said(again_lines(account("a"), account(dry_run=True, refusal=refusal), 0.0, 0))
    assert "refused  then: a" in text
    assert "no backend can serve m" in text
    assert text.splitlines()[-1].endswith("gone")


def test_what_is_the_same_is_said_and_stands_back() -> None:
    lines = again_lines(account("a"), account("a", dry_run=True), 0.0, 0)
    assert "the same as then" in said(lines)
    assert lines[-1][-1].role is Role.DIM


def test_accounts_of_another_version_and_foreign_text_break_nothing() -> None:
    for odd in ({}, {"candidates": "x", "decision": 1, "refusal": []}, account(*HOSTILE)):
        for other in ({}, account("a")):
            again_lines(odd, other, 0.0, 0)
            again_lines(other, odd, 0.0, 0)
    assert "no longer" in said(no_again("no longer known"))
