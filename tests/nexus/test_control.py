"""What a front end may see and do, without any transport."""

from __future__ import annotations

import asyncio
import logging

import pytest

from nexus.domain.audit import Actor, acting
from nexus.domain.backend import (
    BackendId,
    BackendStatus,
    BackendType,
    Model,
    Source,
    Zone,
    untold,
)
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    ChangeMade,
    FleetSeen,
    PortProbed,
    Update,
)
from nexus.domain.gateway import BackendEdit, FleetSource, NewBackend
from nexus.errors import BadRequest, Conflict, NotFound
from nexus.registry.registry import Registry
from nexus.telemetry.bus import INBOX, Bus
from tests.fakes.desk import Checked, Pulled, Scans, control_over
from tests.fakes.gateway import face

A = BackendId("a")
SECRET = "http://user:secret@10.0.0.9:8000"


class Desk:
    """A control and what it acts on."""

    def __init__(self, recognised: tuple[BackendType, str] | None = None) -> None:
        self.bus = Bus()
        self.registry = Registry(self.bus.publish, lambda: 1.0)
        self.checks = Checked()
        self.levers = Pulled(self.registry)
        self.probed: dict[str, PortProbed] = {}
        self.scans = Scans()

        async def recognise(url: str, key_env: str | None) -> tuple[BackendType, str] | None:
            return recognised

        self.control = control_over(
            self.registry,
            self.bus,
            unix=lambda: 1_700_000_061.0,
            checks=self.checks,
            levers=self.levers,
            scans=self.scans,
            recognise=recognise,
            probed=self.probed,
        )
        self.registry.add(face("a", "http://10.0.0.1:8000"))
        self.registry.set_health(A, BackendStatus.HEALTHY, models=(Model("m"),))

    def source(self) -> FleetSource:
        return self.control


async def next_of(updates: object) -> Update:
    async with asyncio.timeout(5):
        return await anext(updates)  # type: ignore[call-overload, no-any-return]


# ---- seeing


async def test_a_watcher_gets_the_picture_then_the_changes() -> None:
    desk = Desk()
    updates = desk.control.updates()
    first = await next_of(updates)
    desk.registry.set_draining(A, True)
    second = await next_of(updates)
    desk.registry.remove(A)
    third = await next_of(updates)
    await updates.aclose()  # type: ignore[attr-defined]

    assert first == FleetSeen(first.fleet, first.loads)  # type: ignore[union-attr]
    assert isinstance(second, BackendChanged)
    assert isinstance(third, BackendRemoved)
    assert not desk.bus.live  # whoever leaves is forgotten


async def test_a_watcher_hears_of_ports_probed_before_it_came() -> None:
    desk = Desk()
    probe = PortProbed(1.0, "http://127.0.0.1:11434", None, "connection refused")
    desk.probed[probe.url] = probe
    updates = desk.control.updates()

    assert isinstance(await next_of(updates), FleetSeen)
    assert await next_of(updates) == probe
    await updates.aclose()  # type: ignore[attr-defined]


async def test_a_watcher_that_fell_behind_gets_a_new_picture_first() -> None:
    desk = Desk()
    updates = desk.control.updates()
    await next_of(updates)
    for turn in range(INBOX + 1):
        desk.registry.set_draining(A, turn % 2 == 0)
    after = await next_of(updates)
    await updates.aclose()  # type: ignore[attr-defined]

    assert isinstance(after, FleetSeen)
    assert after.fleet.backends[A].status is BackendStatus.DRAINING


async def test_watching_ends_when_the_bus_closes() -> None:
    desk = Desk()
    seen: list[Update] = []
    async with asyncio.timeout(5):
        async for update in desk.control.updates():
            seen.append(update)
            desk.bus.close()

    assert len(seen) == 1


async def test_a_backend_that_left_has_no_load() -> None:
    desk = Desk()

    assert desk.control.load(BackendId("gone")).pending == 0
    assert desk.control.uptime_s() == 61.0


# ---- doing


