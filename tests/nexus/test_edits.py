"""Edits of the routes: tried, applied, kept, taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nexus import wire
from nexus.config.keeper import Keeper
from nexus.config.live import LiveText
from nexus.config.load import load
from nexus.config.settings import NexusConfig
from nexus.domain.backend import Model
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Strategy, Weights
from nexus.domain.routes import Routes
from nexus.edits import RouteEdits
from nexus.errors import BadRequest, Conflict, Outdated
from tests.fakes.fleets import backend, fleet

FILE = '# mine\n[routing.aliases]\n"gpt-4" = "llama"  # for tools\n'


def text_of(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    path.write_text(text)


@dataclass
class Desk:
    """Edits over a file, or over nothing."""

    path: Path | None
    config: NexusConfig
    environ: dict[str, str]
    edits: RouteEdits

    async def edit(self, **to: object) -> Routes:
        return (await self.edits.apply(replace(self.edits.routes(), **to)))[1]  # type: ignore[arg-type]


def desk(path: Path | None, text: str = FILE, **environ: str) -> Desk:
    def read(file: Path) -> object:
        return load(file, environ, {}, explicit=True)

    if path is not None:
        path.write_text(text)
        config = load(path, environ, {}, explicit=True).config
    else:
        config = load(None, {"HOME": "/nonexistent", **environ}, {}).config

    def use(new: NexusConfig) -> None:
        here.config = new

    keeper = None if path is None else Keeper(path, path)
    live = LiveText(read, lambda: here.config, use, keeper)  # type: ignore[arg-type]
    here = Desk(path, config, environ, RouteEdits(live))
    return here


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "nexus.toml"


async def test_an_edit_is_in_force_and_in_the_file_at_once(file: Path) -> None:
    here = desk(file)
    before, after = await here.edits.apply(
        replace(here.edits.routes(), aliases={"gpt-4": "qwen"}, strategy=Strategy.RANDOM)
    )

    assert (before.aliases, after.aliases) == ({"gpt-4": "llama"}, {"gpt-4": "qwen"})
    assert here.config.policy().strategy is Strategy.RANDOM
    assert '"gpt-4" = "qwen"  # for tools' in text_of(file)
    assert text_of(file).startswith("# mine\n")
    assert after.version == here.edits.routes().version != before.version


async def test_who_edits_an_old_version_is_told_and_changes_nothing(file: Path) -> None:
    here = desk(file)
    old = here.edits.routes()
    await here.edit(max_retries=5)
    with pytest.raises(Outdated) as refused:
        await here.edits.apply(replace(old, max_retries=1))

    context = refused.value.context
    assert context is not None
    assert context["version"] == here.edits.routes().version
    assert '"max_retries":5' in wire.dump(context["current"]).decode()
    assert here.edits.routes().max_retries == 5


async def test_what_the_file_may_not_say_is_refused_with_every_reason(file: Path) -> None:
    here = desk(file)
    wrong = replace(here.edits.routes(), aliases={"a": "b", "b": "a"}, weights=Weights(1, 1, 1))
    preview, config = await here.edits.preview(wrong, Fleet())
    with pytest.raises(BadRequest, match="circular alias"):
        await here.edits.apply(wrong)

    assert config is None
    assert len(preview.problems) == 2
    assert any("circular alias" in each for each in preview.problems)
    assert text_of(file) == FILE


async def test_a_preview_shows_the_lines_and_the_doubts_and_changes_nothing(file: Path) -> None:
    here = desk(file)
    known = fleet(backend("one", Model("llama"), Model("gpt-4")))
    wanted = replace(
        here.edits.routes(), aliases={"gpt-4": "llama", "x": "nobody"}, fallbacks={"llama": ("no",)}
    )
    preview, config = await here.edits.preview(wanted, known)

    assert config is not None
    assert '+ x = "nobody"' in preview.diff
    assert "+ [routing.fallbacks]" in preview.diff
    assert [each.partition("'")[0] for each in preview.warnings] == [
        "alias ",
        "alias ",
        "fallback of ",
    ]
    assert here.edits.routes().fallbacks == {}
    assert text_of(file) == FILE


async def test_a_preview_of_an_old_version_says_so(file: Path) -> None:
    here = desk(file)
    preview, _ = await here.edits.preview(Routes(version="old"), Fleet())

    assert "changed meanwhile" in preview.problems[0]


async def test_taking_back_restores_the_text_to_the_letter_and_again_takes_that_back(
    file: Path,
) -> None:
    here = desk(file)
    await here.edit(aliases={})
    edited = text_of(file)
    _, back = await here.edits.undo()

    assert back.aliases == {"gpt-4": "llama"}
    assert text_of(file) == FILE
    _, forth = await here.edits.undo()
    assert forth.aliases == {}
    assert text_of(file) == edited


async def test_taking_back_leaves_alone_what_else_was_written_into_the_file(file: Path) -> None:
    here = desk(file)
    await here.edit(aliases={"gpt-4": "qwen"})
    write(file, text_of(file) + "\n[server]\nport = 9000\n")
    await here.edits.undo()

    assert '"gpt-4" = "llama"' in text_of(file)
    assert "port = 9000" in text_of(file)


async def test_there_is_nothing_to_take_back_at_first_or_after_the_file_was_edited(
    file: Path,
) -> None:
    here = desk(file)
    with pytest.raises(Conflict, match="not been changed"):
        await here.edits.undo()
    await here.edit(max_retries=4)
    write(file, FILE)
    here.config = load(file, {}, {}, explicit=True).config
    with pytest.raises(Conflict, match="in the configuration file since"):
        await here.edits.undo()


async def test_without_a_file_edits_hold_until_the_process_ends() -> None:
    here = desk(None)
    await here.edit(aliases={"a": "b"})
    await here.edit(max_retries=7)

    assert here.config.policy().aliases == {"a": "b"}
    assert here.config.policy().max_attempts == 8
    _, back = await here.edits.undo()
    assert (back.max_retries, back.aliases) == (2, {"a": "b"})


async def test_where_the_file_cannot_be_written_edits_still_add_up(tmp_path: Path) -> None:
    """A read-only file: the second edit must not take the first one back."""
    here = desk(tmp_path / "nexus.toml")
    assert here.path is not None

    class Stuck(Keeper):
        def change(self, edit: object) -> str:
            return "read-only"

    here.edits._live._keeper = Stuck(here.path, here.path)  # type: ignore[attr-defined]
    await here.edit(aliases={"a": "b"})
    await here.edit(max_retries=7)

    assert here.config.policy().aliases == {"a": "b"}
    assert text_of(here.path) == FILE


async def test_what_the_environment_decides_is_told(file: Path) -> None:
    here = desk(file, NEXUS_ROUTING_STRATEGY="round_robin")
    wanted = replace(here.edits.routes(), strategy=Strategy.RANDOM)
    preview, _ = await here.edits.preview(wanted, Fleet())

    assert any("strategy stays round_robin" in each for each in preview.warnings)
