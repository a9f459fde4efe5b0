import re
from collections.abc import Callable
from pathlib import Path

from nexus.config.describe import keys
from nexus.config.load import Loaded
from nexus.config.planned import PLANNED, planned_part
from nexus.config.reference import example, markdown, minimal
from nexus.config.settings import NexusConfig

Load = Callable[..., Loaded]
ROOT = Path(__file__).parents[3]
REMEDY = "run `python -m nexus.config.reference`"


def test_the_reference_page_is_what_the_schema_says() -> None:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    assert page == markdown(), REMEDY


def test_the_example_file_is_what_the_schema_says() -> None:
    assert (ROOT / "nexus.example.toml").read_text(encoding="utf-8") == example(), REMEDY


def test_the_example_as_it_is_changes_nothing(loaded: Load) -> None:
    assert loaded(example()).config == NexusConfig()


def test_the_example_with_every_line_enabled_is_valid_and_sets_every_key(loaded: Load) -> None:
    everything = re.sub(r'(?m)^#(?=[\w"\[])', "", example())
    # A key is either named or hashed: the example shows both ways.
    result = loaded(re.sub(r"(?m)^sha256 = .*\n", "", everything))
    unset = {key.path for key in keys()} - {
        re.sub(r"\[\d+\]", "[]", origin) for origin in result.origins
    }
    assert unset == {
        "control.keys[].sha256",
        "routing.aliases",
        "routing.fallbacks",
        "routing.policies[].headers",
        "logging.component_levels",
    }
    assert result.config.routing.policies[0].headers
    assert result.config.routing.aliases
    assert result.config.routing.fallbacks
    assert result.config.logging.component_levels


def test_the_minimal_file_is_valid_with_and_without_its_comments(loaded: Load) -> None:
    assert loaded(minimal()).config == NexusConfig()
    assert len(loaded(re.sub(r"(?m)^#(?=[a-z\[])", "", minimal())).config.backends) == 1


def test_every_key_is_explained_and_lines_fit_a_terminal() -> None:
    assert all(key.field.description for key in keys())
    assert max(map(len, example().splitlines())) <= 100


def test_planned_keys_exist_and_cover_what_is_below_them() -> None:
    known = {key.path for key in keys()} | {key.table for key in keys()}
    assert set(PLANNED) <= known
    path = "routing.policies[2].max_cost_per_request"
    assert planned_part(path) == "routing.policies[].max_cost_per_request"
    assert planned_part("routing.strategy") is None
