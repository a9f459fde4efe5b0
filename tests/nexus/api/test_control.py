"""The control surface over HTTP, as the CLI and other front ends use it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from nexus.domain.backend import BackendId, BackendStatus
from tests.fakes.doors import Door, protocol_door

URL = "http://127.0.0.1:1"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with protocol_door(URL) as here:
        yield here


@pytest.fixture
async def http(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    base = f"{door.url}/nexus/v1"
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=15) as client:
        yield client


def error(reply: httpx.Response) -> dict[str, object]:
    found = reply.json()["error"]
    assert {"message", "type", "param", "code"} <= set(found)
    return found


async def test_backends_are_listed_with_health_models_and_load(http: httpx.AsyncClient) -> None:
    (listed,) = (await http.get("/backends")).json()["backends"]

    assert (listed["id"], listed["status"], listed["models"]) == ("b0", "healthy", ["m"])
    assert listed["pending_requests"] == 0


async def test_the_list_shows_the_last_check_even_when_it_found_nothing_new(
    http: httpx.AsyncClient, door: Door
) -> None:
    (before,) = (await http.get("/backends")).json()["backends"]
    door.registry.set_health(BackendId("b0"), BackendStatus.HEALTHY, probe_ms=7.5)
    (after,) = (await http.get("/backends")).json()["backends"]

    assert after["last_health_check"] > before["last_health_check"]
    assert after["health_check_ms"] == 7.5


async def test_a_backend_is_added_checked_and_removed(http: httpx.AsyncClient, door: Door) -> None:
    new = {"url": "http://10.0.0.9:8000/v1/", "name": "GPU 9", "type": "vllm", "priority": 7}
    added = await http.post("/backends", json=new)
    removed = await http.delete("/backends/gpu-9")

    assert added.status_code == 201
    said = added.json()
    assert (said["id"], said["url"]) == ("gpu-9", "http://10.0.0.9:8000")
    assert (said["priority"], said["discovery_source"]) == (7, "manual")
    assert door.checks.ids == ["gpu-9"]
    assert removed.status_code == 200
    assert list(door.registry.fleet().backends) == ["b0"]


async def test_a_name_or_url_that_is_taken_is_a_conflict(http: httpx.AsyncClient) -> None:
    for new in ({"url": URL, "name": "other"}, {"url": "http://10.0.0.9", "name": "b0"}):
        reply = await http.post("/backends", json=new)

        assert reply.status_code == 409
        assert error(reply)["code"] == "conflict"


async def test_draining_and_back(http: httpx.AsyncClient) -> None:
    drained = await http.post("/backends/b0/drain", json={})
    again = await http.post("/backends/b0/drain", json={})
    back = await http.post("/backends/b0/undrain", json={})

    assert [r.json()["status"] for r in (drained, again, back)] == [
        "draining",
        "draining",
        "healthy",
    ]


async def test_checking_and_scanning(http: httpx.AsyncClient, door: Door) -> None:
    check = await http.post("/backends/b0/check", json={})
    scan = await http.post("/scan", json={})

    assert (check.status_code, scan.status_code) == (200, 200)
    assert door.checks.ids == ["b0"]
    assert door.scans.count == 1


async def test_a_post_without_a_body_is_fine_when_it_says_json(http: httpx.AsyncClient) -> None:
    reply = await http.post("/backends/b0/drain", headers={"content-type": "application/json"})

    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/backends/nobody/drain"),
        ("POST", "/backends/nobody/undrain"),
        ("POST", "/backends/nobody/check"),
        ("DELETE", "/backends/nobody"),
    ],
)
async def test_an_unknown_backend_is_told_which_there_are(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    reply = await http.request(method, path, json={})

    assert reply.status_code == 404
    assert "b0" in str(error(reply)["message"])


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_page_in_a_browser_cannot_post_across_sites(
    http: httpx.AsyncClient, door: Door, kind: str | None
) -> None:
    """These are the content types that a form or a script may send unasked."""
    headers = {"origin": "http://evil.example"} | ({"content-type": kind} if kind else {})
    body = b'{"url": "http://10.0.0.9"}'
    for path in ("/backends", "/backends/b0/drain", "/scan"):
        reply = await http.post(path, content=body, headers=headers)

        assert reply.status_code == 415
        assert error(reply)["code"] == "unsupported_media_type"
        assert "access-control-allow-origin" not in reply.headers
    assert list(door.registry.fleet().backends) == ["b0"]
    assert door.scans.count == 0


async def test_a_preflight_is_not_answered_with_permission(http: httpx.AsyncClient) -> None:
    asks = {"origin": "http://evil.example", "access-control-request-method": "DELETE"}
    reply = await http.options("/backends/b0", headers=asks)

    assert "access-control-allow-origin" not in reply.headers
    assert "access-control-allow-methods" not in reply.headers


@pytest.mark.parametrize(
    ("new", "param"),
    [
        ({}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": 5}, "url"),
        ({"url": "http://10.0.0.9", "priority": 101}, "priority"),
        ({"url": "http://10.0.0.9", "type": "skynet"}, "type"),
        ({"url": "http://10.0.0.9", "api_key": "secret"}, "api_key"),
    ],
)
async def test_a_bad_backend_is_refused_by_the_field_at_fault(
    http: httpx.AsyncClient, new: dict[str, object], param: str
) -> None:
    reply = await http.post("/backends", json=new)

    assert reply.status_code == 400
    assert (error(reply)["code"], error(reply)["param"]) == ("invalid_request", param)


async def test_what_is_not_json_is_refused_in_the_usual_shape(http: httpx.AsyncClient) -> None:
    reply = await http.post(
        "/backends", content=b"{nonsense", headers={"content-type": "application/json"}
    )

    assert (reply.status_code, error(reply)["code"]) == (400, "invalid_request")


async def test_unknown_paths_and_methods_have_the_usual_shape(http: httpx.AsyncClient) -> None:
    missing = await http.get("/nothing")
    wrong = await http.put("/backends", json={})

    assert (missing.status_code, error(missing)["code"]) == (404, "not_found")
    assert (wrong.status_code, error(wrong)["code"]) == (405, "method_not_allowed")


async def test_credentials_in_a_url_are_never_shown(http: httpx.AsyncClient) -> None:
    added = await http.post(
        "/backends", json={"url": "http://user:secret@10.0.0.9", "name": "x", "type": "generic"}
    )
    listed = await http.get("/backends")

    assert "secret" not in added.text + listed.text


async def test_there_is_a_page_that_describes_it(door: Door) -> None:
    async with httpx.AsyncClient(base_url=door.url, trust_env=False) as client:
        page, schema = await client.get("/docs"), await client.get("/openapi.json")

    assert page.status_code == 200
    assert {"/nexus/v1/backends", "/nexus/v1/scan"} <= set(schema.json()["paths"])


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"host": "evil.example"},
        {"x-forwarded-for": "10.0.0.9"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    ],
)
async def test_no_page_of_another_site_gets_further_than_the_door(
    http: httpx.AsyncClient, door: Door, headers: dict[str, str]
) -> None:
    removed = await http.delete("/backends/b0", headers=headers)
    seen = await http.get("/events", headers=headers)

    assert (removed.status_code, seen.status_code) == (403, 403)
    assert error(removed)["code"] == "forbidden"
    assert list(door.registry.fleet().backends) == ["b0"]


async def test_long_answers_are_compressed_for_who_can_read_that(door: Door) -> None:
    async with httpx.AsyncClient(base_url=door.url, trust_env=False) as client:
        packed = await client.get("/openapi.json")
        plain = await client.get("/openapi.json", headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
