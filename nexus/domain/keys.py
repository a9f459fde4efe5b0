"""Keys of the control plane as people see and change them. Pure.

Never a key nor its digest, but for `KeyMade.key`, which is shown once to whoever made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from nexus.domain.access import Access, Role
from nexus.domain.audit import Actor

LONGEST_NAME: Final = 100
_BY_KEY: Final = "api:"
"""What an actor's name begins with when it came with a key."""

MAY: Final[Mapping[Role, str]] = {
    Role.VIEWER: "see everything and change nothing",
    Role.OPERATOR: "see everything and run the fleet: drain, check, approve, load, cancel",
    Role.ADMIN: "do everything: also change backends, routing and keys",
}


def key_of(actor: Actor) -> str:
    """The name of the key that somebody came with; empty for who came without one."""
    return actor.who.removeprefix(_BY_KEY) if actor.who.startswith(_BY_KEY) else ""


def holder(name: str, role: Role) -> Actor:
    """Whoever came with the key of that name."""
    return Actor(f"{_BY_KEY}{name}", role.value)


@dataclass(frozen=True, slots=True)
class KeySeen:
    """One key, without what opens anything."""

    name: str
    """Text of an operator: clean before display."""
    role: Role
    source: str
    """Where its SHA-256 stands: `file`, `memory`, or `variable` for one that has none."""
    variable: str = ""
    """Environment variable of Nexus that holds the key, or a second one for the same name."""
    trouble: str = ""
    """Why it opens nothing, or not all that it should; empty when all is well."""
    created: float | None = None
    """Unix seconds; None where nobody wrote it down."""
    last_used: float | None = None
    """Unix seconds; None where it was not used since Nexus started."""
    yours: bool = False
    """True for the key that the asker came with."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys, and what holds for those who come without one."""

    keys: tuple[KeySeen, ...] = ()
    local: Role | None = Role.ADMIN
    """What callers on this machine may do without a key; None lets none in."""
    read_only: bool = False
    """Nobody changes anything over HTTP, whatever the key."""
    version: str = ""
    """Changes with everything that a key or a role depends on."""
    unkept: str = ""
    """Why changes are lost at the next start; empty while they are kept in a file."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made."""

    name: str
    role: Role = Role.VIEWER
    version: str = ""
    """Of the keyring that was looked at; empty makes it whatever happened since."""


@dataclass(frozen=True, slots=True)
class KeyImpact:
    """What making or revoking a key would do."""

    problems: tuple[str, ...] = ()
    """Why it cannot be."""
    warnings: tuple[str, ...] = ()
    """Whom it would shut out, or let in, beside whom it is meant for."""
    effects: tuple[str, ...] = ()
    """What else it does."""
    version: str = ""


@dataclass(frozen=True, slots=True)
class KeyMade:
    """A new key, told this once."""

    name: str
    role: Role
    key: str = field(repr=False)
    """The key itself."""
    version: str = ""
    unkept: str = ""
    """Why it is lost at the next start; empty when it is kept."""


@dataclass(frozen=True, slots=True)
class KeyGone:
    """A key that opens nothing any more."""

    name: str
    role: Role
    version: str = ""
    unkept: str = ""
    """Why it opens Nexus again at the next start, or edit of the file; empty when it does not."""


def creation(new: NewKey, before: Access, after: Access, who: Actor, here: str) -> KeyImpact:
    """What making a key would do.

    Args:
        before: the rules without the key.
        after: the rules with it.
        who: makes it.
        here: the address Nexus listens on, where nobody elsewhere reaches it; else empty.
    """
    effects = [f"'{new.name}' may {MAY[new.role]}. The key is shown once."]
    warnings: list[str] = []
    if before.local is not after.local and before.local is not None:
        warnings.append(
            f"It is the first key: callers on this machine, who are {before.local.value} without "
            "one now, need a key from then on."
        )
        if who.who in _WITHOUT_KEY:
            warnings.append(
                "You came without a key: you are shut out until you come with this one."
            )
    if not before.guarded and here:
        effects.append(
            f"Nexus listens on {here} only: other machines reach it once `server.host` says so, or "
            "through SSH."
        )
    elif not before.guarded:
        effects.append("With it callers on other machines are let in; now none is.")
    return KeyImpact((), (*warnings, *_administered(before, after)), (*effects, *_frozen(after)))


def revocation(key: KeySeen, before: Access, after: Access, who: Actor, used_ago: str) -> KeyImpact:
    """What revoking a key would do.

    Args:
        before: the rules with the key.
        after: the rules without it.
        who: revokes it.
        used_ago: how long ago it was used; empty where it was not, since Nexus started.
    """
    effects = ["Whoever uses it is shut out at once, and dashboards that it opened are cut off."]
    mine = key_of(who) == key.name
    if used_ago and not mine:
        effects.append(f"It was last used {used_ago} ago.")
    elif not mine:
        effects.append("It was not used since Nexus started.")
    if key.variable:
        effects.append(f"The variable {key.variable} of Nexus is not read any more.")
    warnings: list[str] = []
    if mine:
        warnings.append("It is the key that you came with: you shut yourself out.")
    if before.guarded and not after.guarded:
        last = "It is the last key: callers on other machines are shut out"
        if before.local is not after.local and after.local is not None:
            last += f", those on this machine are {after.local.value} without one again"
        warnings.append(f"{last}.")
    return KeyImpact((), (*warnings, *_administered(before, after)), (*effects, *_frozen(after)))


_WITHOUT_KEY: Final = ("cli", "api", "attached dashboard")


def _administered(before: Access, after: Access) -> tuple[str, ...]:
    """A word where nobody could change the configuration over HTTP any more."""
    if not _has_admin(before) or _has_admin(after):
        return ()
    return (
        "Then no key has the role admin: over HTTP nobody changes backends, routing or keys. The "
        "dashboard in the gateway's own terminal and the configuration file still do.",
    )


def _has_admin(access: Access) -> bool:
    return access.local is Role.ADMIN or any(key.role is Role.ADMIN for key in access.keys)


def _frozen(access: Access) -> tuple[str, ...]:
    if not access.read_only:
        return ()
    return ("`control.read_only` is set: over HTTP nobody changes anything, whatever the key.",)
