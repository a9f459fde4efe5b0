"""Backends added, edited, drained and removed, without any transport."""

from __future__ import annotations

import logging

import pytest

from nexus.domain.backend import (
    BackendId,
    BackendStatus,
    BackendType,
    Source,
    Zone,
    untold,
)
from nexus.domain.gateway import BackendEdit, NewBackend
from nexus.errors import BadRequest, Conflict, NotFound
from tests.fakes.desk import A, Desk
from tests.fakes.gateway import face

SECRET = "http://user:secret@10.0.0.9:8000"


async def test_a_new_backend_is_checked_before_it_is_shown() -> None:
    desk = Desk(recognised=(BackendType.OLLAMA, "Ollama 0.33"))
    added, evidence = await desk.control.backends.register(
        NewBackend("http://10.0.0.9:11434/v1/", name="My GPU")
    )

    assert (added.id, added.face.url) == ("my-gpu", "http://10.0.0.9:11434")
    assert (added.face.type, evidence) == (BackendType.OLLAMA, "Ollama 0.33")
    assert (added.face.source, added.face.zone) == (Source.MANUAL, Zone.RESTRICTED)
    assert desk.checks.ids == ["my-gpu"]


async def test_a_zone_that_is_edited_is_a_persons_word_and_looked_at_anew() -> None:
    desk = Desk()
    assert not desk.control.backends.resolve("a").face.zone_told
    await desk.control.backends.alter(A, BackendEdit(priority=3))
    assert not desk.control.backends.resolve("a").face.zone_told
    edited = await desk.control.backends.alter(A, BackendEdit(zone=Zone.RESTRICTED))
    assert edited.face.zone_told
    assert desk.checks.ids == [A]


async def test_what_was_said_of_a_backend_can_be_taken_back() -> None:
    desk = Desk()
    said = BackendEdit(zone=Zone.OPEN, priority=3, tier=4, max_concurrent=2)
    await desk.control.backends.alter(A, said)
    edited = await desk.control.backends.alter(
        A, BackendEdit(tier=5, cleared=frozenset({"max_concurrent"}))
    )
    face = edited.face
    assert (face.max_concurrent, face.tier, face.priority, face.zone) == (None, 5, 3, Zone.OPEN)
    everything = frozenset({"zone", "priority", "tier", "max_concurrent"})
    face = (await desk.control.backends.alter(A, BackendEdit(cleared=everything))).face
    assert (face.max_concurrent, face.tier, face.priority) == (None, 1, 50)
    assert (face.zone, face.zone_told) == (untold(face).zone, False)


async def test_a_cloud_backend_is_in_the_open_zone_unless_told_otherwise() -> None:
    desk = Desk()
    cloud, _ = await desk.control.backends.register(
        NewBackend("https://x.example", name="x", type=BackendType.OPENAI)
    )
    kept, _ = await desk.control.backends.register(
        NewBackend("https://y.example", name="y", type=BackendType.OPENAI, zone=Zone.RESTRICTED)
    )

    assert (cloud.face.zone, kept.face.zone) == (Zone.OPEN, Zone.RESTRICTED)


async def test_nothing_known_at_a_url_is_a_generic_backend_and_says_so() -> None:
    added, evidence = await Desk().control.backends.register(
        NewBackend("http://10.0.0.9", name="x")
    )

    assert added.face.type is BackendType.GENERIC
    assert "nothing" in evidence


@pytest.mark.parametrize(
    ("url", "name"),
    [("http://10.0.0.1:8000/", "b"), ("http://10.0.0.2", "A"), ("http://10.0.0.1:8000/v1", "")],
)
async def test_what_is_registered_already_is_a_conflict(url: str, name: str) -> None:
    desk = Desk()
    with pytest.raises(Conflict):
        await desk.control.backends.register(NewBackend(url, name=name, type=BackendType.GENERIC))

    assert list(desk.registry.fleet().backends) == [A]


async def test_the_operators_word_replaces_what_a_scan_guessed() -> None:
    desk = Desk()
    desk.registry.add(face("guess", "http://10.0.0.9:1234", source=Source.PROBE))
    added, _ = await desk.control.backends.register(
        NewBackend("http://10.0.0.9:1234", name="mine", type=BackendType.VLLM)
    )

    assert list(desk.registry.fleet().backends) == [A, "mine"]
    assert added.face.source is Source.MANUAL


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://a b", "http://x:99999", "\x00"])
async def test_what_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await Desk().control.backends.register(NewBackend(url))

    assert caught.value.param == "url"


@pytest.mark.parametrize("priority", [-1, 101])
async def test_a_priority_out_of_range_is_refused(priority: int) -> None:
    with pytest.raises(BadRequest, match="priority"):
        await Desk().control.backends.register(NewBackend("http://10.0.0.9", priority=priority))


async def test_a_password_in_a_url_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.INFO, logger="nexus"):
        added, _ = await desk.control.backends.register(
            NewBackend(SECRET, type=BackendType.GENERIC)
        )
        with pytest.raises(Conflict) as by_url:
            await desk.control.backends.register(
                NewBackend(SECRET, name="other", type=BackendType.GENERIC)
            )
        with pytest.raises(Conflict) as by_name:
            await desk.control.backends.register(
                NewBackend("http://x.example", name=added.name, type=BackendType.GENERIC)
            )

    assert "secret" not in added.name + added.id
    assert "secret" not in caplog.text + by_url.value.message + by_name.value.message


async def test_draining_and_back_are_idempotent() -> None:
    desk = Desk()
    await desk.control.backends.drain(A)
    await desk.control.backends.drain(A)
    drained = desk.control.backends.resolve("a").status
    await desk.control.backends.undrain(A)
    await desk.control.backends.undrain(A)

    assert drained is BackendStatus.DRAINING
    assert desk.control.backends.resolve("a").status is BackendStatus.HEALTHY


async def test_an_unknown_name_is_told_which_there_are() -> None:
    desk = Desk()
    for act in (
        desk.control.backends.drain,
        desk.control.backends.undrain,
        desk.control.backends.check,
        desk.control.backends.remove,
    ):
        with pytest.raises(NotFound, match="Backends: a"):
            await act(BackendId("x" * 1000))


async def test_models_are_loaded_and_unloaded_by_the_levers() -> None:
    desk = Desk()
    loaded = await desk.control.backends.load_model(A, "m")
    await desk.control.backends.unload_model(BackendId("a"), "m")

    assert loaded == desk.control.backends.resolve("a")
    assert (desk.levers.loaded, desk.levers.unloaded) == ([(A, "m")], [(A, "m")])
    with pytest.raises(NotFound, match="Backends: a"):
        await desk.control.backends.load_model(BackendId("x"), "m")
