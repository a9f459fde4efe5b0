"""The dashboard in a real browser: `nexus web` over a running gateway."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.browser import page, program
from tests.fakes.gateway import process
from tests.fakes.upstream import answer, reply, upstream

pytestmark = pytest.mark.skipif(program() is None, reason="there is no Chromium here")


@contextlib.asynccontextmanager
async def web(tmp_path: Path, url: str) -> AsyncGenerator[str]:
    """`nexus web` as its own process: the link that it prints."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NEXUS_")}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "nexus", "web", "--url", url, "--web-port", "0"),
        env=clean | {"XDG_STATE_HOME": str(tmp_path / "state"), "NEXUS_TOUR": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await child.stdout.readline()).decode()
        found = re.search(r"http://\S+", line)
        assert found is not None, line
        yield found[0]
    finally:
        child.terminate()
        await child.communicate()


def config(url: str) -> str:
    return f'[[backends]]\nname = "gpu-box"\nurl = "{url}"\ntype = "generic"\n'


async def test_the_dashboard_lives_in_a_browser_and_asks_nobody_else(tmp_path: Path) -> None:
    async with (
        upstream(answer(reply())) as server,
        process(tmp_path, config(server.url)) as (url, _),
        web(tmp_path, url) as link,
        page(tmp_path / "browser") as browser,
    ):
        await browser.go(link)
        await browser.until_drawn("gpu-box")
        assert await browser.said("location.search") == ""

        await browser.said("document.querySelector('.xterm-helper-textarea').focus()")
        await browser.type("5")
        await browser.until_drawn("Routing rules")

        names = {urlsplit(each).hostname for each in browser.urls if "://" in each}
        assert names == {"127.0.0.1"}
        assert browser.failures == []


async def test_whoever_has_not_the_key_gets_a_form_and_with_it_the_dashboard(
    tmp_path: Path,
) -> None:
    async with (
        upstream(answer(reply())) as server,
        process(tmp_path, config(server.url)) as (url, _),
        web(tmp_path, url) as link,
        page(tmp_path / "browser") as browser,
    ):
        address, _, key = link.partition("/?key=")
        await browser.go(address)
        await browser.until("document.querySelector('form')")
        await browser.said("document.querySelector('form').requestSubmit(); 1")
        await browser.until("document.querySelector('.bad')")
        assert browser.drawn == b""

        script = f"document.querySelector('input').value = '{key}'"
        await browser.said(f"{script}; document.querySelector('form').requestSubmit(); 1")
        await browser.until_drawn("gpu-box")
