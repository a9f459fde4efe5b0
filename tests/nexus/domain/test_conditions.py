import pytest

from nexus.domain.conditions import Conditions, matches
from nexus.domain.request import ANONYMOUS, Endpoint
from tests.fakes.fleets import needs

HEADER = ("x-team", "research*")


@pytest.mark.parametrize(
    ("when", "asked", "holds"),
    [
        (Conditions(tenants=("acme", "team-*")), {"tenant": "team-7"}, True),
        (Conditions(tenants=("acme", "team-*")), {"tenant": "Acme"}, False),
        (Conditions(tenants=("*",)), {}, True),
        (Conditions(tenants=(ANONYMOUS,)), {}, True),
        (Conditions(endpoints=(Endpoint.EMBEDDINGS,)), {"endpoint": Endpoint.EMBEDDINGS}, True),
        (Conditions(endpoints=(Endpoint.EMBEDDINGS,)), {}, False),
        (Conditions(headers=(HEADER,)), {"headers": (HEADER,)}, True),
        (Conditions(headers=(HEADER, ("x", "y"))), {"headers": (HEADER,)}, False),
        (Conditions(("acme",), (Endpoint.CHAT,)), {"tenant": "acme"}, True),
        (Conditions(("acme",), (Endpoint.EMBEDDINGS,)), {"tenant": "acme"}, False),
        (Conditions(), {}, True),
    ],
)
def test_all_that_is_named_must_hold(
    when: Conditions, asked: dict[str, object], holds: bool
) -> None:
    assert when.hold(needs(**asked)) is holds


def test_conditions_are_told_in_words() -> None:
    when = Conditions(("acme", "b"), (Endpoint.CHAT,), (HEADER,))

    assert when.words == "tenant acme or b, endpoint chat, header x-team research*"
    assert not Conditions()
    assert when


def test_a_glob_matches_the_whole_text_and_its_case() -> None:
    assert matches("re*", "research")
    assert not matches("re", "research")
    assert not matches("RE*", "research")
