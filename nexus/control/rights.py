"""Who may do what: asked first in everything that changes something."""

from __future__ import annotations

from nexus.domain.access import Role
from nexus.domain.audit import actor
from nexus.domain.text import clean
from nexus.errors import Forbidden
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.control")


def needed(role: Role, deed: str) -> None:
    """Raises Forbidden when whoever acts may not do this."""
    own = Role(actor().role)
    if not own.may(role):
        log.warning("%s may not %s", clean(actor().who, 100), deed)
        raise Forbidden(f"Your role is {own.value}: to {deed} takes the role {role.value}")
