"""F06: which backend gets a request (through the gateway)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from nexus.domain.backend import BackendId, BackendType, Load, Model, Recent, Speed
from nexus.domain.history import Wanted
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.client import Client, ask, chat, request
from tests.fakes.gateway import face, gateway, process
from tests.fakes.servers import BROKEN, GOOD, Server, Story, context, story
from tests.fakes.upstream import upstream

IMAGE = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        ],
    }
]
TOOLS = [{"type": "function", "function": {"name": "f"}}]


async def winners(here: Story, count: int) -> Counter[str]:
    found = [await here.chat() for _ in range(count)]
    return Counter(each.headers["x-nexus-backend"] for each in found)


async def test_an_exact_name_goes_to_its_backend_and_an_unknown_one_is_404() -> None:
    async with story(a=Server(("llama3:70b",)), b=Server(("qwen",))) as here:
        assert (await here.chat(model="qwen")).headers["x-nexus-backend"] == "b"
        found = await here.chat(model="lama3:70b")
        assert found.status == 404
        message = str(found.error()["message"])
        assert "'lama3:70b' not found. Did you mean 'llama3:70b'?" in message


CANNOT = '[[models]]\npattern = "blind"\nvision = false\ntools = false\njson_mode = false\n'
CAN = '[[models]]\npattern = "sees"\nvision = true\ntools = true\njson_mode = true\n'


@pytest.mark.parametrize(
    ("wants", "lacks"),
    [
        ({"messages": IMAGE}, ["vision"]),
        ({"tools": TOOLS}, ["tools"]),
        ({"response_format": {"type": "json_object"}}, ["json_mode"]),
        ({"messages": IMAGE, "tools": TOOLS}, ["vision", "tools"]),
    ],
)
async def test_what_no_backend_of_a_model_can_do_is_400_naming_all_and_who_can(
    tmp_path: Path, wants: dict[str, object], lacks: list[str]
) -> None:
    servers = {"a": Server(("blind",)), "b": Server(("sees",))}
    async with story(tmp_path, CANNOT + CAN, **servers) as here:
        found = await here.chat(model="blind", **wants)
        message = str(found.error()["message"])
        assert (found.status, found.headers["x-should-retry"]) == (400, "false")
        assert all(f'"{each}"' in message for each in lacks)
        assert "sees (on b)" in message
        assert (await here.chat(model="blind")).status == 200
        assert (await here.chat(model="sees", **wants)).headers["x-nexus-backend"] == "b"


async def test_the_less_busy_and_the_faster_of_two_is_preferred() -> None:
    async with story(a=Server(), b=Server()) as here:
        registry = here.gateway.carrier._registry  # pyright: ignore[reportPrivateUsage]
        loads = cast("dict[BackendId, Load]", registry.loads())
        loads[BackendId("a")], loads[BackendId("b")] = Load(pending=10), Load(pending=2)
        assert await winners(here, 1) == {"b": 1}
        loads[BackendId("a")] = Load(latency_ms=50.0)
        loads[BackendId("b")] = Load(latency_ms=200.0)
        assert await winners(here, 1) == {"a": 1}


async def test_what_a_server_failed_is_counted_for_its_model() -> None:
    servers = {"a": Server(), "b": Server(script=BROKEN, more={"priority": 0})}
    async with story(**servers) as here:
        for _ in range(5):  # each of them tries b first
            await here.chat()
        found = await here.chat({"X-Nexus-Dry-Run": "1"})
        speeds = here.gateway.control.view.load(BackendId("b")).speeds

    assert speeds == {"m": Speed(recent=Recent(60, 5, 100))}
    chosen, _ = found.json()["candidates"]
    assert (chosen["backend"], chosen["measured"]["failed_percent"]) == ("a", None)


async def test_servers_share_load_by_how_many_requests_each_works_on_at_once() -> None:
    specs = [
        SimSpec(name, BackendType.LLAMACPP, (Model("m"),), slots=slots, decode_tps=5.0)
        for name, slots in (("small", 2), ("large", 16))
    ]
    async with SimFleet(specs) as servers, contextlib.AsyncExitStack() as stack:
        faces = [face(each.name, each.url, each.type) for each in servers.servers]
        here = await stack.enter_async_context(gateway(*faces))
        shares: list[Counter[str]] = [Counter()]
        for _ in range(18):  # none of them ends
            client = await Client.to(here.url)
            stack.callback(client.close)
            client.send(request(body=chat(stream=True, max_tokens=1000)))
            status, headers = await client.head()
            assert status == 200
            shares.append(shares[-1] + Counter([headers["x-nexus-backend"]]))

        assert shares[9] == {"small": 1, "large": 8}
        assert shares[18] == {"small": 2, "large": 16}


async def test_round_robin_is_fair(tmp_path: Path) -> None:
    config = '[routing]\nstrategy = "round_robin"\n'
    async with story(tmp_path, config, a=Server(), b=Server(), c=Server()) as here:
        assert await winners(here, 6) == {"a": 2, "b": 2, "c": 2}


async def test_priority_only_is_always_the_lowest_number(tmp_path: Path) -> None:
    config = '[routing]\nstrategy = "priority_only"\n'
    low, high = Server(more={"priority": 10}), Server(more={"priority": 20})
    async with story(tmp_path, config, high=high, low=low) as here:
        assert await winners(here, 6) == {"low": 6}


@pytest.mark.parametrize("strategy", ["random", "power_of_two"])
async def test_chance_reaches_everybody(tmp_path: Path, strategy: str) -> None:
    config = f'[routing]\nstrategy = "{strategy}"\n'
    async with story(tmp_path, config, a=Server(), b=Server(), c=Server()) as here:
        found = await winners(here, 100)
        assert set(found) == {"a", "b", "c"}
        assert all(25 <= count <= 45 for count in found.values())


async def test_a_configured_priority_decides() -> None:
    async with story(a=Server(more={"priority": 80}), b=Server(more={"priority": 5})) as here:
        assert await winners(here, 3) == {"b": 3}


async def test_a_prompt_fits_up_to_the_context_and_no_further(tmp_path: Path) -> None:
    config = '[[models]]\npattern = "m"\ncontext_length = 100\n'
    async with story(tmp_path, config, a=Server()) as here:
        fits = await here.chat(messages=[{"role": "user", "content": "x" * 400}])
        long = await here.chat(messages=[{"role": "user", "content": "x" * 404}])
        assert (fits.status, long.status) == (200, 400)
        assert long.error()["code"] == "context_length_exceeded"


async def test_a_conversation_stays_with_its_backend(tmp_path: Path) -> None:
    # A busy machine makes one answer slow, and a score that looks at that is another test's.
    weights = "[routing.weights]\npriority = 50\nload = 50\nlatency = 0\n"
    async with story(tmp_path, weights, a=Server(), b=Server(), c=Server()) as here:
        for _ in range(5):
            await here.chat({"X-Claude-Code-Session-Id": "s-1"})
        first = Counter({name: here.asked(name) for name in "abc"})
        assert sorted(first.values()) == [0, 0, 5]
        for _ in range(5):
            await here.chat(prompt_cache_key="s-1")
        assert sorted(here.asked(name) for name in "abc") == [0, 0, 10]


async def test_decisions_at_once_do_not_disturb_each_other() -> None:
    async with story(a=Server(), b=Server()) as here, asyncio.TaskGroup() as group:
        tasks = [group.create_task(here.chat()) for _ in range(60)]
        await asyncio.gather(*tasks)
        assert {task.result().status for task in tasks} == {200}
        assert here.asked("a") + here.asked("b") == 60


async def test_a_priority_in_the_file_decides_in_the_process_that_users_start(
    tmp_path: Path,
) -> None:
    async with upstream(GOOD, ["m"]) as one, upstream(GOOD, ["m"]) as two:
        config = "".join(
            f'[[backends]]\nname = "{name}"\nurl = "{server.url}"\npriority = {priority}\n'
            for name, server, priority in (("one", one, 80), ("two", two, 5))
        )
        async with process(tmp_path, config) as (url, _):
            async with asyncio.timeout(15):
                while (await ask(url, request("/health", method="GET"))).json()["status"] != (
                    "healthy"
                ):
                    await asyncio.sleep(0.05)
            found = [await ask(url, request(body=chat())) for _ in range(4)]
    assert {each.headers["x-nexus-backend"] for each in found} == {"two"}
    assert (len(one.got), len(two.got)) == (0, 4)


async def test_a_backend_that_is_down_is_passed_over_and_comes_back() -> None:
    async with story(a=Server(more={"priority": 0}), b=Server(more={"priority": 90})) as here:
        control, id = here.gateway.control, BackendId("a")
        assert await winners(here, 1) == {"a": 1}
        await control.backends.drain(id)
        assert await winners(here, 2) == {"b": 2}
        await control.backends.undrain(id)
        assert await winners(here, 1) == {"a": 1}
    async with story(a=Server(up=False, more={"priority": 0}), b=Server()) as here:
        assert await winners(here, 2) == {"b": 2}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", chat()),
        ("/chat/completions", chat(stream=True)),
        ("/v1/completions", {"model": "m", "prompt": "hi"}),
        ("/v1/embeddings", {"model": "m", "input": "hi"}),
    ],
)
async def test_a_dry_run_of_any_endpoint_is_the_decision_and_nothing_is_sent(
    path: str, body: dict[str, object]
) -> None:
    async with story(a=Server(more={"priority": 9}), b=Server()) as here:
        dry = "content-type: application/json\r\nx-nexus-dry-run: 1\r\n"
        found = await ask(here.gateway.url, request(path, body, headers=dry))
        told: dict[str, Any] = found.json()
        assert (found.status, told["dry_run"], told["refusal"]) == (200, True, None)
        assert told["decision"]["order"] == ["a", "b"]
        assert told["needs"]["endpoint"].endswith(path.removeprefix("/v1"))
        assert told["needs"]["stream"] is bool(body.get("stream"))
        assert (here.asked("a"), here.asked("b")) == (0, 0)

        none = await ask(here.gateway.url, request(path, {**body, "model": "x"}, headers=dry))
        told = none.json()
        assert (none.status, told["refusal"]["code"]) == (200, "model_not_found")
        assert await here.gateway.control.requests.recent(Wanted()) == ()  # and nothing is recorded


async def test_every_candidate_that_is_ruled_out_has_its_reason_in_a_refusal() -> None:
    servers = {"a": Server(up=False), "b": Server(up=False), "c": Server()}
    async with story(**servers) as here:
        await here.gateway.control.backends.drain(BackendId("c"))
        found = await here.chat()
        reasons = context(found)["rejection_reasons"]
        assert [each["agent_id"] for each in reasons] == ["a", "b", "c"]
        assert {each["reconciler"] for each in reasons} == {"health"}
        assert all(each["suggested_action"] for each in reasons)
        assert found.headers["x-nexus-rejection-reasons"] == "3 agents rejected by health"
