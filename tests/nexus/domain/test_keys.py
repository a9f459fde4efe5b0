"""What making or revoking a key would do, in sentences."""

from __future__ import annotations

from nexus.domain.access import Access, ControlKey, Role
from nexus.domain.audit import Actor
from nexus.domain.keys import (
    KeyImpact,
    KeyMade,
    KeySeen,
    NewKey,
    creation,
    holder,
    key_of,
    revocation,
)

HERE = Actor("dashboard")
LOCAL = Actor("cli", "admin")
OPEN = Access()


def access(*keys: tuple[str, Role], local: Role | None = None, read_only: bool = False) -> Access:
    made = tuple(ControlKey(name, role, name.encode()) for name, role in keys)
    return Access(made, bool(keys), local, read_only)


def created(role: Role, before: Access, after: Access, who: Actor, here: str = "") -> KeyImpact:
    return creation(NewKey("new", role), before, after, who, here)


def revoked(name: str, before: Access, after: Access, who: Actor, ago: str = "") -> KeyImpact:
    return revocation(KeySeen(name, Role.ADMIN, "file"), before, after, who, ago)


def test_who_came_with_a_key_is_told_from_all_others() -> None:
    assert key_of(holder("maria", Role.VIEWER)) == "maria"
    assert [key_of(Actor(who)) for who in ("api", "cli", "dashboard")] == ["", "", ""]


def test_a_key_is_not_in_what_is_printed_of_it() -> None:
    assert "nxk_" not in repr(KeyMade("ci", Role.VIEWER, "nxk_secret"))


def test_the_first_key_ends_what_this_machine_may_without_one() -> None:
    told = created(Role.ADMIN, OPEN, access(("new", Role.ADMIN)), HERE)

    assert told.warnings == (
        "It is the first key: callers on this machine, who are admin without one now, need a key "
        "from then on.",
    )
    assert "callers on other machines are let in" in told.effects[1]


def test_who_came_without_a_key_is_told_that_the_first_one_shuts_him_out() -> None:
    told = created(Role.ADMIN, OPEN, access(("new", Role.ADMIN)), LOCAL)
    assert "You came without a key: you are shut out" in told.warnings[1]


def test_a_first_key_that_is_no_admin_leaves_nobody_who_configures() -> None:
    told = created(Role.VIEWER, OPEN, access(("new", Role.VIEWER)), HERE)
    assert "no key has the role admin" in told.warnings[-1]


def test_where_this_machine_keeps_its_role_the_first_key_shuts_nobody_out() -> None:
    after = access(("new", Role.VIEWER), local=Role.ADMIN)
    assert created(Role.VIEWER, OPEN, after, LOCAL).warnings == ()


def test_one_more_key_is_no_danger() -> None:
    before = access(("a", Role.ADMIN))
    told = created(Role.VIEWER, before, access(("a", Role.ADMIN), ("new", Role.VIEWER)), HERE)

    assert told.warnings == ()
    assert told.effects == ("'new' may see everything and change nothing. The key is shown once.",)


def test_an_address_that_no_other_machine_reaches_is_told() -> None:
    told = created(Role.ADMIN, OPEN, access(("new", Role.ADMIN)), HERE, "127.0.0.1")
    assert "listens on 127.0.0.1 only" in told.effects[1]


def test_revoking_the_last_key_opens_this_machine_again() -> None:
    told = revoked("a", access(("a", Role.ADMIN)), OPEN, HERE)
    assert told.warnings == (
        "It is the last key: callers on other machines are shut out, those on this machine are "
        "admin without one again.",
    )


def test_revoking_the_last_key_where_this_machine_has_a_role_of_its_own() -> None:
    before, after = access(("a", Role.VIEWER), local=Role.VIEWER), access(local=Role.VIEWER)
    assert revoked("a", before, after, HERE).warnings == (
        "It is the last key: callers on other machines are shut out.",
    )


def test_revoking_the_last_admin_is_told_and_so_is_revoking_oneself() -> None:
    before = access(("a", Role.ADMIN), ("b", Role.VIEWER))
    told = revoked("a", before, access(("b", Role.VIEWER)), holder("a", Role.ADMIN), "3 s")

    assert told.warnings[0] == "It is the key that you came with: you shut yourself out."
    assert "no key has the role admin" in told.warnings[1]
    assert not any("last used" in each for each in told.effects)


def test_where_there_was_no_admin_before_there_is_nothing_to_lose() -> None:
    before = access(("a", Role.VIEWER), ("b", Role.VIEWER))
    assert revoked("a", before, access(("b", Role.VIEWER)), HERE).warnings == ()


def test_when_a_key_was_used_last_is_told_before_it_is_revoked() -> None:
    before, after = access(("a", Role.VIEWER), ("b", Role.ADMIN)), access(("b", Role.ADMIN))

    assert "It was last used 3 min ago." in revoked("a", before, after, HERE, "3 min").effects
    assert "It was not used since Nexus started." in revoked("a", before, after, HERE).effects


def test_a_variable_that_holds_the_key_is_named() -> None:
    before, after = access(("a", Role.VIEWER)), access()
    told = revocation(KeySeen("a", Role.VIEWER, "variable", "KEY_A"), before, after, HERE, "")
    assert "The variable KEY_A of Nexus is not read any more." in told.effects


def test_a_gateway_that_is_read_only_says_that_no_key_changes_that() -> None:
    before, after = access(read_only=True), access(("new", Role.ADMIN), read_only=True)
    assert "read_only" in created(Role.ADMIN, before, after, HERE).effects[-1]
