"""An operator asks the dashboard of a real gateway: where did it go, why, and ends what hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from nexus.domain.audit import Actor, acting
from nexus.domain.backend import BackendType, Model, Residency
from nexus.domain.gateway import NewBackend
from nexus.runtime import Gateway
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from nexus.telemetry.logs import Sink
from tests.fakes.client import Client, ask, chat, request
from tests.fakes.gateway import face, gateway
from tests.fakes.logging import logging_to
from tests.fakes.upstream import Got, upstream
from tui.app import NexusDashboard
from tui.leave import Leave
from tui.sources.local import local

MODEL = "llama3.2:3b"
OLLAMA = SimSpec(
    "tower", BackendType.OLLAMA, (Model(MODEL, 8192, chat=True, residency=Residency.LOADED),)
)


class Screen:
    """What stands on it."""

    def __init__(self, app: NexusDashboard, pilot: Pilot[Leave]) -> None:
        self._app = app
        self._pilot = pilot

    @property
    def text(self) -> str:
        return "\n".join(s.text for s in self._app.screen._compositor.render_strips())

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def shows(self, *words: str, but: str = "") -> None:
        """Wait until all of these can be read, and `but` cannot."""

        def there() -> bool:
            text = self.text
            return all(word in text for word in words) and (not but or but not in text)

        await self.until(there, f"{words} without {but!r}" if but else str(words))

    async def until(self, true: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(20):
                while not true():
                    await self._pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"never on the screen: {what}\n{self.text}") from None


@asynccontextmanager
async def dashboard(here: Gateway) -> AsyncIterator[Screen]:
    with acting(Actor("dashboard")):
        app = NexusDashboard(local(here.control))
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            yield Screen(app, pilot)
    assert app.failure is None


@asynccontextmanager
async def one_backend(sink: Sink | None = None) -> AsyncIterator[Gateway]:
    async with SimFleet((OLLAMA,)) as fleet:
        told = face("tower", fleet["tower"].url, BackendType.OLLAMA)
        async with gateway(told, sink=sink) as here:
            yield here


async def test_why_a_request_went_where_it_went_and_why_another_was_refused() -> None:
    async with one_backend() as here, dashboard(here) as screen:
        await ask(here.url, request(body=chat(model=MODEL)))
        await ask(here.url, request(body=chat(model="unheard-of")))
        await screen.press("4")
        await screen.shows("● 200", "! 404", "unheard-of")
        await screen.press("slash", *"status:ok", "enter", "enter")
        await screen.shows("▶ tower", "█ priority", "first byte", "X-Nexus-Backend: tower")
        await screen.press("escape", "escape", "exclamation_mark", "home", "enter")
        await screen.shows("refused  no backend has it", "404 model_not_found")


async def test_a_request_from_before_the_dashboard_is_found_by_its_tenant_or_model() -> None:
    async with one_backend() as here:
        await ask(here.url, request(body=chat(model=MODEL)))
        async with dashboard(here) as screen:
            await screen.press("4")
            await screen.shows("● 200", MODEL)
            await screen.press("slash", *"tenant:anonymous model:llama", "enter")
            await screen.shows("● 200", ": 1 row")
            await screen.press("slash", *" tenant:nobody", "enter")
            await screen.shows("Nothing matches")


async def test_what_hangs_is_ended_after_a_question_and_its_client_is_told() -> None:
    async def silent(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with one_backend() as here, upstream(silent, ["slow"]) as up:
        await local(here.control).add(NewBackend(up.url, "slow", BackendType.GENERIC))
        async with dashboard(here) as screen:
            client = await Client.to(here.url)
            client.send(request(body=chat(model="slow")))
            await screen.press("4")
            await screen.shows("▶ running")
            await screen.press("home", "enter")
            await screen.shows("goes on", "under way")
            await screen.press("K", "right", "enter")
            reply = await client.reply()
            client.close()
            await screen.shows("503", but="▶ running")
            await screen.press("7", "c")
            await screen.shows("● done", "cancel")
    assert (reply.status, reply.error()["code"]) == (503, "cancelled")


async def test_a_line_of_the_log_leads_to_its_request_and_a_component_is_made_quieter() -> None:
    with logging_to() as sink:
        async with one_backend(sink) as here, dashboard(here) as screen:
            await ask(here.url, request(body=chat(model=MODEL)))
            await screen.press("7")
            await screen.shows(f"{MODEL} → tower")
            await screen.press("slash", *MODEL, "enter", "g")
            await screen.shows("Requests  ", "candidates", "▶ tower")
            await screen.press("7", "escape", "end", "l", "end", "enter")
            await screen.shows("logs error and worse")
            await screen.press("c")
            await screen.shows("log level", "level info → error")
