"""What can be asked of a running Nexus can be asked by a command."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest

from nexus.cli.main import parser, run
from nexus.cli.tree import tree
from nexus.domain.gateway import FleetSource
from tests.fakes.answers import answering
from tests.fakes.gateway import gateway

OTHERWISE = {
    ("GET", "/nexus/v1/snapshot"): "`nexus attach` lives on it",
    ("GET", "/nexus/v1/events"): "`nexus attach` lives on it",
    ("GET", "/nexus/v1/lately"): "`nexus attach` begins with it",
    ("GET", "/nexus/v1/requests/{request_id}/standings"): "`nexus explain` tells more",
}
"""What no command here asks for, and why not."""
WISHES = {
    "info": "health",
    "role": "attach",
    "updates": "attach",
    "lately": "attach",
    "drain": "backends drain",
    "undrain": "backends undrain",
    "check": "backends check",
    "scan": "backends waiting",
    "approve": "backends approve",
    "dismiss": "backends dismiss",
    "requests": "explain",
    "story": "explain",
    "decide_again": "explain",
    "series": "chart",
    "changes": "changes",
    "logs": "logs",
    "log_levels": "logs",
    "routes": "routing show",
    "keys": "keys list",
    "preview_key": "keys create",
    "preview_revoke": "keys revoke",
    "cancel": "cancel",
    "recognise": "backends add",
    "add": "backends add",
    "edit": "backends edit",
    "remove": "backends remove",
    "load_model": "models load",
    "unload_model": "models unload",
    "preview": "routing set",
    "apply": "routing apply",
    "undo": "routing undo",
    "create_key": "keys create",
    "revoke_key": "keys revoke",
    "set_log_level": "logs",
}
"""What a dashboard sees and wishes, and the command that does it."""
SAID = {"models": ["m"], "etag": "e", "status": "healthy"}
ROUTES = {"version": "v", "aliases": {}, "fallbacks": {}}
ANSWERS: dict[str, object] = {
    "/health": {"service": "nexus", "status": "healthy"},
    "/nexus/v1/backends": {"backends": [{"name": "gpu", "id": "gpu", **SAID}]},
    "/nexus/v1/models": {"models": []},
    "/nexus/v1/discovered": {"waiting": [{"id": "gpu"}]},
    "/nexus/v1/routing": ROUTES,
    "/nexus/v1/routing?dry_run=1": {"diff": ["+ a"]},
    "/nexus/v1/requests": {"requests": []},
    "/nexus/v1/what-if": {"moves": []},
    "/nexus/v1/policy/test": {"rules": []},
    "/nexus/v1/keys": {"keys": []},
    "/nexus/v1/keys?dry_run=1": {"version": "v"},
    "/nexus/v1/keys/k": {"name": "k"},
    "/nexus/v1/keys/k?dry_run=1": {"version": "v"},
    "/nexus/v1/series": [],
    "/nexus/v1/changes": [],
    "/nexus/v1/log": [],
}
EMPTY = [
    f"/nexus/v1/{path}"
    for path in (
        *(
            f"backends/gpu{deed}"
            for deed in ("", "/drain", "/undrain", "/check", "/load", "/unload")
        ),
        *("discovered/gpu/approve", "discovered/gpu/dismiss", "scan", "recognise"),
        *("requests/r", "requests/r/cancel", "routing/undo", "log/levels", "log/levels/proxy"),
    )
]
COMMANDS = """
backends
backends add http://a
backends add http://a --dry-run
backends edit gpu --priority 1
backends remove gpu
backends drain gpu
backends undrain gpu
backends check gpu
backends waiting --scan
backends approve gpu
backends dismiss gpu
models --memory
models load m --on gpu
models unload m --on gpu
routing
routing set --strategy random
routing apply ROUTES
routing undo
explain
explain r
explain r --now
cancel r
what-if --drop gpu
policy test EXPECTATIONS
keys
keys create k --yes
keys revoke k --yes
chart
changes
logs
logs --levels
logs --set proxy=debug
"""


def test_every_wish_of_a_dashboard_is_a_command() -> None:
    there = {command.path.removeprefix("nexus ") for command in tree(parser()).walk()}
    assert WISHES.keys() == {name for name in vars(FleetSource) if not name.startswith("_")}
    assert set(WISHES.values()) <= there


async def test_every_path_of_the_control_api_is_asked_for_by_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ROUTES").write_text(json.dumps(ROUTES))
    (tmp_path / "EXPECTATIONS").write_text('[[expect]]\nmodel = "m"\nnever_zone = "open"\n')
    async with gateway() as here, httpx.AsyncClient(trust_env=False) as http:
        described = (await http.get(f"{here.url}/openapi.json")).json()["paths"]
    wanted = {(method.upper(), path) for path, told in described.items() for method in told}

    prepared = dict.fromkeys(EMPTY, (200, b"{}"))
    prepared |= {path: (200, json.dumps(said).encode()) for path, said in ANSWERS.items()}
    with answering(prepared) as server:
        for line in COMMANDS.split("\n")[1:-1]:
            words = [str(tmp_path / word) if word.isupper() else word for word in line.split()]
            await asyncio.to_thread(run, [*words, "--url", server.url])
    capsys.readouterr()

    asked = {(method, path.partition("?")[0]) for method, path in server.asked}
    missing = {each for each in wanted - OTHERWISE.keys() if not _is_among(*each, asked)}
    assert len(wanted) > 25
    assert not missing
    assert OTHERWISE.keys() <= wanted


def _is_among(method: str, template: str, asked: set[tuple[str, str]]) -> bool:
    pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", template))
    return any(each == method and pattern.fullmatch(path) for each, path in asked)
