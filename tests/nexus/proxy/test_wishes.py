import pytest

from nexus.domain.backend import Zone
from nexus.domain.conditions import Conditions
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.proxy.wishes import MAX_KEY_CHARS, with_heard, with_wishes
from tests.fakes.fleets import needs

ZONE, STRICT, FLEXIBLE = b"x-nexus-privacy-zone", b"x-nexus-strict", b"x-nexus-flexible"


def test_a_request_without_wishes_is_the_same_object() -> None:
    asked = needs()

    assert with_wishes(asked, [(b"host", b"x"), (b"authorization", b"y")]) is asked


@pytest.mark.parametrize("value", [b"open", b"", b"none", b"restricted?", b"\xff"])
def test_no_value_but_restricted_changes_the_zone(value: bytes) -> None:
    assert with_wishes(needs(), [(ZONE, value)]).zone is None
    bound = needs(zone=Zone.RESTRICTED)
    assert with_wishes(bound, [(ZONE, value)]).zone is Zone.RESTRICTED


def test_a_second_header_does_not_take_the_first_back() -> None:
    said = [(ZONE, b"Restricted"), (ZONE, b"open")]

    assert with_wishes(needs(), said).zone is Zone.RESTRICTED
    assert with_wishes(needs(), said[::-1]).zone is Zone.RESTRICTED
    joined = [(ZONE, b"open , Restricted")]
    assert with_wishes(needs(), joined).zone is Zone.RESTRICTED


@pytest.mark.parametrize("value", [b"yes", b"1", b"TRUE", b"", b"false"])
def test_only_the_exact_word_makes_a_mode(value: bytes) -> None:
    found = with_wishes(needs(), [(STRICT, value), (FLEXIBLE, value)])

    assert (found.strict, found.flexible) == (False, False)


def test_strict_wins_over_flexible() -> None:
    found = with_wishes(needs(), [(FLEXIBLE, b"true"), (STRICT, b"true")])

    assert (found.strict, found.flexible) == (True, False)
    assert with_wishes(needs(), [(FLEXIBLE, b"true")]).flexible


@pytest.mark.parametrize("name", [b"x-claude-code-session-id", b"x-openwebui-chat-id"])
def test_a_session_is_a_key_unless_the_body_has_one(name: bytes) -> None:
    assert with_wishes(needs(), [(name, b"chat-1")]).affinity == "chat-1"
    assert with_wishes(needs(affinity="body"), [(name, b"chat-1")]).affinity == "body"
    assert len(with_wishes(needs(), [(name, b"x" * 9999)]).affinity) == MAX_KEY_CHARS


def test_a_header_that_a_policy_looks_at_is_remembered_by_its_condition() -> None:
    condition = ("x-team", "research*")
    told = Traffic([TrafficPolicy("*", Privacy.RESTRICTED, when=Conditions(headers=(condition,)))])
    asked = needs()

    assert with_heard(asked, [(b"x-team", b"sales")], told) is asked
    assert with_heard(asked, [(b"x-team", b"research-7")], told).headers == (condition,)
