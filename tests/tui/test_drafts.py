"""Drafts of routes: what is typed, what is wrong with it, what it becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.policy import Strategy, Weights
from nexus.domain.request import Endpoint
from nexus.domain.routes import Routes
from nexus.domain.traffic import Privacy, TrafficPolicy
from tui import drafts
from tui.drafts import RowKey

KNOWN = ("llama3:70b", "qwen3:32b")
ROUTES = Routes(
    "1",
    aliases={"gpt-4": "llama3:70b", "gpt-4-turbo": "gpt-4"},
    fallbacks={"llama3:70b": ("qwen3:32b",)},
    policies=(TrafficPolicy("llama*", Privacy.RESTRICTED), TrafficPolicy("*", None, 2, False)),
)
names = st.sampled_from("abcdef")


def alias(name: str, target: str) -> dict[str, str]:
    return {"name": name, "target": target}


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        (alias("", "llama3:70b"), "name", "needed"),
        (alias("gpt-4-turbo", "llama3:70b"), "name", "of that name"),
        (alias("x", ""), "target", "the model"),
        (alias("x", "x"), "target", "circle: x → x"),
        (alias("llama3:70b", "gpt-4"), "target", "circle"),
    ],
)
def test_an_alias_that_cannot_be_is_told_why(typed: dict[str, str], field: str, said: str) -> None:
    assert said in drafts.check_alias(ROUTES, None, typed, KNOWN).errors[field]


def test_what_is_allowed_and_looks_unintended_is_a_note() -> None:
    hidden = drafts.check_alias(ROUTES, None, alias("qwen3:32b", "gpt-4"), KNOWN)
    nobody = drafts.check_alias(ROUTES, None, alias("x", "no-such-model"), KNOWN)
    assert not hidden.errors
    assert "wins" in hidden.notes["name"]
    assert not nobody.errors
    assert "no backend" in nobody.notes["target"]


@given(st.dictionaries(names, names, max_size=5), names, names)
def test_a_checked_alias_never_makes_a_circle_or_a_chain_too_long(
    aliases: dict[str, str], name: str, target: str
) -> None:
    """Whatever there was: the name that was typed leads to an end in three hops."""
    routes = Routes(aliases=aliases)
    old = name if name in aliases else None
    if drafts.check_alias(routes, old, alias(name, target), ()).errors:
        return
    after = drafts.with_alias(routes, old, alias(name, target)).aliases
    assert drafts.circle(after, name) == []
    assert drafts.depth(after, name) <= drafts.MOST_HOPS


def test_a_renamed_rule_keeps_its_place() -> None:
    after = drafts.with_alias(ROUTES, "gpt-4", alias("gpt-4o", "qwen3:32b"))
    assert list(after.aliases) == ["gpt-4o", "gpt-4-turbo"]
    assert after.version == ROUTES.version


@pytest.mark.parametrize(
    ("model", "chain", "field"),
    [
        ("", "a", "model"),
        ("llama3:70b", "a", "model"),
        ("x", "", "chain"),
        ("x", " , ", "chain"),
        ("x", "x", "chain"),
        ("x", "a, a", "chain"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(model: str, chain: str, field: str) -> None:
    found = drafts.check_fallback(ROUTES, None, {"model": model, "chain": chain}, KNOWN)
    assert field in found.errors


def test_a_chain_is_read_after_commas() -> None:
    after = drafts.with_fallback(ROUTES, None, {"model": " x ", "chain": "a, b ,c"})
    assert after.fallbacks["x"] == ("a", "b", "c")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("pattern", " "),
        ("privacy", "secret"),
        ("min_tier", "0"),
        ("min_tier", "6"),
        ("min_tier", "²"),
        ("fallbacks", "perhaps"),
        ("max_cost", "-1"),
        ("max_cost", "nan"),
        ("endpoints", "chat, teapot"),
        ("headers", "X-Team"),
        ("headers", "=x"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_at_its_field(field: str, text: str) -> None:
    words = {**drafts.policy_words(ROUTES.policies[0]), field: text}
    assert field in drafts.check_policy(words).errors


def test_a_header_can_only_restrict() -> None:
    words = drafts.policy_words(TrafficPolicy("*", Privacy.UNRESTRICTED))
    assert "headers" in drafts.check_policy({**words, "headers": "X-Team=a"}).errors


def test_a_policy_that_asks_for_nothing_is_noted() -> None:
    assert drafts.check_policy(drafts.policy_words(TrafficPolicy("*"))).notes


def test_a_policy_comes_back_from_the_form_as_it_went_in() -> None:
    words = {
        "pattern": "llama*", "privacy": "Restricted", "min_tier": "3", "fallbacks": "no",
        "max_cost": "0.05", "tenants": "acme, team-*", "endpoints": "Chat, embeddings",
        "headers": "X-Team=research*",
    }  # fmt: skip
    assert not drafts.check_policy(words).errors

    made = drafts.with_policy(ROUTES, None, words).policies[-1]
    assert made.when.endpoints == (Endpoint.CHAT, Endpoint.EMBEDDINGS)
    again = drafts.with_policy(ROUTES, 0, drafts.policy_words(made)).policies[0]
    assert again == made


def test_policies_change_places_and_stay_within() -> None:
    first, second = ROUTES.policies
    assert drafts.moved(ROUTES, 0, 1).policies == (second, first)
    assert drafts.moved(ROUTES, 0, -1) == ROUTES
    assert drafts.moved(ROUTES, 1, 1) == ROUTES


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("strategy", "best"),
        ("weights", "50 30"),
        ("weights", "50 30 30"),
        ("weights", "a b c"),
        ("max_retries", "-1"),
        ("max_retries", "101"),
    ],
)
def test_settings_that_cannot_be_are_refused(field: str, text: str) -> None:
    words = {**drafts.setting_words(ROUTES), field: text}
    assert field in drafts.check_settings(words).errors


def test_settings_are_taken() -> None:
    words = {"strategy": "Random", "weights": "10, 20, 70", "max_retries": "0"}
    assert not drafts.check_settings(words).errors
    after = drafts.with_settings(ROUTES, words)
    assert (after.strategy, after.weights) == (Strategy.RANDOM, Weights(10, 20, 70))
    assert after.max_retries == 0


@pytest.mark.parametrize(
    "key",
    [RowKey("alias", "gpt-4"), RowKey("fallback", "llama3:70b"), RowKey("policy", "1")],
)
def test_a_rule_is_taken_out_and_the_others_stay(key: RowKey) -> None:
    after = drafts.without(ROUTES, key)
    left = len(after.aliases) + len(after.fallbacks) + len(after.policies)
    assert left == 4
    assert drafts.without(ROUTES, RowKey("setting", "strategy")) == ROUTES