async def test_a_new_backend_is_checked_before_it_is_shown() -> None:
    desk = Desk(recognised=(BackendType.OLLAMA, "Ollama 0.33"))
    added, evidence = await desk.control.register(
        NewBackend("http://10.0.0.9:11434/v1/", name="My GPU")
    )

    assert (added.id, added.face.url) == ("my-gpu", "http://10.0.0.9:11434")
    assert (added.face.type, evidence) == (BackendType.OLLAMA, "Ollama 0.33")
    assert (added.face.source, added.face.zone) == (Source.MANUAL, Zone.RESTRICTED)
    assert desk.checks.ids == ["my-gpu"]


async def test_a_zone_that_is_edited_is_a_persons_word_and_looked_at_anew() -> None:
    desk = Desk()
    assert not desk.control.resolve("a").face.zone_told
    await desk.control.alter(A, BackendEdit(priority=3))
    assert not desk.control.resolve("a").face.zone_told
    edited = await desk.control.alter(A, BackendEdit(zone=Zone.RESTRICTED))
    assert edited.face.zone_told
    assert desk.checks.ids == [A]


async def test_what_was_said_of_a_backend_can_be_taken_back() -> None:
    desk = Desk()
    said = BackendEdit(zone=Zone.OPEN, priority=3, tier=4, max_concurrent=2)
    await desk.control.alter(A, said)
    edited = await desk.control.alter(A, BackendEdit(tier=5, cleared=frozenset({"max_concurrent"})))
    face = edited.face
    assert (face.max_concurrent, face.tier, face.priority, face.zone) == (None, 5, 3, Zone.OPEN)
    everything = frozenset({"zone", "priority", "tier", "max_concurrent"})
    face = (await desk.control.alter(A, BackendEdit(cleared=everything))).face
    assert (face.max_concurrent, face.tier, face.priority) == (None, 1, 50)
    assert (face.zone, face.zone_told) == (untold(face).zone, False)


async def test_a_cloud_backend_is_in_the_open_zone_unless_told_otherwise() -> None:
    desk = Desk()
    cloud, _ = await desk.control.register(
        NewBackend("https://x.example", name="x", type=BackendType.OPENAI)
    )
    kept, _ = await desk.control.register(
        NewBackend("https://y.example", name="y", type=BackendType.OPENAI, zone=Zone.RESTRICTED)
    )

    assert (cloud.face.zone, kept.face.zone) == (Zone.OPEN, Zone.RESTRICTED)


async def test_nothing_known_at_a_url_is_a_generic_backend_and_says_so() -> None:
    added, evidence = await Desk().control.register(NewBackend("http://10.0.0.9", name="x"))

    assert added.face.type is BackendType.GENERIC
    assert "nothing" in evidence


@pytest.mark.parametrize(
    ("url", "name"),
    [("http://10.0.0.1:8000/", "b"), ("http://10.0.0.2", "A"), ("http://10.0.0.1:8000/v1", "")],
)
async def test_what_is_registered_already_is_a_conflict(url: str, name: str) -> None:
    desk = Desk()
    with pytest.raises(Conflict):
        await desk.control.register(NewBackend(url, name=name, type=BackendType.GENERIC))

    assert list(desk.registry.fleet().backends) == [A]


async def test_the_operators_word_replaces_what_a_scan_guessed() -> None:
    desk = Desk()
    desk.registry.add(face("guess", "http://10.0.0.9:1234", source=Source.PROBE))
    added, _ = await desk.control.register(
        NewBackend("http://10.0.0.9:1234", name="mine", type=BackendType.VLLM)
    )

    assert list(desk.registry.fleet().backends) == [A, "mine"]
    assert added.face.source is Source.MANUAL


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://a b", "http://x:99999", "\x00"])
async def test_what_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await Desk().control.register(NewBackend(url))

    assert caught.value.param == "url"


@pytest.mark.parametrize("priority", [-1, 101])
async def test_a_priority_out_of_range_is_refused(priority: int) -> None:
    with pytest.raises(BadRequest, match="priority"):
        await Desk().control.register(NewBackend("http://10.0.0.9", priority=priority))


