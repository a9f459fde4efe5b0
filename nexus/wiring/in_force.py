"""What the configuration says of requests and of the log, as it is in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nexus.registry.registry import Registry
from nexus.telemetry import logs
from nexus.telemetry.logs import get_logger

if TYPE_CHECKING:
    from nexus.config.settings import LoggingConfig, NexusConfig

log = get_logger("nexus.runtime")


class InForce:
    """Asked at every request; replaced piece by piece, each whole, when the configuration changes.

    Args:
        config: that of the start.
        environ: where keys in variables are looked up.
        registry: told what is to be said of models.
    """

    def __init__(self, config: NexusConfig, environ: Mapping[str, str], registry: Registry) -> None:
        self._environ = environ
        self._registry = registry
        self._logging: LoggingConfig = config.logging
        self.policy = config.policy()
        self.access = config.control.access(environ, log.warning)

    def use(self, new: NexusConfig) -> None:
        """Another configuration is in force from now on."""
        if new.logging != self._logging:  # else what was set at run time stays
            self._logging = new.logging
            logs.apply(new.logging.level, new.logging.component_levels)
        self.policy = new.policy()
        access = new.control.access(self._environ, log.warning)
        self.access = self.access.followed_by(access)
        self._registry.set_overrides(new.overrides())
