"""Routes as a value, and an edit of them in a file that a person wrote."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nexus.config.load import load
from nexus.config.routes import difference, routes_of, versioned, with_routes
from nexus.domain.conditions import Conditions
from nexus.domain.policy import Strategy, Weights
from nexus.domain.request import Endpoint
from nexus.domain.routes import Routes
from nexus.domain.traffic import Privacy, TrafficPolicy

FILE = """\
# my gateway
[routing]
strategy = "smart"   # the best

# other names
[routing.aliases]
"gpt-4" = "llama"  # what tools ask for
" spaced " = "y"

# never out
[[routing.policies]]
model_pattern = "secret-*"   # contracts
privacy = "Restricted"

# only the big ones
[[routing.policies]]
model_pattern = "big-*"
min_tier = 3

# the fleet
[[backends]]
name = "a"
url = "http://a:1"
"""
COMMENTS = [line[line.index("#") :] for line in FILE.splitlines() if "#" in line]
BY_GLOB = """\
[routing.policies."a*"]
min_tier = 2  # two

[routing.policies."b*"]
privacy = "unrestricted"
"""


def said(text: str) -> Routes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nexus.toml"
        path.write_text(text, encoding="utf-8")
        return routes_of(load(path, {}, {}, explicit=True).config)


def changed(text: str, **to: object) -> str:
    old = said(text)
    return with_routes(text, old, replace(old, **to))  # type: ignore[arg-type]


def test_the_version_follows_from_what_the_routes_say() -> None:
    one = said(FILE)

    assert one.version == said(FILE + "\n# a comment more\n").version
    assert one.version != versioned(replace(one, max_retries=5)).version
    assert said("").version == versioned(Routes()).version


def test_nothing_to_change_changes_nothing() -> None:
    for text in (FILE, BY_GLOB, ""):
        assert changed(text) == text


def test_a_changed_value_leaves_everything_around_it() -> None:
    now = changed(FILE, strategy=Strategy.RANDOM, aliases={"gpt-4": "qwen", "spaced": "y"})

    assert now == FILE.replace('"smart"', '"random"').replace('"llama"', '"qwen"')
    assert difference(FILE, now) == (
        '- strategy = "smart"   # the best',
        '+ strategy = "random"   # the best',
        '- "gpt-4" = "llama"  # what tools ask for',
        '+ "gpt-4" = "qwen"  # what tools ask for',
    )


def test_what_is_new_comes_below_its_own_heading_and_above_the_next_comment() -> None:
    now = changed(
        FILE,
        aliases={"gpt-4": "llama", "spaced": "y", "new": "z"},
        fallbacks={"llama": ("qwen", "phi")},
    )

    assert '" spaced " = "y"\nnew = "z"\n\n# never out\n[[routing.policies]]' in now
    assert '[routing.fallbacks]\nllama = ["qwen", "phi"]\n' in now
    assert "# the fleet\n[[backends]]" in now


def test_one_weight_is_written_with_the_others() -> None:
    now = changed("[routing.weights]\n", weights=Weights(60, 20, 20))

    assert said(now).weights == Weights(60, 20, 20)
    assert now.count("=") == 3


def test_a_policy_keeps_the_comment_above_it_wherever_it_goes() -> None:
    secret, big = said(FILE).policies
    now = changed(FILE, policies=(replace(big, min_tier=4), secret, TrafficPolicy("c*", None, 2)))

    assert '# only the big ones\n[[routing.policies]]\nmodel_pattern = "big-*"' in now
    assert '# never out\n[[routing.policies]]\nmodel_pattern = "secret-*"' in now
    assert said(now).policies == (replace(big, min_tier=4), secret, TrafficPolicy("c*", None, 2))
    assert "# the fleet\n[[backends]]" in now


def test_a_policy_that_goes_takes_its_own_comment_along() -> None:
    now = changed(FILE, policies=said(FILE).policies[:1])

    assert "big" not in now
    assert "# the fleet\n[[backends]]" in now
    assert '# never out\n[[routing.policies]]\nmodel_pattern = "secret-*"   # contracts' in now


def test_policies_written_by_glob_can_be_edited_too() -> None:
    a, b = said(BY_GLOB).policies
    now = changed(BY_GLOB, policies=(b, replace(a, min_tier=1)))

    assert said(now).policies == (b, replace(a, min_tier=1))
    assert "# two" in now


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Reading a file takes a while: a failure is told as it is found."""
names = st.text(st.characters(categories=("Lu", "Ll", "Nd", "Pd", "Po")), min_size=1, max_size=8)
conditions = st.builds(
    Conditions,
    st.lists(st.sampled_from(["acme", "team-*"]), max_size=1).map(tuple),
    st.lists(st.sampled_from(list(Endpoint)), max_size=2, unique=True).map(tuple),
)
policies = st.builds(
    TrafficPolicy,
    st.sampled_from(["secret-*", "big-*", "c*"]),
    st.none() | st.just(Privacy.RESTRICTED),
    st.none() | st.integers(2, 5),
    st.booleans(),
    st.none() | st.sampled_from([0.5, 1.0]),
    conditions,
).filter(lambda policy: policy.privacy or policy.min_tier or not policy.fallback_allowed)
routes = st.builds(
    Routes,
    strategy=st.sampled_from(list(Strategy)),
    weights=st.sampled_from([Weights(), Weights(20, 60, 20)]),
    max_retries=st.integers(0, 9),
    aliases=st.dictionaries(st.sampled_from(["gpt-4", "spaced", "x.y"]), names, max_size=3).filter(
        lambda made: not set(made) & set(made.values())
    ),
    fallbacks=st.dictionaries(
        st.sampled_from(["m", "n"]), st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
    ).filter(lambda made: all(name not in chain for name, chain in made.items())),
    policies=st.lists(policies, max_size=3, unique_by=lambda policy: policy.pattern).map(tuple),
)


@pytest.mark.parametrize("text", [FILE, BY_GLOB, "", "[routing]\n"], ids=range(4))
def test_any_edit_and_the_next_one_are_what_the_file_says_then(text: str) -> None:
    @settings(max_examples=12, deadline=None, phases=PHASES)
    @given(routes, routes)
    def edited(first: Routes, second: Routes) -> None:
        once = changed(text, **_fields(first))
        twice = changed(once, **_fields(second))

        assert said(once) == versioned(first)
        assert said(twice) == versioned(second)
        if text == FILE:
            assert {"# my gateway", "# the fleet", "# the best"} <= {
                comment for comment in COMMENTS if comment in twice
            }

    edited()


def _fields(routes: Routes) -> dict[str, object]:
    return {
        name: getattr(routes, name)
        for name in ("strategy", "weights", "max_retries", "aliases", "fallbacks", "policies")
    }
