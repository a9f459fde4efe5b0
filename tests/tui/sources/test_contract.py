"""Both sources keep one contract: the same updates, the same effects, the same errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace

import pytest

from nexus.domain.access import Role
from nexus.domain.audit import Actor, acting
from nexus.domain.backend import BackendId, BackendStatus, BackendType, Model, Residency, Zone
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    ChangeMade,
    FleetSeen,
    RequestFinished,
    RequestRouted,
    Update,
)
from nexus.domain.gateway import BackendEdit, FleetSource, NewBackend
from nexus.domain.history import Metric, Outcome, Wanted
from nexus.domain.keys import NewKey
from nexus.domain.logline import LogLevel
from nexus.domain.routes import Routes
from nexus.errors import BadRequest, Conflict, NexusError, NotFound, Outdated
from nexus.runtime import Gateway
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.client import Client, ask, chat, request
from tests.fakes.gateway import face, gateway
from tests.fakes.upstream import Got, upstream
from tui.sources.local import local
from tui.sources.remote import RemoteSource, open_remote

TOWER = BackendId("tower")
MODEL = "llama3.2:3b"
OLLAMA = SimSpec(
    "tower", BackendType.OLLAMA, (Model(MODEL, 8192, chat=True, residency=Residency.INSTALLED),)
)
NOBODY = BackendId("nobody")


@dataclass
class Stand:
    """A source, and the gateway behind it."""

    source: FleetSource
    gateway: Gateway
    url: str
    """Of the one backend."""


async def source_over(kind: str, here: Gateway, stack: AsyncExitStack) -> FleetSource:
    if kind == "local":
        stack.enter_context(acting(Actor("dashboard")))
        return local(here.control)
    remote = await open_remote(here.url)
    stack.push_async_callback(remote.close)
    return remote


@pytest.fixture(params=["local", "remote"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(SimFleet((OLLAMA,)))
        told = face("tower", fleet["tower"].url, BackendType.OLLAMA)
        here = await stack.enter_async_context(gateway(told))
        yield Stand(await source_over(request.param, here, stack), here, told.url)


async def seen_until(source: FleetSource, last: Callable[[Update], bool]) -> list[Update]:
    """Updates from the picture on, until one that `last` knows."""
    seen: list[Update] = []
    async with asyncio.timeout(10), aclosing(source.updates()) as updates:  # type: ignore[type-var]
        async for update in updates:
            seen.append(update)
            if last(update):
                break
    return seen


async def during(
    source: FleetSource, deed: Callable[[], Awaitable[object]], last: Callable[[Update], bool]
) -> list[Update]:
    """What is told while `deed` is done."""
    begun = asyncio.Event()

    def watched(update: Update) -> bool:
        begun.set()
        return last(update)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(seen_until(source, watched), name="watch")
        await begun.wait()
        await deed()
    return watching.result()


# ---- updates


async def test_the_picture_comes_first(stand: Stand) -> None:
    (first,) = await seen_until(stand.source, lambda update: True)

    assert isinstance(first, FleetSeen)
    assert first.fleet.backends.keys() == {TOWER}
    assert first.fleet == stand.gateway.control.view.fleet()


async def test_a_request_is_told_from_its_end_or_its_begin(stand: Stand) -> None:
    body = request(body=chat(model=MODEL))
    seen = await during(
        stand.source,
        lambda: ask(stand.gateway.url, body),
        lambda update: isinstance(update, RequestFinished),
    )
    end = seen[-1]

    assert isinstance(end, RequestFinished)
    assert (end.backend, end.status, end.requested) == ("tower", 200, MODEL)


async def test_a_backend_that_comes_and_goes_is_told(stand: Stand) -> None:
    async def deed() -> None:
        await stand.source.add(NewBackend("http://127.0.0.1:1", "new", BackendType.VLLM))
        await stand.source.remove(BackendId("new"))

    seen = await during(
        stand.source,
        deed,
        lambda update: isinstance(update, ChangeMade) and update.entry.action == "remove",
    )

    assert [each.name for each in seen if isinstance(each, BackendRemoved)] == ["new"]
    changed = [each for each in seen if isinstance(each, BackendChanged)]
    assert {each.backend.name for each in changed} == {"new"}
    assert {each.entry.action for each in seen if isinstance(each, ChangeMade)} >= {"add", "remove"}


# ---- wishes


async def test_draining_and_back(stand: Stand) -> None:
    await stand.source.drain(TOWER)
    drained = stand.gateway.control.backends.resolve("tower").status
    await stand.source.undrain(TOWER)

    assert drained is BackendStatus.DRAINING
    assert stand.gateway.control.backends.resolve("tower").status is BackendStatus.HEALTHY


async def test_checking_and_scanning(stand: Stand) -> None:
    before = stand.gateway.control.backends.resolve("tower").checked_at
    await stand.source.check(TOWER)
    await stand.source.scan()

    assert stand.gateway.control.backends.resolve("tower").checked_at != before


async def test_adding_says_what_it_is(stand: Stand) -> None:
    said = await stand.source.add(
        NewBackend("http://127.0.0.1:1/v1", "new", BackendType.VLLM, Zone.OPEN, 7, 3, 5)
    )
    found = stand.gateway.control.backends.resolve("new").face

    assert said == "new is vllm: given"
    assert (found.url, found.zone, found.priority) == ("http://127.0.0.1:1", Zone.OPEN, 7)
    assert (found.tier, found.max_concurrent) == (3, 5)


async def test_editing_changes_only_what_is_given(stand: Stand) -> None:
    await stand.source.edit(TOWER, BackendEdit(priority=3, tier=2))
    found = stand.gateway.control.backends.resolve("tower").face

    assert (found.priority, found.tier, found.zone) == (3, 2, Zone.RESTRICTED)


async def test_editing_can_take_back_what_was_said(stand: Stand) -> None:
    await stand.source.edit(TOWER, BackendEdit(priority=3, tier=2, max_concurrent=4))
    cleared = frozenset({"max_concurrent", "tier"})
    await stand.source.edit(TOWER, BackendEdit(priority=0, cleared=cleared))
    found = stand.gateway.control.backends.resolve("tower").face

    assert (found.priority, found.tier, found.max_concurrent) == (0, 1, None)


async def test_recognising_keeps_nothing(stand: Stand) -> None:
    found = await stand.source.recognise(stand.url + "/v1/")
    nothing = await stand.source.recognise("http://127.0.0.1:1")

    assert found is not None
    assert (found.url, found.type) == (stand.url, BackendType.OLLAMA)
    assert nothing is None


async def test_a_model_is_loaded_and_freed(stand: Stand) -> None:
    await stand.source.load_model(TOWER, MODEL)
    loaded = stand.gateway.control.backends.resolve("tower").models[0].residency
    await stand.source.unload_model(TOWER, MODEL)

    assert loaded is Residency.LOADED
    assert (
        stand.gateway.control.backends.resolve("tower").models[0].residency is Residency.INSTALLED
    )


async def test_routes_are_tried_applied_and_taken_back(stand: Stand) -> None:
    now = await stand.source.routes()
    wanted = replace(now, aliases={"gpt-4": MODEL}, fallbacks={MODEL: ("x",)})
    preview = await stand.source.preview(wanted)
    tried = await stand.source.routes()
    applied = await stand.source.apply(wanted)
    answer = await ask(stand.gateway.url, request(body=chat(model="gpt-4")))
    back = await stand.source.undo()

    assert "+ gpt-4 = " in preview.diff[1]
    assert preview.warnings == (f"fallback of '{MODEL}': no backend has 'x'",)
    assert tried == now
    assert applied == replace(wanted, version=applied.version)
    assert answer.status == 200
    assert back == now


async def test_keys_are_foreseen_made_seen_and_revoked(stand: Stand) -> None:
    before = await stand.source.keys()
    foreseen = await stand.source.preview_key(NewKey("root", Role.ADMIN))
    made = await stand.source.create_key(NewKey("root", Role.ADMIN, before.version))
    async with AsyncExitStack() as stack:
        source = stand.source
        if isinstance(source, RemoteSource):  # who came without a key is shut out now
            source = await open_remote(stand.gateway.url, made.key)
            stack.push_async_callback(source.close)
        ring = await source.keys()
        told = await source.preview_revoke("root")
        gone = await source.revoke_key("root", ring.version)
    after = await stand.source.keys()

    assert before.keys == ()
    assert any("first key" in each for each in foreseen.warnings)
    assert made.key.startswith("nxk_")
    assert [(key.name, key.role, key.source) for key in ring.keys] == [
        ("root", Role.ADMIN, "memory")
    ]
    assert any("last key" in each for each in told.warnings)
    assert (gone.name, gone.role) == ("root", Role.ADMIN)
    assert (after.keys, after.version) == ((), before.version)


async def test_changes_of_keys_are_told_like_all_others(stand: Stand) -> None:
    async def deed() -> None:
        # A key of another name leaves the watcher where it is.
        await stand.source.create_key(NewKey("root", Role.ADMIN))

    def made(update: Update) -> bool:
        return isinstance(update, ChangeMade) and update.entry.action == "keys create"

    if isinstance(stand.source, RemoteSource):
        first = await stand.source.create_key(NewKey("first", Role.ADMIN))
        async with AsyncExitStack() as stack:
            source = await open_remote(stand.gateway.url, first.key)
            stack.push_async_callback(source.close)
            stand.source = source
            seen = await during(source, deed, made)
    else:
        seen = await during(stand.source, deed, made)

    (entry,) = [each.entry for each in seen if isinstance(each, ChangeMade)]
    assert (entry.target, entry.before, entry.after) == ("root", None, {"role": "admin"})


async def test_a_level_is_changed_and_read(stand: Stand) -> None:
    usual = await stand.source.log_levels()
    await stand.source.set_log_level("health", LogLevel.DEBUG)
    changed = await stand.source.log_levels()
    await stand.source.set_log_level("health", LogLevel.INFO)
    await stand.source.set_log_level("", usual[""])

    assert changed["health"] is LogLevel.DEBUG
    assert changed[""] is usual[""]


async def test_a_running_request_is_cancelled(stand: Stand) -> None:
    async def silent(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with upstream(silent, ["slow"]) as up:
        await stand.source.add(NewBackend(up.url, "slow", BackendType.GENERIC))
        client = await Client.to(stand.gateway.url)
        client.send(request(body=chat(model="slow")))
        async with asyncio.timeout(10):
            while not up.got:
                await asyncio.sleep(0.005)
        (routed,) = await seen_running(stand)
        await stand.source.cancel(routed.request_id)
        reply = await client.reply()
        client.close()

    assert (reply.status, reply.error()["code"]) == (503, "cancelled")


async def seen_running(stand: Stand) -> list[RequestRouted]:
    """Requests that a watcher who comes now is told of."""
    seen = await seen_until(stand.source, lambda update: isinstance(update, RequestRouted))
    return [each for each in seen if isinstance(each, RequestRouted)]


# ---- questions


async def test_requests_and_their_stories(stand: Stand) -> None:
    await ask(stand.gateway.url, request(body=chat(model=MODEL)))
    await ask(stand.gateway.url, request(body=chat(model="unheard of")))
    both = await stand.source.requests(Wanted())
    (good,) = await stand.source.requests(Wanted(outcome=Outcome.OK), 5)
    story = await stand.source.story(str(good["request_id"]))

    await stand.source.drain(TOWER)
    now = await stand.source.decide_again(str(good["request_id"]))
    unheard_of = await stand.source.decide_again(str(both[0]["request_id"]))

    assert (now["model"], now["dry_run"]) == (MODEL, True)
    assert now["refusal"]["status"] == 503  # type: ignore[index]
    assert unheard_of["refusal"]["status"] == 404  # type: ignore[index]
    assert [row["status"] for row in both] == [404, 200]
    assert story["backend"] == "tower"


async def test_what_ended_lately_is_told_as_it_was_told_live(stand: Stand) -> None:
    body = request(body=chat(model=MODEL))
    seen = await during(
        stand.source,
        lambda: ask(stand.gateway.url, body),
        lambda update: isinstance(update, RequestFinished),
    )
    await ask(stand.gateway.url, request(body=chat(model="unheard of")))
    found = await stand.source.lately()

    assert [each.status for each in found.ended] == [200, 404]
    assert found.ended[0] == seen[-1]
    assert found.since < found.ended[0].at


async def test_changes_lines_and_series(stand: Stand) -> None:
    await stand.source.drain(TOWER)
    (change, *_) = await stand.source.changes(1)

    assert (change.action, change.target, change.after) == ("drain", "tower", {"draining": True})
    assert await stand.source.logs(10_000) == ()
    assert await stand.source.series(Metric.REQUESTS, 0, 3600, backend="tower") == ()


async def test_who_one_is(stand: Stand) -> None:
    assert stand.source.role is Role.ADMIN
    assert stand.source.info == stand.gateway.control.view.info


# ---- errors

WRONG: dict[str, tuple[Callable[[FleetSource], Awaitable[object]], type[NexusError]]] = {
    "drain": (lambda source: source.drain(NOBODY), NotFound),
    "undrain": (lambda source: source.undrain(BackendId("a b?c#d%e")), NotFound),
    "check": (lambda source: source.check(NOBODY), NotFound),
    "edit": (lambda source: source.edit(TOWER, BackendEdit(priority=101)), BadRequest),
    "remove": (lambda source: source.remove(NOBODY), NotFound),
    "approve": (lambda source: source.approve(NOBODY), NotFound),
    "dismiss": (lambda source: source.dismiss(NOBODY), NotFound),
    "add": (lambda source: source.add(NewBackend("nonsense")), BadRequest),
    "add twice": (lambda source: source.add(NewBackend("http://127.0.0.1:1", "tower")), Conflict),
    "load": (lambda source: source.load_model(TOWER, "unheard of"), NotFound),
    "story": (lambda source: source.story("..?x"), NotFound),
    "decide again": (lambda source: source.decide_again("req-0-0"), NotFound),
    "cancel": (lambda source: source.cancel("req-0-0"), NotFound),
    "recognise": (lambda source: source.recognise("ftp://x"), BadRequest),
    "level": (lambda source: source.set_log_level("nobody", LogLevel.INFO), NotFound),
    "apply late": (lambda source: source.apply(Routes(version="old")), Outdated),
    "apply wrong": (lambda source: source.apply(Routes(aliases={"a": "b", "b": "a"})), BadRequest),
    "undo": (lambda source: source.undo(), Conflict),
    "key without a name": (lambda source: source.create_key(NewKey(" ")), BadRequest),
    "key late": (lambda source: source.create_key(NewKey("a", version="old")), Outdated),
    "revoke nobody's": (lambda source: source.revoke_key("a/b ?"), NotFound),
    "foresee nobody's": (lambda source: source.preview_revoke("nobody"), NotFound),
}


@pytest.mark.parametrize("wish", WRONG)
async def test_what_cannot_be_is_refused_with_the_same_sentence(stand: Stand, wish: str) -> None:
    deed, kind = WRONG[wish]
    with pytest.raises(kind) as refused:
        await deed(stand.source)
    with pytest.raises(kind) as here:
        await deed(local(stand.gateway.control))

    assert type(refused.value) is type(here.value)
    if wish != "edit":  # there, FastAPI's own sentence comes first
        assert refused.value.message == here.value.message
