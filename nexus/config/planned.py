"""Keys that are checked already and change nothing yet. The docs say so, and so does the start.

Delete a line here with the change that gives the key its effect.
"""

from __future__ import annotations

import re

PLANNED: tuple[str, ...] = (
    "routing.policies[].max_cost_per_request",
    "routing.budget",
    "quality",
    "queue",
    "lifecycle",
    "fleet",
)
"""Tables and keys as the reference writes them."""

_ENTRY = re.compile(r"\[\d+\]")


def planned_part(key: str) -> str | None:
    """The entry of `PLANNED` that covers a key path such as `routing.policies[0].privacy`."""
    plain = _ENTRY.sub("[]", key)
    return next((one for one in PLANNED if plain == one or plain.startswith(one + ".")), None)
