"""Keeps changes made at run time over a restart, in the file that the configuration came from.

Without a configuration file they go to a state file of the same form, which `load` reads when it
finds no other. A change is written whole or not at all, and never one that could not be read again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from nexus.config.load import load
from nexus.config.mark import Mark, mark_of
from nexus.errors import BadRequest, ConfigError

HEADER = "# Written by Nexus: what was changed while it ran. Yours to edit.\n\n"


class Keeper:
    """Owns the file while the process runs.

    Args:
        path: the configuration file in use; None when there is none.
        state: where changes go when there is none.
    """

    def __init__(self, path: Path | None, state: Path) -> None:
        self.path = path or state
        self.wrote: Mark | None = None
        """Time and size of the file as it was last written here, for who watches it."""

    def text(self) -> str:
        """What the file says now; the beginning of a new one where there is none."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return HEADER

    def change(self, edit: Callable[[str], str]) -> str:
        """Apply an edit to the file.

        Returns:
            Empty, or why the change will not survive a restart (a read-only file, a full disk).

        Raises:
            BadRequest: the changed file would not be a valid configuration.
        """
        try:
            old = self.text()
            new = edit(old)
            if new != old:
                self._replace(new)
        except OSError as error:
            return f"{self.path}: {(error.strerror or str(error)).lower()}"
        return ""

    def _replace(self, text: str) -> None:
        import tempfile  # late: it brings shutil and its archives, 0.5 MB

        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".new"
        )
        new = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            try:
                load(new, {}, {}, explicit=True)
            except ConfigError as error:
                told = error.message.replace(str(new), str(self.path))
                raise BadRequest(told) from error
            with contextlib.suppress(OSError):
                new.chmod(self.path.stat().st_mode & 0o777)
            self.wrote = mark_of(new)
            new.replace(self.path.resolve())  # through a symbolic link, not over it
        finally:
            new.unlink(missing_ok=True)
