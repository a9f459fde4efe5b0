"""`nexus fallback` against the real gateway."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.commands import Commands
from tests.fakes.servers import Server, Story, story


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Story]:
    servers = {"a": Server(("big",), up=False), "b": Server(("small",)), "c": Server(("tiny",))}
    async with story(tmp_path, **servers) as it:
        yield it


@pytest.fixture
def nexus(here: Story, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(here.gateway.url, capsys)


async def test_models_stand_in_from_the_next_request_on_until_they_are_removed(
    here: Story, nexus: Commands
) -> None:
    assert (await here.chat(model="big")).status == 503

    code, _, _ = await nexus("fallback", "set", "big", "small,tiny")
    served = await here.chat(model="big")

    assert code == 0
    assert (served.status, here.asked("b")) == (200, 1)
    assert (await nexus("fallback"))[1].splitlines() == ["Model  Else", "big    small, tiny"]

    assert (await nexus.json("fallback", "remove", "big"))["routing"]["fallbacks"] == {}
    assert (await here.chat(model="big")).status == 503


async def test_models_come_after_commas_or_blanks(nexus: Commands) -> None:
    for words in (["small,tiny"], ["small", "tiny"], ["small,", "tiny"]):
        told = await nexus.json("fallback", "set", "big", *words, "--dry-run")
        assert any('"small", "tiny"' in line for line in told["preview"]["diff"])
    code, _, err = await nexus("fallback", "set", "big", ",")
    assert (code, "Name the models that stand in" in err) == (1, True)
