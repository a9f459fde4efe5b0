"""Commands of `nexus` in this process, against a running gateway."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from nexus.cli.main import run


@dataclass(frozen=True, slots=True)
class Commands:
    """`await nexus("models")` runs `nexus models` and gives exit code, stdout and stderr."""

    url: str
    capsys: pytest.CaptureFixture[str]

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, [*words, "--url", self.url])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    async def json(self, *words: str, code: int = 0) -> Any:
        """What it prints for machines, when it ends with `code`."""
        got, out, err = await self(*words, "--json")
        assert got == code, err
        return json.loads(out)
