"""Watches the configuration file: a valid edit is applied, an invalid one refused and told.

Looks at the file's time and size once a second, which works on every file system and costs nothing.
Only what differs from the last configuration is touched, so what an operator changed meanwhile at
run time stays unless the file says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nexus.config.diff import changes, needs_restart
from nexus.config.mark import Mark, mark_of
from nexus.domain.backend import BackendFace, BackendId
from nexus.errors import ConfigError
from nexus.registry.registry import Registry
from nexus.telemetry.logs import get_logger

if TYPE_CHECKING:
    from nexus.config.load import Loaded
    from nexus.config.settings import NexusConfig

log = get_logger("nexus.config")

LOOK_S = 1.0


class Reloader:
    """See the module.

    Args:
        loaded: the configuration in force.
        load: reads it anew with the same flags and environment; raises ConfigError.
        registry: whose backends follow the file.
        use: told the new configuration, for everything that is not a backend.
        check: probes a backend now.
        edited: told what a person's edit of the file has changed, and the file's time and size.
    """

    def __init__(
        self,
        loaded: Loaded,
        path: Path | None,
        load: Callable[[Path], Loaded],
        registry: Registry,
        use: Callable[[NexusConfig], None],
        check: Callable[[BackendId], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        edited: Callable[[tuple[str, ...], Mark], None] = lambda lines, mark: None,
    ) -> None:
        self._edited = edited
        self._config = loaded.config
        self._path = path
        self._load = load
        self._registry = registry
        self._use = use
        self._check = check
        self._sleep = sleep
        # As it was read at the start: an edit made between that and the first look counts.
        self._seen = loaded.mark if path == loaded.path else None

    @property
    def config(self) -> NexusConfig:
        """The configuration in force."""
        return self._config

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Apply the file if it has changed since the last look."""
        if self._path is None:
            return
        mark = mark_of(self._path)
        if mark == self._seen:
            return
        self._seen = mark
        if mark is None:
            log.warning("%s is gone: the configuration stays as it is", self._path)
            return
        try:
            new = self._load(self._path).config
        except ConfigError as error:
            log.error("the edited configuration is refused, the old one stays\n%s", error.message)  # noqa: TRY400
            return
        lines = self.apply(new)
        if lines:
            self._edited(lines, mark)

    def apply(self, new: NexusConfig) -> tuple[str, ...]:
        """Put a configuration in force: only what differs is touched. Returns that, in lines."""
        lines = changes(self._config, new)
        if not lines:
            return ()
        old, self._config = self._config, new
        self._backends(
            {face.id: face for face in old.faces()}, {face.id: face for face in new.faces()}
        )
        drained = old.drained()
        for face in new.faces():
            if (face.id in drained) != (face.id in new.drained()):
                self._registry.set_draining(face.id, face.id in new.drained())
        self._use(new)
        for line in lines:
            log.info("configuration: %s", line)
        for line in needs_restart(lines):
            log.warning("takes effect at the next start: %s", line)
        return lines

    def _backends(
        self, old: dict[BackendId, BackendFace], new: dict[BackendId, BackendFace]
    ) -> None:
        for backend_id in old.keys() - new.keys():
            self._registry.remove(backend_id)
        for backend_id, face in new.items():
            if backend_id not in old:
                if not self._registry.add(face):  # added at run time, and edited in the file since
                    self._registry.set_face(face)
            elif old[backend_id] != face:
                self._registry.set_face(face)
            else:
                continue
            self._check(backend_id)
