"""The dashboard in a browser: the key, the origin, the size, the files. Real HTTP on loopback."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tui.web.server import LARGEST, SESSIONS, SMALLEST, WebServer, bounded

KEY = "the key of this test"

APP = textwrap.dedent("""
    from textual.app import App
    from textual.widgets import Static

    class Told(App):
        def compose(self):
            yield Static(id="size")

        def on_resize(self, event):
            self.query_one("#size").update(f"size {event.size.width}x{event.size.height}.")

    Told().run()
""")


@asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """A server over a tiny app, and a browser that has not said the key."""
    program = tmp_path / "app.py"
    program.write_text(APP, encoding="utf-8")
    server = WebServer([sys.executable, str(program)], "127.0.0.1", 0, KEY)
    runner = web.AppRunner(await server.make_app(), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address, as browsers keep them
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            yield url, browser
    finally:
        await runner.cleanup()


async def enter(url: str, browser: aiohttp.ClientSession) -> None:
    async with browser.post(f"{url}/enter", data={"key": KEY}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/static/js/textual.js", "/ws", "/again.js", "/download/x"])
async def test_nothing_is_served_to_whoever_has_not_said_the_key(tmp_path: Path, path: str) -> None:
    async with served(tmp_path) as (url, browser), browser.get(url + path) as answer:
        assert answer.status == 401


async def test_the_page_asks_for_the_key_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, browser):
        async with browser.get(url) as answer:
            assert answer.status == 401
            assert "This dashboard is behind a key" in await answer.text()
        async with browser.post(f"{url}/enter", data={"key": "guess"}) as answer:
            assert answer.status == 401
            assert "That is not the key" in await answer.text()
        async with browser.get(url, params={"key": "guess"}) as answer:
            assert answer.status == 401


async def test_a_link_with_the_key_opens_the_page_and_leaves_no_key_in_the_address(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as (url, browser):
        async with browser.get(url, params={"key": KEY}) as answer:
            page = await answer.text()
        assert answer.status == 200
        assert "key" not in answer.url.query
        assert 'id="terminal"' in page
        cookie = answer.history[0].cookies["nexus_web"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert KEY not in str(cookie)


async def test_the_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, browser):
        await enter(url, browser)
        for path in ("/", "/look.css", "/again.js"):
            async with browser.get(url + path) as answer:
                text = await answer.text()
            assert "https://" not in text, path
            assert text.count("http://") == 0, path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_every_file_that_the_page_names_is_there(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, browser):
        await enter(url, browser)
        for path in (
            "/static/css/xterm.css",
            "/static/js/textual.js",
            "/static/fonts/RobotoMono-VariableFont_wght.ttf",
            "/static/fonts/RobotoMono-Italic-VariableFont_wght.ttf",
        ):
            async with browser.get(url + path) as answer:
                assert answer.status == 200, path


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
async def test_a_page_of_another_origin_cannot_open_a_terminal(tmp_path: Path, origin: str) -> None:
    async with served(tmp_path) as (url, browser):
        await enter(url, browser)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await browser.ws_connect(f"{url}/ws", headers={"Origin": origin})
        assert refused.value.status == 403


async def shown(socket: aiohttp.ClientWebSocketResponse, text: bytes) -> bytes:
    """What the terminal is sent, until a text is in it."""
    seen = b""
    async with asyncio.timeout(20):
        async for message in socket:
            seen += message.data if isinstance(message.data, bytes) else b""
            if text in seen:
                return seen
    raise AssertionError(f"{text!r} was never shown")


async def test_a_tab_is_a_terminal_whose_size_is_believed_within_bounds(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, browser):
        await enter(url, browser)
        asked = f"{url}/ws?width=200&height=20000000"
        async with browser.ws_connect(asked, headers={"Origin": url}) as socket:
            await shown(socket, b"size 200x%d." % LARGEST[1])
            await socket.send_json(["resize", {"width": 90, "height": 30}])
            await shown(socket, b"size 90x30.")


async def test_more_tabs_than_allowed_are_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as (url, browser):
        await enter(url, browser)
        sockets = [
            await browser.ws_connect(f"{url}/ws", headers={"Origin": url}) for _ in range(SESSIONS)
        ]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await browser.ws_connect(f"{url}/ws", headers={"Origin": url})
        assert refused.value.status == 503
        for socket in sockets:
            await socket.close()


@pytest.mark.parametrize(
    ("asked", "given"),
    [((0, 0), SMALLEST), ((80, 24), (80, 24)), ((10**9, 10**9), LARGEST), ((-5, 30), (20, 30))],
)
def test_sizes_have_bounds(asked: tuple[int, int], given: tuple[int, int]) -> None:
    assert bounded(*asked) == given
