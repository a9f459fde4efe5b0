"""Who may do what with the control plane. Words only; keys are checked at the door."""

from __future__ import annotations

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
