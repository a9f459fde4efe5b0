"""Keys of the control plane: made, revoked, kept, and told when they were used."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from nexus.config.edit import with_backend
from nexus.config.keeper import Keeper
from nexus.config.live import LiveText
from nexus.config.load import Loaded, load
from nexus.config.settings import NexusConfig
from nexus.domain.access import Role
from nexus.domain.audit import Actor
from nexus.domain.keys import NewKey, holder
from nexus.edits import RouteEdits
from nexus.errors import BadRequest, Conflict, NotFound, Outdated
from nexus.keys import PREFIX, KeyEdits

FILE = "# mine\n[server]\nport = 8000\n"
NOW = 1_795_521_600.0
ME = Actor("dashboard")


class Stuck(Keeper):
    """A file that cannot be written."""

    def change(self, edit: object) -> str:
        return "read-only file system"


@dataclass
class Desk:
    """Edits of keys over a file, or over nothing."""

    config: NexusConfig
    live: LiveText
    keys: KeyEdits
    file: Path | None
    clock: list[float] = field(default_factory=lambda: [NOW])

    @property
    def text(self) -> str:
        assert self.file is not None
        return self.file.read_text()


def desk(
    file: Path | None, text: str = FILE, *, keeper: type[Keeper] = Keeper, **environ: str
) -> Desk:
    def read(path: Path) -> Loaded:
        return load(path, environ, {}, explicit=True)

    def use(new: NexusConfig) -> None:
        here.config = new

    if file is not None:
        file.write_text(text)
    config = NexusConfig() if file is None else read(file).config
    numbers: Iterator[int] = iter(range(1, 100))
    live = LiveText(read, lambda: here.config, use, file and keeper(file, file))
    keys = KeyEdits(live, environ, lambda: here.clock[0], lambda: f"nxk_{next(numbers):032}")
    here = Desk(config, live, keys, file)
    return here


def edit(here: Desk, text: str) -> None:
    """As a person does, and as the reloader sees."""
    assert here.file is not None
    here.file.write_text(text)
    here.config = load(here.file, {}, {}, explicit=True).config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "nexus.toml"


async def test_a_key_is_in_force_and_its_sha256_in_the_file_at_once(file: Path) -> None:
    here = desk(file)
    made = await here.keys.create(NewKey(" laptop ", Role.OPERATOR))
    digest = hashlib.sha256(made.key.encode()).hexdigest()
    (known,) = here.config.control.access({}).keys

    assert (made.name, made.role, made.unkept) == ("laptop", Role.OPERATOR, "")
    assert (known.name, known.role, known.digest.hex()) == ("laptop", Role.OPERATOR, digest)
    assert here.text.startswith(FILE)
    assert digest in here.text
    assert made.key not in here.text


async def test_a_key_cannot_be_guessed_and_is_known_for_what_it_is(tmp_path: Path) -> None:
    edits = KeyEdits(desk(None).live, {}, lambda: NOW)
    keys = [(await edits.create(NewKey(f"k{at}"))).key for at in range(3)]

    assert len(set(keys)) == 3
    assert all(key.startswith(PREFIX) and len(key) >= len(PREFIX) + 43 for key in keys)
    assert all(key.isascii() and " " not in key for key in keys)


async def test_the_list_tells_everything_but_what_opens_something(file: Path) -> None:
    here = desk(file, FILE + '[[control.keys]]\nname = "wall"\nkey_env = "WALL"\n')
    made = await here.keys.create(NewKey("laptop"))
    here.keys.used(holder("laptop", Role.VIEWER))
    here.keys.used(Actor("cli"))
    ring = here.keys.ring(holder("laptop", Role.VIEWER))
    wall, laptop = ring.keys

    assert (wall.source, wall.variable, wall.trouble) == ("variable", "WALL", "WALL is not set")
    assert (wall.created, wall.last_used, wall.yours) == (None, None, False)
    assert (laptop.source, laptop.trouble) == ("file", "")
    assert (laptop.created, laptop.last_used, laptop.yours) == (NOW, NOW, True)
    assert (ring.local, ring.unkept) == (None, "")
    assert made.key not in repr(ring)
    assert hashlib.sha256(made.key.encode()).hexdigest() not in repr(ring)


async def test_a_revoked_key_is_gone_from_force_file_and_list(file: Path) -> None:
    here = desk(file)
    await here.keys.create(NewKey("laptop", Role.ADMIN))
    key, gone = await here.keys.revoke("laptop", "", ME)

    assert (key.name, gone.role, gone.unkept) == ("laptop", Role.ADMIN, "")
    assert here.keys.ring(ME).keys == ()
    assert here.config.control.access({}).keys == ()
    assert here.text == FILE


async def test_a_key_of_that_name_made_anew_was_not_used_yet(file: Path) -> None:
    here = desk(file)
    await here.keys.create(NewKey("laptop"))
    here.keys.used(holder("laptop", Role.VIEWER))
    await here.keys.revoke("laptop", "", ME)
    await here.keys.create(NewKey("laptop"))

    assert here.keys.ring(ME).keys[0].last_used is None


async def test_without_a_file_keys_hold_until_the_process_ends_and_say_so() -> None:
    here = desk(None)
    made = await here.keys.create(NewKey("laptop"))
    (key,) = here.keys.ring(ME).keys
    _, gone = await here.keys.revoke("laptop", "", ME)

    assert "no configuration file" in made.unkept
    assert key.source == "memory"
    assert gone.unkept == ""  # it does not come back


async def test_a_key_of_a_file_that_cannot_be_written_comes_back_and_that_is_told(
    file: Path,
) -> None:
    entry = f'[[control.keys]]\nname = "old"\nsha256 = "{"ab" * 32}"\n'
    here = desk(file, FILE + entry, keeper=Stuck)
    made = await here.keys.create(NewKey("new"))
    _, gone = await here.keys.revoke("old", "", ME)

    assert (made.unkept, gone.unkept) == ("read-only file system", "read-only file system")
    assert [(key.name, key.source) for key in here.keys.ring(ME).keys] == [("new", "memory")]
    assert here.text == FILE + entry


async def test_what_could_not_be_written_is_written_with_the_next_change_that_can(
    file: Path,
) -> None:
    here = desk(file, keeper=Stuck)
    await here.keys.create(NewKey("a"))
    here.live._keeper = Keeper(file, file)
    await here.keys.create(NewKey("b"))

    assert [(key.name, key.source) for key in here.keys.ring(ME).keys] == [
        ("a", "file"),
        ("b", "file"),
    ]
    assert 'name = "a"' in here.text


@pytest.mark.parametrize("kept", [True, False])
async def test_an_edit_of_the_routes_does_not_lose_a_key_nor_its_undo(
    file: Path, kept: bool
) -> None:
    here = desk(file if kept else None)
    routes = RouteEdits(here.live)
    await routes.apply(replace(routes.routes(), max_retries=5))
    await here.keys.create(NewKey("laptop"))
    await routes.apply(replace(routes.routes(), max_retries=4))
    await routes.undo()

    assert [key.name for key in here.config.control.keys] == ["laptop"]
    assert routes.routes().max_retries == 5


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, "a\u202eb"])
async def test_a_key_needs_a_name_that_can_be_read(file: Path, name: str) -> None:
    here = desk(file)
    tried = await here.keys.preview(NewKey(name), ME)
    with pytest.raises(BadRequest) as refused:
        await here.keys.create(NewKey(name))

    assert tried.problems == (refused.value.message,)
    assert here.text == FILE


@pytest.mark.parametrize("name", ["laptop", "LAPTOP", " Laptop"])
async def test_two_keys_of_one_name_are_a_conflict(file: Path, name: str) -> None:
    here = desk(file)
    await here.keys.create(NewKey("laptop"))
    tried = await here.keys.preview(NewKey(name), ME)
    with pytest.raises(Conflict, match="called 'laptop' already"):
        await here.keys.create(NewKey(name))

    assert tried.problems == ("There is a key called 'laptop' already",)


async def test_a_key_that_there_is_not_is_not_found(file: Path) -> None:
    here = desk(file)
    await here.keys.create(NewKey("laptop"))
    with pytest.raises(NotFound, match=r"No key is called 'x'\. Keys: laptop"):
        await here.keys.revoke("x", "", ME)
    with pytest.raises(NotFound):
        await here.keys.preview_revoke("x", ME)


async def test_who_looked_before_somebody_changed_the_keys_is_told_and_changes_nothing(
    file: Path,
) -> None:
    here = desk(file)
    before = here.keys.ring(ME).version
    made = await here.keys.create(NewKey("a", version=before))
    with pytest.raises(Outdated):
        await here.keys.create(NewKey("b", version=before))
    with pytest.raises(Outdated):
        await here.keys.revoke("a", before, ME)

    assert [key.name for key in here.keys.ring(ME).keys] == ["a"]
    assert made.version == here.keys.ring(ME).version


async def test_previews_tell_and_change_nothing(file: Path) -> None:
    here = desk(file)
    first = await here.keys.preview(NewKey("a", Role.ADMIN), Actor("cli"))
    assert here.text == FILE
    await here.keys.create(NewKey("a", Role.ADMIN))
    here.keys.used(holder("a", Role.ADMIN))
    here.clock[0] += 7300
    last = await here.keys.preview_revoke("a", ME)

    assert "first key" in first.warnings[0]
    assert "listens on 127.0.0.1 only" in first.effects[1]
    assert "last key" in last.warnings[0]
    assert "It was last used 2 h ago." in last.effects
    assert len(here.keys.ring(ME).keys) == 1
    assert last.version == here.keys.ring(ME).version


async def test_a_backend_that_is_written_down_meanwhile_is_not_lost(file: Path) -> None:
    """Both write the whole file, so one waits for the other."""
    here = desk(file)
    async with asyncio.TaskGroup() as group:
        group.create_task(here.keys.create(NewKey("laptop")), name="key")
        group.create_task(
            here.live.keep(lambda text: with_backend(text, "box", {"url": "http://a:1"})),
            name="backend",
        )

    assert 'name = "laptop"' in here.text
    assert 'name = "box"' in here.text


async def test_a_backend_goes_to_what_is_held_in_memory_too(file: Path) -> None:
    here = desk(file, keeper=Stuck)
    await here.keys.create(NewKey("laptop"))
    lost = await here.live.keep(lambda text: with_backend(text, "box", {"url": "http://a:1"}))
    here.live._keeper = Keeper(file, file)
    await here.live.keep(lambda text: with_backend(text, "pod", {"url": "http://b:1"}))

    assert lost == "read-only file system"
    assert all(f'name = "{name}"' in here.text for name in ("laptop", "box", "pod"))
    assert here.live.unkept == ""


async def test_a_file_that_somebody_edits_wins_over_what_it_did_not_take(file: Path) -> None:
    here = desk(file, keeper=Stuck)
    await here.keys.create(NewKey("laptop"))
    theirs = FILE + f'[[control.keys]]\nname = "laptop"\nsha256 = "{"ab" * 32}"\n'
    edit(here, theirs)
    here.live.file_edited()

    assert [key.source for key in here.keys.ring(ME).keys] == ["file"]
    assert here.live.text() == theirs
