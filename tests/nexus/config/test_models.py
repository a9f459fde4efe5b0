"""Facts about models in the configuration: two spellings, one order, mistakes at their place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nexus.config.load import Loaded
from nexus.domain.backend import FactSource, Model, Zone
from nexus.domain.overrides import overridden
from nexus.errors import ConfigError

Load = Callable[..., Loaded]

BACKEND = '[[backends]]\nname = "gpu"\nurl = "http://gpu:1"\n'


def believed(loaded: Loaded, model: Model, backend: str) -> Model:
    mine = [each for each in loaded.config.overrides() if each.backend in (None, backend)]
    return overridden(model, mine)


def test_a_table_by_glob_says_the_same_as_an_entry(loaded: Load) -> None:
    by_glob = loaded('[models."llava*"]\nvision = true\ncontext_length = 8192\n')
    entry = loaded('[[models]]\npattern = "llava*"\nvision = true\ncontext_length = 8192\n')

    assert by_glob.config == entry.config
    assert by_glob.origins["models[0].vision"] == "file"
    model = believed(by_glob, Model("llava:7b", vision=False), "any")
    assert (model.vision, model.context_length) == (True, 8192)
    assert model.source("vision") is FactSource.CONFIG
    assert believed(by_glob, Model("other"), "any") == Model("other")


def test_one_backend_is_told_apart_from_all(loaded: Load) -> None:
    text = BACKEND + (
        '[backends.overrides."m*"]\ntools = false\nzone = "open"\n'
        '[models."m"]\ntools = true\nvision = true\n'
    )
    here = believed(loaded(text), Model("m"), "gpu")
    there = believed(loaded(text), Model("m"), "other")

    assert (here.tools, here.vision, here.zone) == (False, True, Zone.OPEN)
    assert (there.tools, there.vision, there.zone) == (True, True, None)


def test_of_each_fact_the_first_entry_wins(loaded: Load) -> None:
    text = '[models."a*"]\nvision = false\n[models."*"]\nvision = true\naudio = true\n'
    model = believed(loaded(text), Model("abc"), "any")

    assert (model.vision, model.audio) == (False, True)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[models."m"]\nvision = "yes"\n', "models.m.vision"),
        ('[models."m"]\ncontext_length = 0\n', "models.m.context_length"),
        ('[models."m"]\nsight = true\n', "models.m.sight"),
        ("[[models]]\nvision = true\n", "models[0].pattern"),
        ("[models]\nvision = true\n", "models.vision"),
        (BACKEND + '[backends.overrides."m"]\nzone = "mars"\n', "backends[0].overrides.m.zone"),
    ],
)
def test_a_mistake_is_shown_where_it_was_written(loaded: Load, text: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert place in caught.value.message


def test_a_zone_that_a_person_chose_is_marked_as_such(loaded: Load) -> None:
    chosen = loaded(BACKEND + 'zone = "restricted"\n').config.faces()[0]
    assert chosen.zone_told
    assert not loaded(BACKEND).config.faces()[0].zone_told
