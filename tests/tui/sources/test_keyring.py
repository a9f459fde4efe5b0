"""The told story's keys say what a real gateway would say."""

from __future__ import annotations

from nexus.domain.access import Access, ControlKey, Role
from nexus.domain.audit import Actor
from nexus.domain.keys import KeySeen, NewKey, creation, revocation
from tui.sources.keyring import ANOTHER, FIRST, REVOKED, ring

ME = Actor("dashboard")
MARIA = ControlKey("maria", Role.ADMIN, b"m")
CI = ControlKey("ci", Role.OPERATOR, b"c")
LAPTOP = ControlKey("laptop", Role.VIEWER, b"l")


def rules(*keys: ControlKey) -> Access:
    return Access(keys, guarded=bool(keys), local=None if keys else Role.ADMIN)


def test_making_a_key_is_told_in_the_words_of_a_gateway() -> None:
    new = NewKey("laptop", Role.VIEWER)
    first = creation(new, rules(), rules(LAPTOP), ME, "127.0.0.1")
    another = creation(new, rules(MARIA), rules(MARIA, LAPTOP), ME, "127.0.0.1")

    assert first == FIRST
    assert another == ANOTHER


def test_revoking_the_last_admin_is_told_in_the_words_of_a_gateway() -> None:
    maria = KeySeen("maria", Role.ADMIN, "file")
    assert revocation(maria, rules(MARIA, CI), rules(CI), ME, "7 s") == REVOKED


def test_keys_of_every_kind_are_there() -> None:
    keys = ring(1_800_000_000.0).keys
    assert {key.role for key in keys} == set(Role)
    assert {key.source for key in keys} == {"file", "variable"}
    assert any(key.trouble for key in keys)
