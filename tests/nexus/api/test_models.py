"""The list of models: one entry per name, for as long as somebody serves it."""

from __future__ import annotations

from typing import Any

import pytest

from nexus.api.models import listing, one
from nexus.domain.backend import BackendStatus, BackendType, FactSource, Zone
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.errors import ModelUnknown
from tests.fakes.fleets import backend, fleet, model

PLAIN = Policy()


def ids(here: Fleet, policy: Policy = PLAIN) -> list[str]:
    return [entry["id"] for entry in entries(here, policy)]


def entries(here: Fleet, policy: Policy = PLAIN) -> list[Any]:
    found = listing(here, policy, 7)["data"]
    assert isinstance(found, list)
    return found


def test_a_model_on_two_backends_is_one_entry() -> None:
    here = fleet(
        backend("a", model("m", context_length=4096)),
        backend("b", model("m", context_length=8192), model("k")),
    )
    only, both = entries(here)

    assert (only["id"], only["owned_by"], only["backends"]) == ("k", "b", ["b"])
    assert (both["id"], both["owned_by"], both["backends"]) == ("m", "nexus", ["a", "b"])
    assert both["context_length"] == 8192
    assert (both["object"], both["created"]) == ("model", 7)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False], True),
        ([True, None], True),
        ([False, False], False),
        ([False, None], None),
        ([None], None),
    ],
)
def test_a_capability_is_known_missing_only_when_all_say_so(
    values: list[bool | None], expected: bool | None
) -> None:
    here = fleet(*(backend(f"b{n}", model("m", vision=v)) for n, v in enumerate(values)))

    assert entries(here)[0]["capabilities"]["vision"] is expected


@pytest.mark.parametrize(
    ("status", "listed"),
    [
        (BackendStatus.HEALTHY, True),
        (BackendStatus.DRAINING, True),
        (BackendStatus.UNHEALTHY, False),
        (BackendStatus.LOADING, False),
        (BackendStatus.UNKNOWN, False),
    ],
)
def test_only_models_of_backends_that_are_up_are_listed(
    status: BackendStatus, listed: bool
) -> None:
    assert bool(ids(fleet(backend("a", model("m"), status=status)))) is listed


def test_unchecked_backends_count_when_nobody_checks() -> None:
    here = fleet(backend("a", model("m"), status=BackendStatus.UNKNOWN))

    assert ids(here, Policy(unknown_is_routable=True)) == ["m"]


def test_an_alias_is_listed_with_its_target_while_that_is_served() -> None:
    policy = Policy(aliases={"gpt-4": "m", "gone": "nothing", "m": "k"})
    here = fleet(backend("a", model("m"), model("k")))

    assert ids(here, policy) == ["gpt-4", "k", "m"]
    assert entries(here, policy)[0]["alias_of"] == "m"
    assert "alias_of" not in entries(here, policy)[2]  # a real model of the name wins
    assert one(here, policy, 7, "gpt-4")["alias_of"] == "m"


def test_an_alias_of_an_alias_is_listed() -> None:
    """Aliases are followed up to three hops when a request is routed, so here as well."""
    policy = Policy(aliases={"best": "gpt-4", "gpt-4": "m"})
    here = fleet(backend("a", model("m")))

    assert ids(here, policy) == ["best", "gpt-4", "m"]
    assert one(here, policy, 7, "best")["id"] == "best"


def test_an_unknown_model_is_told_which_there_are() -> None:
    here = fleet(backend("a", model("m")), backend("b", model("n"), status=BackendStatus.UNHEALTHY))

    with pytest.raises(ModelUnknown, match=r"Available: m$") as caught:
        one(here, PLAIN, 7, "n")
    assert caught.value.param == "model"
    with pytest.raises(ModelUnknown, match="no models at the moment"):
        one(fleet(), PLAIN, 7, "n")


def test_each_fact_says_whose_word_it_is() -> None:
    guess = (("vision", FactSource.GUESS),)
    told = (("context_length", FactSource.SERVER), ("vision", FactSource.SERVER))
    here = fleet(
        backend("a", model("m", vision=True, sources=guess)),
        backend("b", model("m", context_length=4096, vision=True, sources=told)),
    )
    (only,) = entries(here)

    assert only["capability_sources"] == {"context_length": "server", "vision": "server"}


def test_a_source_is_that_of_the_value_shown() -> None:
    here = fleet(
        backend("a", model("m", vision=True, sources=(("vision", FactSource.GUESS),))),
        backend("b", model("m", vision=False, sources=(("vision", FactSource.SERVER),))),
    )

    assert entries(here)[0]["capabilities"]["vision"] is True
    assert entries(here)[0]["capability_sources"] == {"vision": "guess"}


def test_zones_go_with_backends() -> None:
    here = fleet(backend("a", model("m")), backend("b", model("m", zone=Zone.OPEN)))

    assert entries(here)[0]["backends"] == ["a", "b"]
    assert entries(here)[0]["zones"] == ["restricted", "open"]


def test_an_implied_name_is_found_and_not_listed_twice() -> None:
    here = fleet(backend("o", model("m:latest"), type=BackendType.OLLAMA))

    assert ids(here) == ["m:latest"]
    assert one(here, PLAIN, 7, "m")["id"] == "m"
