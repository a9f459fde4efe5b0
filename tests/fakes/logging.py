"""The log of the whole process, taken over for a test and given back."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any, TextIO

from nexus.telemetry.logs import Sink, configure


@contextlib.contextmanager
def logging_to(
    stream: TextIO | None = None, format: str = "json", level: str = "info", **components: str
) -> Iterator[Sink]:
    """Everything that is logged goes to this sink."""
    root = logging.getLogger()  # noqa: TID251
    names = [name for name in root.manager.loggerDict if name.startswith("nexus")]
    before = {name: logging.getLogger(name).level for name in ("nexus", *names)}  # noqa: TID251
    handlers, root_level, raises = root.handlers[:], root.level, logging.raiseExceptions
    try:
        yield configure(level, format, components, stream=stream)
    finally:
        root.handlers[:] = handlers
        root.setLevel(root_level)
        logging.raiseExceptions = raises
        for name, its_level in before.items():
            logging.getLogger(name).setLevel(its_level)  # noqa: TID251


class Page(io.StringIO):
    """A stream that wakes whoever waits for what is written."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        self._written.set()
        return super().write(text)

    async def lines(self, count: int, target: str = "nexus.request") -> list[dict[str, Any]]:
        """The JSON lines of one target, as soon as there are so many."""
        async with asyncio.timeout(10):
            while True:
                self._written.clear()
                found = [line for line in lines_of(self) if line["target"] == target]
                if len(found) >= count:
                    return found
                await self._written.wait()


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """Every JSON line written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
