"""The page that describes the control API works without internet and without script."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx
import pytest

from nexus.api.page import STYLE, page
from tests.fakes.doors import protocol_door


class Tags(HTMLParser):
    """Every tag with what it points to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


async def fetched() -> httpx.Response:
    async with (
        protocol_door("http://127.0.0.1:1") as door,
        httpx.AsyncClient(base_url=door.url, trust_env=False) as client,
    ):
        return await client.get("/docs")


async def test_it_loads_nothing_from_anywhere_and_runs_nothing() -> None:
    reply = await fetched()
    tags = Tags(reply.text).found
    targets = [each.get("href") or each.get("src") or "" for _, each in tags]

    assert reply.headers["content-type"].startswith("text/html")
    assert reply.headers["content-security-policy"].startswith("default-src 'none';")
    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "form", "object"}
    assert not [target for target in targets if "//" in target]
    assert "url(" not in STYLE


async def test_every_operation_is_on_it_with_a_command_to_copy() -> None:
    reply = await fetched()
    said = re.findall(r'<b class="m">(\w+)</b> <code>([^<]+)</code>', reply.text)

    assert ("PATCH", "/nexus/v1/routing") in said
    assert ("GET", "/nexus/v1/events") in said
    assert len(said) > 25
    assert reply.text.count("curl ") == len(said)
    assert "llama3:70b" in reply.text  # an example that can be sent


@pytest.mark.parametrize("evil", ["<script>x</script>", '"><img src=x>', "&lt;"])
def test_nothing_of_the_description_is_markup(evil: str) -> None:
    schema = {
        "info": {"title": evil, "version": evil, "description": evil},
        "paths": {
            f"/nexus/v1/{evil}": {
                "get": {"summary": evil, "parameters": [{"name": evil, "in": "query"}]}
            }
        },
    }
    plain = page({"info": {"title": "", "version": ""}, "paths": {}}, "")

    assert evil.encode() not in page(schema, evil).replace(plain, b"")
