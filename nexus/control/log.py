"""The log of this process: its last lines, and how much each component says."""

from __future__ import annotations

from collections.abc import Mapping

from nexus.control.ledger import Ledger
from nexus.control.rights import needed
from nexus.domain.access import Role
from nexus.domain.logline import LogLevel, LogLine
from nexus.telemetry.log_ring import LogRing
from nexus.telemetry.logs import BASE, get_logger, levels, set_level

log = get_logger("nexus.control")


class Log:
    """See the module.

    Args:
        ring: the last lines; None where none are kept.
        ledger: told of changes.
    """

    def __init__(self, ring: LogRing | None, ledger: Ledger) -> None:
        self._ring = ring
        self._ledger = ledger

    async def lines(self, after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
        """Lines with a greater `seq` than `after`; the last `limit` of them."""
        return () if self._ring is None else tuple(self._ring.read(after, limit))

    async def levels(self) -> Mapping[str, LogLevel]:
        """The level of each component; `""` is that of all others."""
        return {"" if name == BASE else name: level for name, level in levels().items()}

    async def set_level(self, component: str, level: LogLevel) -> None:
        """Log more or less of one component, or of all others (`""`), until the next start.

        Raises:
            NotFound: no component is called that.
        """
        needed(Role.OPERATOR, "change a log level")
        name = component or BASE
        before = levels().get(name)
        set_level(name, level)
        told = None if before is None else {"level": before.value}
        self._ledger.enter("log level", name, told, {"level": level.value})
        log.info("%s logs from level %s on", name, level.value)