async def test_a_password_in_a_url_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.INFO, logger="nexus"):
        added, _ = await desk.control.register(NewBackend(SECRET, type=BackendType.GENERIC))
        with pytest.raises(Conflict) as by_url:
            await desk.control.register(NewBackend(SECRET, name="other", type=BackendType.GENERIC))
        with pytest.raises(Conflict) as by_name:
            await desk.control.register(
                NewBackend("http://x.example", name=added.name, type=BackendType.GENERIC)
            )

    assert "secret" not in added.name + added.id
    assert "secret" not in caplog.text + by_url.value.message + by_name.value.message


async def test_draining_and_back_are_idempotent() -> None:
    desk = Desk()
    await desk.control.drain(A)
    await desk.control.drain(A)
    drained = desk.control.resolve("a").status
    await desk.control.undrain(A)
    await desk.control.undrain(A)

    assert drained is BackendStatus.DRAINING
    assert desk.control.resolve("a").status is BackendStatus.HEALTHY


async def test_an_unknown_name_is_told_which_there_are() -> None:
    desk = Desk()
    for act in (desk.control.drain, desk.control.undrain, desk.control.check, desk.control.remove):
        with pytest.raises(NotFound, match="Backends: a"):
            await act(BackendId("x" * 1000))


async def test_models_are_loaded_and_unloaded_by_the_levers() -> None:
    desk = Desk()
    loaded = await desk.control.load_model(A, "m")
    await desk.control.unload_model(BackendId("a"), "m")

    assert loaded == desk.control.resolve("a")
    assert (desk.levers.loaded, desk.levers.unloaded) == ([(A, "m")], [(A, "m")])
    with pytest.raises(NotFound, match="Backends: a"):
        await desk.control.load_model(BackendId("x"), "m")


async def test_scanning_scans() -> None:
    desk = Desk()
    await desk.source().scan()

    assert desk.scans.count == 1


# ---- who changed what


async def test_every_change_is_told_with_who_did_it_and_what_it_was_before() -> None:
    desk = Desk()
    with acting(Actor("api:maria", "admin")):
        await desk.control.drain(A)
        await desk.control.edit(A, BackendEdit(priority=7))
        await desk.control.register(NewBackend(SECRET, name="secret", type=BackendType.VLLM))
        await desk.control.remove(BackendId("secret"))
    desk.control.file_edited(("routing.strategy: smart -> random",))
    removed, added, edited, drained = (await desk.control.changes())[1:]
    (by_file, *_) = await desk.control.changes(1)

    assert {(each.who, each.role) for each in (drained, edited, added, removed)} == {
        ("api:maria", "admin")
    }
    assert (drained.action, drained.target) == ("drain", "a")
    assert (drained.before, drained.after) == ({"draining": False}, {"draining": True})
    assert (edited.before, edited.after) == ({"priority": 50}, {"priority": 7})
    assert (added.before, removed.after) == (None, None)
    assert added.after == removed.before
    assert "secret:" not in str(added)  # what stands before a host is nobody's to read
    assert (by_file.who, by_file.action) == ("configuration file", "edit file")


async def test_a_change_is_an_event_for_those_who_watch() -> None:
    desk = Desk()
    updates = desk.control.updates()
    await next_of(updates)
    await desk.control.drain(A)
    seen = [await next_of(updates), await next_of(updates)]
    await updates.aclose()  # type: ignore[attr-defined]

    (told,) = [each for each in seen if isinstance(each, ChangeMade)]
    assert (told.entry.action, told.entry.target) == ("drain", "a")


async def test_what_failed_is_no_change() -> None:
    desk = Desk()
    with pytest.raises(BadRequest):
        await desk.control.edit(A, BackendEdit(priority=101))
    with pytest.raises(NotFound):
        await desk.control.remove(BackendId("nobody"))

    assert await desk.control.changes() == ()
