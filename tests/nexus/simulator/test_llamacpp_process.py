"""The runner itself; what it serves is in `test_real`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from nexus.simulator import llamacpp_process
from nexus.simulator.real import is_available

pytestmark = pytest.mark.skipif(not is_available(), reason="needs xllamacpp, gguf and numpy")


async def run(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", llamacpp_process.__file__, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_file_that_is_no_model_ends_it_with_an_error(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"not a model")
    async with asyncio.timeout(60):
        process = await run(str(tmp_path / "no.gguf"))
        said, _ = await process.communicate()

    assert process.returncode != 0
    assert b"listening" not in said


async def test_wrong_options_say_how_it_is_used() -> None:
    async with asyncio.timeout(60):
        process = await run()
        _, complaint = await process.communicate()

    assert process.returncode == 2
    assert b"usage: python -m nexus.simulator.llamacpp_process" in complaint
