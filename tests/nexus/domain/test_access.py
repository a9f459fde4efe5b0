"""The rules of who may."""

from __future__ import annotations

from nexus.domain.access import Access, ControlKey, Role

MARIA = ControlKey("maria", Role.ADMIN, b"m" * 32)
CI = ControlKey("ci", Role.VIEWER, b"c" * 32)


def test_rules_remember_the_keys_that_those_before_them_had() -> None:
    first = Access((MARIA, CI), guarded=True)
    second = first.followed_by(Access((CI,), guarded=True))
    third = second.followed_by(Access())

    assert second.revoked == {MARIA.digest}
    assert third.revoked == {MARIA.digest, CI.digest}


def test_a_key_that_comes_back_opens_again() -> None:
    gone = Access((MARIA,), guarded=True).followed_by(Access())
    assert gone.followed_by(Access((MARIA,), guarded=True)).revoked == frozenset()


def test_no_digest_is_shown() -> None:
    said = repr(Access((MARIA,), guarded=True).followed_by(Access((CI,))))
    assert "mmm" not in said
    assert "ccc" not in said
