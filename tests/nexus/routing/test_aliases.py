import pytest

from nexus.domain.policy import Policy
from nexus.routing.aliases import models_to_try, resolve

CHAIN = Policy(aliases={"a": "b", "b": "c", "c": "d", "d": "e"})


def test_a_name_without_alias_is_itself() -> None:
    assert resolve("x", set(), CHAIN) == "x"


def test_an_alias_is_followed_at_most_three_hops() -> None:
    assert resolve("a", set(), CHAIN) == "d"


def test_a_real_model_of_the_name_wins_over_an_alias() -> None:
    assert resolve("a", {"a"}, CHAIN) == "a"
    assert resolve("a", {"b", "d"}, CHAIN) == "b"


@pytest.mark.parametrize("name", ["A", "a ", "aa"])
def test_aliases_are_exact(name: str) -> None:
    assert resolve(name, set(), CHAIN) == name


def test_a_cycle_ends() -> None:
    assert resolve("a", set(), Policy(aliases={"a": "b", "b": "a"})) == "b"


def test_fallbacks_of_a_fallback_are_not_followed() -> None:
    policy = Policy(fallbacks={"a": ("b", "c"), "b": ("d",)})

    assert models_to_try("a", policy) == ("a", "b", "c")
    assert models_to_try("x", policy) == ("x",)
