"""The text of the configuration while Nexus runs: tried out, put in force, kept in its file.

An edit is a text, and the text is read as the start would read it: what the file would not be
allowed to say, an edit is not allowed to do. Where there is no file, or none that can be written,
the text is kept in memory, and the change ends with the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nexus.errors import BadRequest, ConfigError

if TYPE_CHECKING:
    from nexus.config.keeper import Keeper
    from nexus.config.load import Loaded
    from nexus.config.settings import NexusConfig

Load = Callable[[Path], "Loaded"]

NO_FILE = "this Nexus keeps no configuration file"


class LiveText:
    """See the module. Whoever edits holds `lock` from reading the text to putting it in force.

    Args:
        load: reads a configuration file with the environment and flags of the start.
        config: the configuration in force.
        use: puts another one in force.
        keeper: writes the file; None keeps changes in memory.
        start: the text to begin with where there is no keeper.
    """

    def __init__(
        self,
        load: Load,
        config: Callable[[], NexusConfig],
        use: Callable[[NexusConfig], object],
        keeper: Keeper | None,
        start: str = "",
    ) -> None:
        self._load = load
        self._config = config
        self._use = use
        self._keeper = keeper
        self._memory: str | None = None if keeper is not None else start
        self.lock = asyncio.Lock()
        self.unkept = "" if keeper is not None else NO_FILE
        """Why the last change is lost at the next start."""

    @property
    def config(self) -> NexusConfig:
        """The configuration in force."""
        return self._config()

    def text(self) -> str:
        """What the file says, or would say if it could be written."""
        if self._memory is not None or self._keeper is None:
            return self._memory or ""
        return self._keeper.text()

    def read(self, text: str) -> NexusConfig:
        """The configuration that a text says. For a thread: it takes some milliseconds.

        Raises:
            BadRequest: it may not be; with every mistake.
        """
        import tempfile  # late: as in the keeper

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "nexus.toml"
            file.write_text(text, encoding="utf-8", errors="surrogateescape")
            try:
                return self._load(file).config
            except ConfigError as error:
                told = error.message.replace(f"{file}:", "line ")
                raise BadRequest(told, context=error.context) from error

    async def put(self, text: str, config: NexusConfig) -> str:
        """Keep a text and put in force what it says.

        Returns:
            Empty, or why it is lost at the next start.
        """
        if self._keeper is None:
            self._memory = text
        else:
            await self._write(self._keeper, text)
        self._use(config)
        return self.unkept

    async def keep(self, edit: Callable[[str], str]) -> str:
        """Write down what is in force already: backends go by the registry. Takes the lock.

        Returns:
            Empty, or why it is lost at the next start.
        """
        if self._keeper is None:
            return ""
        async with self.lock:
            if self._memory is None:
                return await asyncio.to_thread(self._keeper.change, edit)
            await self._write(self._keeper, await asyncio.to_thread(edit, self._memory))
            return self.unkept

    def file_edited(self) -> None:
        """Somebody edited the file, which is in force now: what it did not take is over."""
        if self._keeper is not None:
            self._memory, self.unkept = None, ""

    async def _write(self, keeper: Keeper, text: str) -> None:
        """To the file; what it does not take is held in memory until it does."""
        self.unkept = await asyncio.to_thread(keeper.change, lambda _: text)
        self._memory = text if self.unkept else None
