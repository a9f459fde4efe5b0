"""`nexus policy test`, of a file alone and against the real gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from nexus.cli.main import run
from tests.fakes.servers import AWAY, Server, story

CONFIG = """\
[[backends]]
name = "gpu-01"
url = "http://10.0.0.5:8000"
type = "vllm"

[[backends]]
name = "cloud"
url = "https://llm.example"
type = "openai"

[routing.fallbacks]
m = ["big"]

[[routing.policies]]
model_pattern = "*"
tenants = ["clinic"]
privacy = "restricted"
"""
FLEET = '[fleet]\ngpu-01 = ["m"]\ncloud = ["big"]\n'
HOLDS = '[[expect]]\nname = "stays"\nmodel = "m"\ntenant = "clinic"\nnever_zone = "open"\n'
BREAKS = '[[expect]]\nname = "leaves"\nmodel = "m"\nnever_zone = "open"\n'


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The expectations, empty yet, and the configuration."""
    config = tmp_path / "nexus.toml"
    config.write_text(CONFIG)
    return tmp_path / "policies.toml", config


def offline(files: tuple[Path, Path], text: str, *words: str) -> int:
    expectations, config = files
    expectations.write_text(text)
    return run(["policy", "test", str(expectations), "--config", str(config), *words])


def test_what_holds_exits_with_0_and_says_how_many_losses_were_tried(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert offline(files, FLEET + HOLDS) == 0
    assert capsys.readouterr().out == "holds   stays (under 8 losses)\n1 of 1 hold.\n"


def test_what_does_not_hold_exits_with_1_and_shows_how(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert offline(files, FLEET + HOLDS + BREAKS) == 1
    out = capsys.readouterr().out
    assert "BROKEN  leaves\n        With nothing lost: It can leave for zone open: cloud" in out
    assert "may serve 'big' as a fallback" in out
    assert out.endswith("1 of 2 hold.\n")


def test_machines_get_the_same_as_json(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert offline(files, FLEET + BREAKS, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is False
    assert told["results"][0]["counterexample"]["backend"] == "cloud"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "is not TOML"),
        (FLEET, "nothing to check"),
        (HOLDS, "[fleet] does not say which models gpu-01 has"),
        (FLEET + "other = []\n" + HOLDS, "[fleet] names other, which the configuration does not"),
        ('[fleet]\ngpu-01 = "m"\ncloud = []\n' + HOLDS, "fleet.gpu-01 must be a list of models"),
        (FLEET + '[[expect]]\nmodel = "m"\n', "expects nothing"),
        (FLEET + '[[expect]]\nmodel = "m"\nlands_on = "x"\n', "names x, which is no backend"),
    ],
)
def test_a_file_that_cannot_be_used_exits_with_2(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    assert offline(files, text) == 2
    assert said in capsys.readouterr().err


def test_machines_are_told_of_a_mistake_as_json(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert offline(files, FLEET, "--json") == 2
    assert "nothing to check" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_a_configuration_that_cannot_be_used_is_reported_by_its_name(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[1].write_text("[routing]\nstrategy = 5\n")
    assert offline(files, FLEET + HOLDS) == 2
    assert f"{files[1]}:2: routing.strategy = 5" in capsys.readouterr().err


async def test_the_running_fleet_is_asked_without_a_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policies.toml"
    async with story(home=Server(), spare=Server(up=False), cloud=Server(zone=AWAY)) as here:

        async def test(text: str) -> tuple[int, str]:
            file.write_text(text)
            words = ["policy", "test", str(file), "--url", here.gateway.url]
            return await asyncio.to_thread(run, words), capsys.readouterr().out

        code, out = await test(BREAKS)
        assert code == 1
        assert "With home gone and spare gone: It can leave for zone open: cloud" in out
        anywhere = '[[expect]]\nmodel = "m"\nlands_on = ["home", "spare", "cloud"]\n'
        assert (await test(anywhere))[0] == 0
        assert (await test(HOLDS.replace("never_zone", "nver_zone")))[0] == 2
