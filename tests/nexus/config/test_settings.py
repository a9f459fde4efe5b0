from collections.abc import Callable

import pytest
from pydantic import ValidationError

from nexus.config.load import Loaded
from nexus.config.settings import BackendConfig, HealthCheckConfig, NexusConfig, ServerConfig
from nexus.domain.backend import BackendFace, BackendType, Source, Zone
from nexus.domain.policy import Policy, Strategy, Weights

Load = Callable[..., Loaded]


def test_the_configuration_cannot_be_changed_after_loading() -> None:
    config = NexusConfig(server=ServerConfig(port=9000))
    with pytest.raises(ValidationError):
        config.server.port = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_routing_is_told_its_part_as_a_policy(loaded: Load) -> None:
    config = loaded(
        '[routing]\nstrategy = "random"\nmax_retries = 4\n'
        "[routing.weights]\npriority = 10\nload = 20\nlatency = 70\n"
        '[routing.aliases]\na = "b"\n[routing.fallbacks]\nb = ["c", "d"]\n'
    ).config
    assert config.policy() == Policy(
        strategy=Strategy.RANDOM,
        weights=Weights(10, 20, 70),
        aliases={"a": "b"},
        fallbacks={"b": ("c", "d")},
        max_attempts=5,
        unknown_is_routable=False,
    )


def test_without_configuration_the_policy_is_the_domains_default() -> None:
    assert NexusConfig().policy() == Policy()


def test_without_health_checks_unknown_backends_are_routable() -> None:
    assert NexusConfig(health_check=HealthCheckConfig(enabled=False)).policy().unknown_is_routable


def test_a_backend_becomes_a_face_with_a_stable_id_and_one_spelling_of_its_url() -> None:
    config = NexusConfig(
        backends=(
            BackendConfig(name=" GPU 1 ", url="HTTP://gpu:80/v1/", tier=3, max_concurrent=8),
            BackendConfig(name="cloud", url="https://api.openai.com", type=BackendType.OPENAI),
        )
    )
    assert config.faces() == (
        BackendFace(
            id=config.faces()[0].id,
            name="GPU 1",
            url="http://gpu",
            type=BackendType.GENERIC,
            zone=Zone.RESTRICTED,
            source=Source.STATIC,
            tier=3,
            max_concurrent=8,
        ),
        BackendFace(
            id=config.faces()[1].id,
            name="cloud",
            url="https://api.openai.com",
            type=BackendType.OPENAI,
            zone=Zone.OPEN,
        ),
    )
    assert [face.id for face in config.faces()] == ["gpu-1", "cloud"]


def test_a_configured_zone_wins_over_that_of_the_type(loaded: Load) -> None:
    text = '[[backends]]\nname = "a"\nurl = "http://a"\ntype = "vllm"\nzone = "open"\n'
    assert loaded(text).config.faces()[0].zone is Zone.OPEN
