"""The keys of the told story's gateway, and what it would say before one is made or revoked."""

from __future__ import annotations

from nexus.domain.access import Role
from nexus.domain.keys import KeyImpact, Keyring, KeySeen

DAY_S = 86_400.0


def ring(now: float) -> Keyring:
    """Keys of every kind: used and not, of a file, of a variable, one that opens nothing."""
    return Keyring(
        (
            KeySeen("maria", Role.ADMIN, "file", created=now - 40 * DAY_S, last_used=now - 7),
            KeySeen("ci", Role.OPERATOR, "file", created=now - 3 * DAY_S, last_used=now - 5400),
            KeySeen("wall screen", Role.VIEWER, "variable", "NEXUS_KEY_WALL", last_used=now - 2),
            KeySeen(
                "old laptop",
                Role.OPERATOR,
                "variable",
                "NEXUS_KEY_LAPTOP",
                "NEXUS_KEY_LAPTOP is not set",
            ),
        ),
        local=None,
        version="1",
    )


_NO_ADMIN = (
    "Then no key has the role admin: over HTTP nobody changes backends, routing or keys. The "
    "dashboard in the gateway's own terminal and the configuration file still do."
)

ANOTHER = KeyImpact(
    effects=("'laptop' may see everything and change nothing. The key is shown once.",)
)
"""Of making one more key."""

FIRST = KeyImpact(
    warnings=(
        "It is the first key: callers on this machine, who are admin without one now, need a key "
        "from then on.",
        _NO_ADMIN,
    ),
    effects=(
        "'laptop' may see everything and change nothing. The key is shown once.",
        "Nexus listens on 127.0.0.1 only: other machines reach it once `server.host` says so, or "
        "through SSH.",
    ),
)
"""Of making the first key."""

REVOKED = KeyImpact(
    warnings=(_NO_ADMIN,),
    effects=(
        "Whoever uses it is shut out at once, and dashboards that it opened are cut off.",
        "It was last used 7 s ago.",
    ),
)
"""Of revoking the last admin's."""
