"""Changes of the backends survive a restart, where a file can be written."""

from __future__ import annotations

from collections.abc import Callable

from nexus.control.asks import Keep
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.control")


async def kept(keep: Keep, edit: Callable[[str], str]) -> None:
    """Write a change into the configuration file, or say that it will be lost."""
    if why_not := await keep(edit):
        log.warning("the change is lost at the next start: %s", why_not)
