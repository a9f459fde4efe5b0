"""Who may do what with the control plane. Words only; keys are checked at the door."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do; each includes those before it."""

    VIEWER = "viewer"
    """See everything, change nothing."""
    OPERATOR = "operator"
    """Run the fleet: drain, check, approve, load models, cancel a request, change a log level."""
    ADMIN = "admin"
    """Change what is configured: backends, aliases, fallbacks, policies, keys."""

    @property
    def rank(self) -> int:
        """0 for the least."""
        return _RANKS[self]

    def may(self, needed: Role) -> bool:
        """Whether this role includes `needed`."""
        return self.rank >= needed.rank


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class ControlKey:
    """A key for the control API. The key itself is never kept."""

    name: str
    role: Role
    digest: bytes = field(repr=False)
    """SHA-256 of the key."""


@dataclass(frozen=True, slots=True)
class Access:
    """The rules in force; replaced as a whole when the configuration changes."""

    keys: tuple[ControlKey, ...] = ()
    guarded: bool = False
    """True where keys are configured, even if none of them can be used."""
    local: Role | None = Role.ADMIN
    """Of callers on this machine without a key; None lets none in."""
    read_only: bool = False
    """Nobody may change anything, whatever the key."""
    hosts: frozenset[str] = frozenset()
    """Names by which callers without a key may call Nexus, beside addresses and localhost."""
    revoked: frozenset[bytes] = field(default=frozenset(), repr=False)
    """SHA-256 of keys that opened something since Nexus started, and open nothing any more. Whoever
    sends one is refused, also where callers of this machine need no key: else revoking the last key
    would make an admin of its holder."""

    def followed_by(self, new: Access) -> Access:
        """`new`, which takes the place of these rules and remembers the keys that it drops."""
        kept = {key.digest for key in new.keys}
        dropped = {key.digest for key in self.keys} | self.revoked
        return replace(new, revoked=frozenset(dropped - kept))
