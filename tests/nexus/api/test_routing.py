"""The routing configuration over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from nexus.api.routing import merged
from nexus.runtime import Gateway
from tests.fakes.gateway import gateway


@pytest.fixture
async def here() -> AsyncIterator[Gateway]:
    async with gateway() as running:
        yield running


@pytest.fixture
async def http(here: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    base = f"{here.url}/nexus/v1"
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=15) as client:
        yield client


async def test_a_patch_is_in_force_at_once_and_the_version_moves(
    http: httpx.AsyncClient, here: Gateway
) -> None:
    before = await http.get("/routing")
    patched = await http.patch("/routing", json={"aliases": {"gpt-4": "m"}, "strategy": "random"})

    assert patched.json()["aliases"] == {"gpt-4": "m"}
    assert patched.headers["etag"] == f'"{patched.json()["version"]}"' != before.headers["etag"]
    assert here.control.view.policy().aliases == {"gpt-4": "m"}


async def test_null_takes_one_alias_away_and_leaves_the_others(http: httpx.AsyncClient) -> None:
    await http.patch("/routing", json={"aliases": {"a": "m", "b": "m"}})
    patched = await http.patch("/routing", json={"aliases": {"a": None}})

    assert patched.json()["aliases"] == {"b": "m"}


async def test_a_dry_run_tells_and_changes_nothing(http: httpx.AsyncClient) -> None:
    tried = await http.patch("/routing?dry_run=1", json={"aliases": {"a": "m"}})

    assert tried.json()["diff"] == ["+ [routing.aliases]", '+ a = "m"']
    assert tried.json()["problems"] == []
    assert (await http.get("/routing")).json()["aliases"] == {}


async def test_a_dry_run_of_what_cannot_be_says_why(http: httpx.AsyncClient) -> None:
    tried = await http.patch("/routing?dry_run=true", json={"aliases": {"a": "b", "b": "a"}})

    assert tried.status_code == 200
    assert "circular" in tried.json()["problems"][0]


async def test_an_edit_of_an_old_version_is_412_with_the_new_version(
    http: httpx.AsyncClient,
) -> None:
    old = (await http.get("/routing")).headers["etag"]
    new = (await http.patch("/routing", json={"max_retries": 5})).json()["version"]
    late = await http.patch("/routing", json={"max_retries": 1}, headers={"if-match": old})
    good = await http.patch("/routing", json={"max_retries": 1}, headers={"if-match": f'W/"{new}"'})
    anyway = await http.patch("/routing", json={"max_retries": 2}, headers={"if-match": "*"})

    assert (late.status_code, late.json()["error"]["code"]) == (412, "outdated")
    assert late.json()["context"]["version"] == new
    assert late.json()["context"]["current"]["max_retries"] == 5
    assert (good.status_code, anyway.status_code) == (200, 200)


async def test_a_put_replaces_everything(http: httpx.AsyncClient) -> None:
    await http.patch("/routing", json={"aliases": {"a": "m"}})
    policy = {"pattern": "secret-*", "privacy": "restricted"}
    put = await http.put("/routing", json={"policies": [policy]})

    assert put.json()["aliases"] == {}
    assert put.json()["policies"][0]["privacy"] == "restricted"


async def test_the_last_change_can_be_taken_back(http: httpx.AsyncClient) -> None:
    await http.patch("/routing", json={"aliases": {"a": "m"}})
    back = await http.post("/routing/undo", json={})

    assert back.json()["aliases"] == {}


async def test_undo_without_a_change_is_a_conflict(http: httpx.AsyncClient) -> None:
    assert (await http.post("/routing/undo", json={})).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"aliasses": {}}, "aliasses"),
        ({"strategy": "clever"}, "clever"),
        ({"weights": {"priority": 1}}, "100"),
        ({"aliases": []}, "aliases"),
        ({"policies": [{"pattern": 5}]}, "pattern"),
        ({"max_retries": -1}, "max_retries"),
    ],
)
async def test_what_is_wrong_is_refused_by_name(
    http: httpx.AsyncClient, wrong: dict[str, object], said: str
) -> None:
    reply = await http.patch("/routing", json=wrong)

    assert reply.status_code == 400, reply.text
    assert said in reply.json()["error"]["message"]


async def test_every_change_is_written_down_with_before_and_after(http: httpx.AsyncClient) -> None:
    await http.patch("/routing", json={"aliases": {"a": "m"}})
    (entry,) = (await http.get("/changes")).json()

    assert (entry["who"], entry["action"], entry["target"]) == ("api", "edit", "routing")
    assert entry["before"] == {"aliases": {}}
    assert entry["after"] == {"aliases": {"a": "m"}}


def test_a_merge_patch_merges_objects_and_replaces_the_rest() -> None:
    old = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3}
    patch = {"a": {"x": None, "z": 5}, "b": [7], "c": None}

    assert merged(old, patch) == {"a": {"y": 2, "z": 5}, "b": [7]}
