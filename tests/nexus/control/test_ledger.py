"""Who changed what, from what, to what."""

from __future__ import annotations

import pytest

from nexus.domain.audit import Actor, acting
from nexus.domain.backend import (
    BackendId,
    BackendType,
)
from nexus.domain.events import (
    ChangeMade,
)
from nexus.domain.gateway import BackendEdit, NewBackend
from nexus.errors import BadRequest, NotFound
from tests.fakes.desk import A, Desk, next_of

SECRET = "http://user:secret@10.0.0.9:8000"


async def test_every_change_is_told_with_who_did_it_and_what_it_was_before() -> None:
    desk = Desk()
    with acting(Actor("api:maria", "admin")):
        await desk.control.backends.drain(A)
        await desk.control.backends.alter(A, BackendEdit(priority=7))
        await desk.control.backends.register(
            NewBackend(SECRET, name="secret", type=BackendType.VLLM)
        )
        await desk.control.backends.remove(BackendId("secret"))
    desk.control.ledger.file_edited("nexus.toml", ("routing.strategy: smart -> random",))
    removed, added, edited, drained = (await desk.control.ledger.changes())[1:]
    (by_file, *_) = await desk.control.ledger.changes(1)

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
    updates = desk.control.view.updates()
    await next_of(updates)
    await desk.control.backends.drain(A)
    seen = [await next_of(updates), await next_of(updates)]
    await updates.aclose()  # type: ignore[attr-defined]

    (told,) = [each for each in seen if isinstance(each, ChangeMade)]
    assert (told.entry.action, told.entry.target) == ("drain", "a")


async def test_what_failed_is_no_change() -> None:
    desk = Desk()
    with pytest.raises(BadRequest):
        await desk.control.backends.alter(A, BackendEdit(priority=101))
    with pytest.raises(NotFound):
        await desk.control.backends.remove(BackendId("nobody"))

    assert await desk.control.ledger.changes() == ()
