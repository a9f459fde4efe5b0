"""A real Chromium without a window, driven over its debugging socket. One page."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DEADLINE_S = 40.0


def program() -> str | None:
    """Where a Chromium is, if there is one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """What the page asked for and was told, and a hand on its keys."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self._news = asyncio.Event()
        self.urls: list[str] = []
        """Everything that was asked for, in order."""
        self.drawn = b""
        """What came over its sockets: what a terminal was told to draw."""
        self.failures: list[str] = []

    async def listen(self) -> None:
        """Take what the browser tells, for ever."""
        async for message in self._socket:
            told = json.loads(message.data)
            if told.get("id") in self._answers:
                self._answers.pop(told["id"]).set_result(told)
                continue
            params = told.get("params", {})
            match told.get("method"):
                case "Network.requestWillBeSent":
                    self.urls.append(params["request"]["url"])
                case "Network.webSocketCreated":
                    self.urls.append(params["url"])
                case "Network.webSocketFrameReceived":
                    frame = params["response"]
                    data = frame["payloadData"]
                    self.drawn += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
                case "Runtime.exceptionThrown" | "Network.webSocketFrameError":
                    self.failures.append(json.dumps(params)[:500])
                case _:
                    continue
            self._news.set()

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """One command and its answer."""
        self._count += 1
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._count, "method": method, "params": params})
        return await asyncio.wait_for(answer, DEADLINE_S)

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def type(self, text: str) -> None:
        """Type as a person does, into what has the focus."""
        for letter in text:
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def said(self, script: str) -> Any:
        """What a script gives."""
        found = await self.call("Runtime.evaluate", expression=script, awaitPromise=True)
        return found["result"]["result"].get("value")

    async def until_drawn(self, text: str) -> None:
        """Until a terminal was told to draw that."""
        async with asyncio.timeout(DEADLINE_S):
            while text.encode() not in self.drawn:
                self._news.clear()
                await self._news.wait()

    async def until(self, script: str) -> None:
        """Until a script gives something that is true."""
        async with asyncio.timeout(DEADLINE_S):
            while not await self.said(f"!!({script})"):
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def page(folder: Path) -> AsyncGenerator[Page]:
    """A browser with an empty page; its profile stands in `folder`."""
    found = program()
    assert found is not None
    child = await asyncio.create_subprocess_exec(
        found,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={folder}", "--remote-debugging-port=0", "--window-size=1400,900"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(folder)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                tabs: list[dict[str, Any]] = await answer.json()
            where = next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"]
            async with session.ws_connect(where, max_msg_size=0) as socket:
                here = Page(socket)
                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(here.listen(), name="browser")
                    for domain in ("Network", "Runtime", "Page"):
                        await here.call(f"{domain}.enable")
                    try:
                        yield here
                    finally:
                        listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _port(folder: Path) -> int:
    """The port that the browser has written down."""
    file = folder / "DevToolsActivePort"
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
                return int((await asyncio.to_thread(file.read_text)).split()[0])
            await asyncio.sleep(0.05)
