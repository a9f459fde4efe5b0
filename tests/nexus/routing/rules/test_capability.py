from typing import Any

import pytest

from nexus.domain.backend import Load
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint
from nexus.routing.rules import capability
from tests.fakes.fleets import candidate, needs

WANTS = [
    ("chat", {}),
    ("chat", {"endpoint": Endpoint.COMPLETIONS}),
    ("embeddings", {"endpoint": Endpoint.EMBEDDINGS}),
    ("vision", {"vision": True}),
    ("audio", {"audio": True}),
    ("tools", {"tools": True}),
    ("json_mode", {"json_mode": True}),
]


@pytest.mark.parametrize(("name", "wants"), WANTS)
@pytest.mark.parametrize("known", [True, None, False])
def test_only_a_known_lack_rejects(name: str, wants: dict[str, Any], known: bool | None) -> None:
    each = candidate(**{name: known})
    kept = capability.keep([each], needs(**wants), {}, Policy())

    assert (kept == [each]) is (known is not False)


@pytest.mark.parametrize("name", ["vision", "audio", "tools", "json_mode", "embeddings"])
def test_what_is_not_asked_for_is_not_missed(name: str) -> None:
    assert capability.missing(candidate(**{name: False}).model, needs()) == ()


def test_an_embeddings_request_does_not_miss_chat() -> None:
    embedder = candidate(chat=False, embeddings=True)

    assert capability.missing(embedder.model, needs(endpoint=Endpoint.EMBEDDINGS)) == ()


def test_every_missing_capability_is_named() -> None:
    each = candidate(vision=False, tools=False, json_mode=True)
    rejection = capability.rejection(
        each, needs(vision=True, tools=True, json_mode=True), Load(), Policy()
    )

    assert rejection is not None
    assert rejection.detail == "llama3:70b on gpu-01 lacks vision, tools"
