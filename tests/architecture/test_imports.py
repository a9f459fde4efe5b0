"""The import contracts of pyproject.toml, and what must not be loaded without need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def loaded_by(code: str, *arguments: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after `code`."""
    ending = "\nimport sys, json\nsys.stderr.write('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout[done.stdout.find("Contracts") :]


def test_no_module_of_the_gateway_loads_the_dashboard() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / "nexus").rglob("*.py"))
    ]
    loaded = loaded_by(f"import importlib\nfor name in {names}: importlib.import_module(name)")

    assert set(names) <= loaded
    assert not {name.partition(".")[0] for name in loaded} & {"tui", "textual", "rich"}


def test_importing_the_composition_root_loads_no_web_framework() -> None:
    """FastAPI comes with the first request for the control surface: 11 MB and a quarter second."""
    assert not loaded_by("import nexus.runtime") & {"fastapi", "starlette", "textual"}


def test_the_control_surface_comes_without_what_it_does_not_use() -> None:
    code = (
        "import asyncio, urllib.request\n"
        "from tests.fakes.doors import protocol_door\n"
        "async def main():\n"
        "    async with protocol_door('http://127.0.0.1:1') as door:\n"
        "        url = f'{door.url}/nexus/v1/backends'\n"
        "        await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())\n"
        "asyncio.run(main())"
    )
    loaded = loaded_by(code)

    assert "fastapi" in loaded
    assert not loaded & {"pydantic.v1", "html.entities"}


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_a_quick_question_loads_nothing_heavy(argument: str) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['nexus', {argument!r}]\n"
        "from nexus.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass"
    )
    heavy = {"pydantic", "httpx", "fastapi", "uvicorn", "textual", "asyncio", "zeroconf"}

    assert not loaded_by(code) & heavy
