"""F07: other names for models (through the gateway)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus.cli.main import run
from nexus.config.load import load
from nexus.errors import ConfigError
from tests.fakes.servers import Server, story

GPT = '[routing.aliases]\n"gpt-4" = "llama3:70b"\n'


async def test_an_alias_leads_to_its_model_and_is_no_fallback(tmp_path: Path) -> None:
    async with story(tmp_path, GPT, a=Server(("llama3:70b",))) as here:
        found = await here.chat(model="gpt-4")
        assert (found.status, found.headers["x-nexus-backend"]) == (200, "a")
        assert "x-nexus-fallback-model" not in found.headers
        assert here.servers["a"].got[-1].json()["model"] == "llama3:70b"


async def test_a_real_model_of_the_name_wins(tmp_path: Path) -> None:
    async with story(tmp_path, GPT, a=Server(("llama3:70b",)), b=Server(("gpt-4",))) as here:
        found = await here.chat(model="gpt-4")
        assert found.headers["x-nexus-backend"] == "b"


@pytest.mark.parametrize("start", ["one", "two", "three"])
async def test_a_chain_of_up_to_three_is_followed(tmp_path: Path, start: str) -> None:
    chain = '[routing.aliases]\nthree = "two"\ntwo = "one"\none = "m"\n'
    async with story(tmp_path, chain, a=Server()) as here:
        assert (await here.chat(model=start)).status == 200


@pytest.mark.parametrize(
    ("aliases", "said"),
    [
        ('a = "b"\nb = "a"\n', "circular alias"),
        ('a = "a"\n', "circular alias"),
        ('a = "b"\nb = "c"\nc = "d"\nd = "e"\n', "followed 3 times at most"),
    ],
)
def test_a_circle_or_a_longer_chain_stops_the_start(
    tmp_path: Path, aliases: str, said: str
) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text("[routing.aliases]\n" + aliases)
    with pytest.raises(ConfigError, match=said):
        load(path, {}, {}, explicit=True)


async def test_an_alias_to_a_model_that_is_gone_takes_its_fallback(tmp_path: Path) -> None:
    config = GPT + '[routing.fallbacks]\n"llama3:70b" = ["small"]\n'
    async with story(tmp_path, config, a=Server(("small",))) as here:
        found = await here.chat(model="gpt-4")
        assert found.headers["x-nexus-fallback-model"] == "small"


async def test_an_alias_to_nothing_is_404_naming_both(tmp_path: Path) -> None:
    async with story(tmp_path, GPT, a=Server(("small",))) as here:
        found = await here.chat(model="gpt-4")
        assert found.status == 404
        assert "'gpt-4' is an alias of 'llama3:70b'" in str(found.error()["message"])


async def test_the_log_tells_each_hop_when_it_is_asked_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chain = '[routing.aliases]\ngpt = "mid"\nmid = "m"\n'
    chain += '[logging.component_levels]\nrouting = "debug"\n'
    with caplog.at_level("DEBUG", "nexus.routing"):
        async with story(tmp_path, chain, a=Server()) as here:
            id = (await here.chat(model="gpt")).headers["x-nexus-request-id"]
    told = [line for line in caplog.messages if line.startswith(f"request {id}:")]
    assert told == [
        f"request {id}: alias gpt leads to mid",
        f"request {id}: alias mid leads to m",
        f"request {id}: gpt is m, chain_depth=2",
    ]


def test_no_server_starts_with_a_circle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text('[routing.aliases]\na = "b"\nb = "a"\n')
    assert run(["serve", "--no-tui", "--config", str(path)]) == 2
    assert "circular alias: a -> b -> a" in capsys.readouterr().err
