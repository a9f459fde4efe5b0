import pytest

from nexus.domain.backend import Zone
from nexus.domain.request import Endpoint
from nexus.errors import BadRequest
from nexus.explain.expectations import read_expectations

WHOLE: dict[str, object] = {
    "name": "n",
    "model": "m",
    "tenant": "acme",
    "endpoint": "Embeddings",
    "headers": {"X-Team": "a"},
    "needs": ["tools"],
    "prompt_tokens": 9,
    "zone": "restricted",
    "strict": True,
    "never_zone": "open",
    "lands_on": "a",
}


def test_every_key_is_read() -> None:
    (found,) = read_expectations({"expect": [WHOLE]})
    needs = found.needs

    assert (needs.model, needs.tenant, needs.endpoint) == ("m", "acme", Endpoint.EMBEDDINGS)
    assert (needs.tools, needs.vision, needs.prompt_tokens) == (True, False, 9)
    assert (needs.zone, needs.strict) == (Zone.RESTRICTED, True)
    assert found.headers == ((b"x-team", b"a"),)
    assert (found.never_zone, found.lands_on, found.name) == (Zone.OPEN, ("a",), "n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": ""}, "expect[0].model is missing"),
        ({"modle": "m"}, "expect[0].modle is unknown; known are name, model"),
        ({"never_zone": "closed"}, "never_zone must be one of restricted, open"),
        ({"endpoint": "chats"}, "endpoint must be one of chat, completions, embeddings"),
        ({"lands_on": 5}, "lands_on must be a text or a list of texts"),
        ({"lands_on": ["a", 5]}, "lands_on must be a text or a list of texts"),
        ({"needs": "sight"}, "needs must be of vision, audio, tools, json_mode"),
        ({"prompt_tokens": -1}, "prompt_tokens must be a whole number"),
        ({"strict": "yes"}, "strict must be true or false"),
        ({"headers": {"X-Nexus-Strict": "true"}}, "use zone and strict"),
        ({"headers": "a: b"}, "headers must be a table"),
        ({"headers": {"X": "\u00e9"}}, "in ASCII"),
        ({"zone": "open"}, "zone must be one of restricted"),
        ({"refused_with": "x"}, "contradict each other"),
    ],
)
def test_a_mistake_is_named_with_its_place(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_expectations({"expect": [WHOLE | change]})
    assert said in caught.value.message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadRequest) as caught:
        read_expectations({"expect": [{"model": "m"}, 5, {"never_zone": "open"}]})
    assert len(caught.value.message.splitlines()) == 3


@pytest.mark.parametrize("table", [{}, {"expect": []}, {"expect": "x"}])
def test_a_file_without_expectations_is_a_mistake(table: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="nothing to check"):
        read_expectations(table)
