"""Keys as rows and in sentences."""

from __future__ import annotations

import pytest

from nexus.domain.access import Role
from nexus.domain.keys import KeyImpact, KeyMade, Keyring, KeySeen
from tui.render.cells import Line
from tui.render.fields import Wrong
from tui.render.keys import (
    KeysView,
    detail_lines,
    impact_lines,
    no_keys,
    read_role,
    secret_lines,
    source,
    state,
    title,
)

NOW = 1_800_000_000.0
PLAIN = KeySeen("ci", Role.VIEWER, "file", created=NOW - 86_400, last_used=NOW - 65)


def text(*lines: Line) -> str:
    return "\n".join("".join(cell.text for cell in line) for line in lines)


def test_a_row_tells_name_role_source_age_use_and_state() -> None:
    view = KeysView()
    view.update(Keyring((PLAIN,)), "", NOW)
    assert [cell.text for cell in view.cells("ci")] == [
        "ci",
        "viewer",
        "file",
        "2027-01-14",
        "1m ago",
        "● usable",
    ]
    assert {cell.text for cell in view.cells("gone")} == {"-"}


@pytest.mark.parametrize(
    ("key", "where", "how"),
    [
        (KeySeen("a", Role.VIEWER, "variable", "K"), "K", "● usable"),
        (KeySeen("a", Role.VIEWER, "file", "K"), "file, K", "● usable"),
        (KeySeen("a", Role.VIEWER, "memory"), "memory", "! until Nexus stops"),
        (KeySeen("a", Role.VIEWER, "file", yours=True), "file", "● usable, yours"),
        (KeySeen("a", Role.VIEWER, "variable", "K", "K is not set"), "K", "✖ K is not set"),
        (KeySeen("a", Role.VIEWER, "file", "K", "K is not set"), "file, K", "! K is not set"),
    ],
)
def test_where_a_key_is_from_and_whether_it_opens(key: KeySeen, where: str, how: str) -> None:
    assert (source(key), state(key).text) == (where, how)
    assert how in text(*detail_lines(key, NOW))


def test_the_filter_knows_names_roles_sources_and_states() -> None:
    view = KeysView()
    off = KeySeen("old", Role.ADMIN, "variable", "OLD", "OLD is not set")
    for words, found in {"ci": ("ci",), "admin": ("old",), "not set": ("old",), "x": ()}.items():
        view.update(Keyring((PLAIN, off)), words, NOW)
        assert view.keys == found
    assert view.total == 2


def test_the_title_says_what_holds_without_a_key() -> None:
    assert "nobody gets in without one" in text(title(Keyring(local=None), 0, "", ""))
    assert "are viewer" in text(title(Keyring(local=Role.VIEWER), 0, "", ""))
    assert "read-only" in text(title(Keyring(read_only=True), 0, "", ""))
    assert "✖ broken" in text(title(None, 0, "", "broken"))


def test_no_row_has_its_reason() -> None:
    assert "Only admins" in text(*no_keys(None, Role.OPERATOR, ""))
    assert "Reading" in text(*no_keys(None, Role.ADMIN, ""))
    assert "✖ broken" in text(*no_keys(None, Role.ADMIN, "broken"))
    none = text(*no_keys(Keyring(), Role.ADMIN, ""))
    assert "admin without one" in none
    assert "n makes one" in none
    assert "Nobody gets in" in text(*no_keys(Keyring(local=None), Role.ADMIN, ""))


def test_dangers_stand_above_what_else_it_does() -> None:
    said = text(*impact_lines(KeyImpact((), ("danger",), ("effect",))))
    assert said == "! danger\neffect"
    assert "looking" in text(*impact_lines(None))


def test_the_secret_is_told_with_how_it_is_used_and_how_long_it_lasts() -> None:
    made = KeyMade("ci", Role.VIEWER, "nxk_1")
    kept = text(*secret_lines(made, "http://h:1"))
    lost = text(*secret_lines(KeyMade("ci", Role.VIEWER, "nxk_1", unkept="no file"), "http://h:1"))

    assert kept.startswith("nxk_1\n")
    assert "nexus attach http://h:1 --key-file FILE" in kept
    assert "until that stops, since no file" in lost


@pytest.mark.parametrize(("said", "role"), [("v", Role.VIEWER), (" Oper", Role.OPERATOR)])
def test_a_role_may_be_shortened(said: str, role: Role) -> None:
    assert read_role(said) is role


@pytest.mark.parametrize("said", ["", "x", "admins"])
def test_what_is_no_role_is_refused(said: str) -> None:
    with pytest.raises(Wrong, match="viewer, operator or admin"):
        read_role(said)
