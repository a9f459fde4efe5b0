"""One check: what it concludes from a server's answers and from where the server is."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from nexus.backends.base import Concurrency, Outcome
from nexus.backends.generic import Generic
from nexus.backends.table import DIALECTS
from nexus.domain.backend import (
    BackendFace,
    BackendId,
    BackendType,
    FactSource,
    Model,
    Zone,
    default_zone,
)
from nexus.domain.http import HttpReply
from nexus.health.examine import Examination, Examiner
from nexus.health.whereabouts import Outside
from tests.fakes import hearsay
from tests.fakes.captures import everything, said
from tests.fakes.probing import ScriptedAsker

URL = "http://there:1"


async def examine(
    type: BackendType,
    server: dict[str, HttpReply],
    outside: Outside | None = None,
    **face: object,
) -> Examination:
    asker = ScriptedAsker()
    asker.serve(URL, server)
    told = BackendFace(BackendId("b"), "b", URL, type, default_zone(type))
    told = replace(told, **face)  # type: ignore[arg-type]
    examiner = Examiner(asker, told, DIALECTS[type], None, 1.0, {}, outside)
    return await examiner.learn(*await examiner.probe())


async def far(url: str) -> str:
    return f"{url} is far away"


async def near(url: str) -> str:
    return ""


def zones(found: Examination) -> set[Zone | None]:
    return {model.zone for model in found.models or ()}


async def test_a_local_server_that_is_far_away_is_zone_open_and_says_why() -> None:
    found = await examine(BackendType.VLLM, everything("vllm"), far)

    assert zones(found) == {Zone.OPEN}
    assert found.reason.startswith("zone open: http://there:1 is far away")
    assert found.outcome is Outcome.OK


async def test_a_local_server_that_is_near_keeps_its_zone() -> None:
    found = await examine(BackendType.VLLM, everything("vllm"), near)

    assert (zones(found), found.reason) == ({None}, "")


async def test_a_zone_that_a_person_chose_is_believed() -> None:
    found = await examine(BackendType.VLLM, everything("vllm"), far, zone_told=True)

    assert (zones(found), found.reason) == ({None}, "")


async def test_a_server_that_is_open_anyway_is_not_looked_for() -> None:
    found = await examine(BackendType.VLLM, everything("vllm"), far, zone=Zone.OPEN)

    assert (zones(found), found.reason) == ({None}, "")


async def test_a_check_tells_how_busy_a_server_is() -> None:
    found = await examine(BackendType.LLAMACPP, everything("llamacpp"))

    assert found.load == Concurrency(2, 0, 0)


async def test_what_a_name_suggests_is_a_guess_and_yields_to_the_server() -> None:
    listed = said({"object": "list", "data": [{"id": "llava-7b"}, {"id": "qwen3-8b"}]})
    found = await examine(BackendType.VLLM, {"/v1/models": listed})
    models = {model.id: model for model in found.models or ()}

    assert models["llava-7b"].vision is True
    assert models["llava-7b"].source("vision") is FactSource.GUESS
    ollama = await examine(BackendType.OLLAMA, hearsay.OLLAMA)
    llava = next(model for model in ollama.models or () if model.id == "llava:7b")
    assert (llava.tools, llava.source("tools")) == (False, FactSource.SERVER)


class Watching(Generic):
    """Notes where a list was read."""

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        self.threads.add(threading.current_thread().name)
        return super().read_models(replies)


async def test_a_long_list_is_read_beside_the_loop() -> None:
    long = said({"object": "list", "data": [{"id": f"model-{n}"} for n in range(10_000)]})
    asker, dialect = ScriptedAsker(), Watching()
    asker.serve(URL, {"/v1/models": long})
    face = BackendFace(BackendId("b"), "b", URL, BackendType.GENERIC, Zone.RESTRICTED)
    examiner = Examiner(asker, face, dialect, None, 1.0, {})
    found = await examiner.learn(*await examiner.probe())

    assert len(found.models or ()) == 5000
    assert dialect.threads.isdisjoint({threading.current_thread().name})


async def test_what_a_list_suggests_to_ask_is_asked_and_read() -> None:
    _, tgi = hearsay.PRODUCTS["TGI"]

    found = await examine(BackendType.GENERIC, tgi)

    assert found.models is not None
    assert [model.context_length for model in found.models] == [4096]
    assert (found.load.slots, found.version) == (128, "3.3.4")
