from __future__ import annotations

from collections import Counter

from nexus.domain.backend import default_zone
from nexus.simulator.demo_specs import demo_specs


def test_models_overlap_so_that_routing_has_something_to_choose() -> None:
    hosts = Counter(model.id for spec in demo_specs() for model in spec.models)

    assert sum(count > 1 for count in hosts.values()) >= 4
    assert hosts["qwen3:8b"] == 3


def test_zones_are_the_defaults_of_their_types() -> None:
    assert all(spec.zone is default_zone(spec.type) for spec in demo_specs())


def test_names_and_seeds_are_unique() -> None:
    specs = demo_specs()

    assert len({spec.name for spec in specs}) == len({spec.seed for spec in specs}) == len(specs)
