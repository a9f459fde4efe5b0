"""`nexus routing` against the real gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nexus.cli.routing import STRATEGIES
from nexus.domain.policy import Strategy
from tests.fakes.commands import Commands
from tests.fakes.servers import Server, Story, story

CONFIG = """\
[routing.aliases]
gpt = "m"

[routing.policies."m*"]
privacy = "restricted"
min_tier = 2
tenants = ["acme"]
endpoints = ["chat"]
headers = { x-team = "research*" }
"""


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Story]:
    async with story(tmp_path, CONFIG, a=Server(("m",))) as it:
        yield it


@pytest.fixture
def nexus(here: Story, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(here.gateway.url, capsys)


def test_words_for_strategies_are_those_of_the_domain() -> None:
    assert set(STRATEGIES) == set(Strategy)


async def test_all_routes_are_shown(nexus: Commands) -> None:
    code, out, _ = await nexus("routing")
    assert code == 0
    assert out.splitlines() == [
        "strategy: smart",
        "weights of the smart score: priority 50, load 30, latency 20",
        "max retries: 2",
        "alias gpt -> m",
        "policy m* for tenant acme, endpoint chat, header x-team research*: "
        "privacy restricted, tier 2 or more",
    ]


async def test_strategy_weights_and_retries_are_set_and_taken_back(nexus: Commands) -> None:
    before = await nexus.json("routing", "show")

    told = await nexus.json(
        *("routing", "set", "--strategy", "Least-Pending"),
        *("--weights", "10,20,70", "--max-retries", "1"),
    )
    after = await nexus.json("routing")
    code, out, _ = await nexus("routing", "undo")

    assert told["routing"] == after
    assert after["strategy"] == "least_pending"
    assert after["weights"] == {"priority": 10, "load": 20, "latency": 70}
    assert after["max_retries"] == 1
    assert (code, "- max retries: 1\n" in out, "+ strategy: smart\n" in out) == (0, True, True)
    assert await nexus.json("routing") == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Nothing to change"),
        (("--weights", "1,2"), "three whole numbers"),
        (("--weights", "a,b,c"), "three whole numbers"),
        (("--weights", "1,2,3"), "must sum to 100"),
        (("--max-retries", "-1"), "max_retries"),
    ],
)
async def test_what_cannot_be_set_is_a_sentence(
    words: tuple[str, ...], said: str, nexus: Commands
) -> None:
    code, out, err = await nexus("routing", "set", *words)
    assert (code, out) == (1, "")
    assert said in err


async def test_edited_routes_of_a_file_are_put_in_force(nexus: Commands, tmp_path: Path) -> None:
    file = tmp_path / "routes.json"
    routes = await nexus.json("routing")
    routes["policies"][0]["min_tier"] = 3
    file.write_text(json.dumps(routes))

    code, out, _ = await nexus("routing", "apply", str(file))

    assert (code, "+ min_tier = 3" in out) == (0, True)
    assert (await nexus.json("routing"))["policies"][0]["min_tier"] == 3


async def test_a_file_that_is_older_than_the_routes_is_refused(
    nexus: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "routes.json"
    routes = await nexus.json("routing")
    file.write_text(json.dumps(routes | {"strategy": "random"}))
    await nexus("alias", "set", "other", "m")

    code, out, err = await nexus("routing", "apply", str(file))

    assert (code, out) == (1, "")
    assert err.startswith(f"Error: The routes were changed since {file} was made (version ")
    assert (await nexus.json("routing"))["strategy"] == "smart"
    assert (await nexus.json("routing", "apply", str(file), code=1))["error"]["code"] == "outdated"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "holds no JSON object"),
        ("[" * 100_000, "holds no JSON object"),
        ('{"strategi": "smart"}', "There is no 'strategi' in the routing"),
        ('{"strategy": "clever"}', "clever"),
    ],
)
async def test_a_file_that_holds_no_routes_is_a_sentence(
    text: str, said: str, nexus: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "routes.json"
    file.write_text(text)
    code, out, err = await nexus("routing", "apply", str(file))
    assert (code, out) == (1, "")
    assert said in err


async def test_undo_without_a_change_says_so(nexus: Commands) -> None:
    code, _, err = await nexus("routing", "undo")
    assert (code, err) == (1, "Error: The routes have not been changed since Nexus started\n")
