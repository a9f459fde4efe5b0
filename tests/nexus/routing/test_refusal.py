import json
from dataclasses import replace
from typing import Any

import pytest

from nexus.domain.backend import BackendStatus, Evidence
from nexus.domain.decision import Refusal
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs
from nexus.errors import CapabilityMissing, ContextExceeded, ModelUnknown, NexusError, NoBackend
from nexus.routing.refusal import error
from nexus.routing.router import decide
from tests.fakes.fleets import MODEL, backend, fleet, large_fleet, loads, model, needs

DOWN, LOADING, DRAINING = BackendStatus.UNHEALTHY, BackendStatus.LOADING, BackendStatus.DRAINING


def refused(
    asked: Needs, picture: Fleet, policy: Policy | None = None, load: Any = None
) -> NexusError:
    outcome = decide(asked, picture, load or {}, policy or Policy())
    assert isinstance(outcome, Refusal)
    return error(outcome, asked, picture)


def test_an_unknown_model_is_404_with_near_names_and_what_exists() -> None:
    picture = fleet(backend("a", model("llama3:70b"), model("mistral:7b")))
    found = refused(needs("lama3:70b"), picture)

    assert isinstance(found, ModelUnknown)
    assert found.message == (
        "Model 'lama3:70b' not found. Did you mean 'llama3:70b'? Available: llama3:70b, mistral:7b."
    )
    assert (found.status, found.param) == (404, "model")


def test_nothing_alike_suggests_nothing() -> None:
    found = refused(needs("zzz"), fleet(backend("a")))

    assert found.message == "Model 'zzz' not found. Available: llama3:70b."


def test_a_name_too_long_for_a_model_is_not_compared() -> None:
    found = refused(needs("x" * 81), fleet(backend("a", model("x" * 79))))

    assert "Did you mean" not in found.message


def test_a_refusal_without_verdicts_is_503() -> None:
    found = error(Refusal("m", "m", known=True, tried=("m",)), needs("m"), fleet(backend("a")))

    assert isinstance(found, NoBackend)


def test_case_does_not_hide_a_near_name() -> None:
    assert "Did you mean 'Qwen/Qwen3-8B'?" in (
        refused(needs("qwen/qwen3-8b"), fleet(backend("a", model("Qwen/Qwen3-8B")))).message
    )


def test_a_broken_alias_names_its_target() -> None:
    found = refused(needs("gpt-4"), fleet(backend("a")), Policy(aliases={"gpt-4": "llama2"}))

    assert found.message.startswith("Model 'gpt-4' is an alias of 'llama2', which no backend has.")


def test_a_fleet_without_backends_has_no_models() -> None:
    found = refused(needs("m"), Fleet())

    assert found.message == ("Model 'm' not found. No models available: no backend is configured.")


def test_a_404_does_not_grow_with_the_fleet_nor_with_the_name() -> None:
    picture = large_fleet(100, 5000, 1)

    assert len(refused(needs("model"), picture).message) < 1000
    assert "and 4980 more" in refused(needs("model-70000"), picture).message
    assert len(refused(needs("x" * 512), picture).message) < 1000


def test_names_from_outside_are_made_printable() -> None:
    picture = fleet(backend("a", model("evil\x1b[2J\n")))

    assert refused(needs("nope"), picture).message.isprintable()


def test_a_fleet_that_is_down_before_it_was_seen_is_503_and_not_404() -> None:
    unseen = backend("a", status=BackendStatus.UNKNOWN)
    picture = Fleet(1, {unseen.id: unseen}, {})
    found = refused(needs("m"), picture)

    assert isinstance(found, NoBackend)
    assert found.message == "All backends are currently unavailable."
    assert found.should_retry


def test_a_missing_capability_is_400_naming_it_and_who_has_it() -> None:
    picture = fleet(
        backend("a", model(vision=False), model("llava", vision=True)),
        backend("b", model(vision=False, tools=False)),
        backend("c", model("bakllava", vision=True), status=DOWN),
        backend("d", model("maybe")),
    )
    found = refused(needs(vision=True), picture)

    assert isinstance(found, CapabilityMissing)
    assert found.message == (
        """Model 'llama3:70b' lacks required capabilities: ["vision"]."""
        " Models that have them: llava (on a)."
    )
    assert (found.status, found.param, found.should_retry) == (400, "messages", False)


def test_a_capability_that_nobody_has_says_so() -> None:
    found = refused(needs(tools=True), fleet(backend("a", model(tools=False))))

    assert "No model of this fleet is known to have them." in found.message
    assert found.param == "tools"


def test_embeddings_of_a_chat_model_are_400() -> None:
    picture = fleet(backend("a", model(embeddings=False), model("nomic", embeddings=True)))
    found = refused(needs(endpoint=Endpoint.EMBEDDINGS), picture)

    assert isinstance(found, CapabilityMissing)
    assert "nomic (on a)" in found.message


def test_incapable_everywhere_is_400_even_when_some_are_down() -> None:
    """Waiting cannot help: the backend that is down could not do it either."""
    picture = fleet(
        backend("a", model(vision=False), status=DOWN), backend("b", model(vision=False))
    )

    assert isinstance(refused(needs(vision=True), picture), CapabilityMissing)


def test_a_capable_backend_that_is_down_is_503() -> None:
    picture = fleet(
        backend("a", model(vision=True), status=DOWN), backend("b", model(vision=False))
    )

    assert isinstance(refused(needs(vision=True), picture), NoBackend)


def test_too_long_a_prompt_is_400_with_the_numbers() -> None:
    picture = fleet(
        backend("a", model(context_length=2048)), backend("b", model(context_length=4096))
    )
    found = refused(needs(prompt_tokens=5000), picture)

    assert isinstance(found, ContextExceeded)
    assert found.message == (
        "The prompt has about 5000 tokens; the longest context for 'llama3:70b' is 4096 tokens"
        " (on b). Shorten the prompt or use a model with a longer context."
    )
    assert found.code == "context_length_exceeded"


def test_too_generous_a_limit_is_400_naming_the_field() -> None:
    found = refused(needs(max_tokens=9000), fleet(backend("a", model(context_length=512))))

    assert isinstance(found, ContextExceeded)
    assert found.param == "max_tokens"
    assert "max_tokens is 9000" in found.message


def test_all_down_is_503_with_context() -> None:
    picture = fleet(
        backend("a", status=DOWN, reason="connection refused"),
        backend("b", model("other")),
    )
    found = refused(needs(), picture)

    assert isinstance(found, NoBackend)
    assert found.message == "No healthy backend available for model 'llama3:70b'."
    assert found.context == {
        "available_backends": ["b"],
        "rejection_reasons": [
            {
                "agent_id": "a",
                "backend": "a",
                "reconciler": "health",
                "reason": "a is unhealthy: connection refused",
                "suggested_action": "wait for it to recover, or look at its log",
            }
        ],
        "retry_after_seconds": found.retry_after_s,
    }
    assert found.should_retry


@pytest.mark.parametrize(
    ("statuses", "helps"), [((DRAINING,), False), ((DRAINING, DOWN), True), ((LOADING,), True)]
)
def test_waiting_is_advised_where_something_changes_by_itself(
    statuses: tuple[BackendStatus, ...], helps: bool
) -> None:
    picture = fleet(*(backend(str(n), status=each) for n, each in enumerate(statuses)))

    assert refused(needs(), picture).should_retry is helps


@pytest.mark.parametrize(
    ("untils", "now", "wait_s"),
    [((160.0, 107.5), 100.0, 8), ((None, 130.0), 100.0, 30), ((90.0,), 100.0, 1), ((None,), 1, 10)],
)
def test_whoever_is_limited_is_waited_for_as_long_as_the_first_of_them_asks(
    untils: tuple[float | None, ...], now: float, wait_s: int
) -> None:
    limited = BackendStatus.RATE_LIMITED
    members = [
        replace(backend(str(n), status=limited), traffic=Evidence(limited, "429", "", until=until))
        for n, until in enumerate(untils)
    ]
    outcome = decide(needs(), fleet(*members), {}, Policy())
    assert isinstance(outcome, Refusal)
    found = error(outcome, needs(), fleet(*members), now)

    assert (found.retry_after_s, found.should_retry) == (wait_s, True)


def test_saturation_is_503_to_be_tried_again_in_a_second() -> None:
    picture = fleet(backend("a", max_concurrent=1), backend("b", status=DOWN))
    found = refused(needs(), picture, load=loads(a=1))

    assert isinstance(found, NoBackend)
    assert (found.retry_after_s, found.should_retry) == (1, True)
    assert "saturated" in found.message


def test_exhausted_fallbacks_are_listed() -> None:
    picture = fleet(backend("a", status=DOWN))
    found = refused(needs(), picture, Policy(fallbacks={MODEL: ("qwen",)}))

    assert isinstance(found, NoBackend)
    assert found.message.endswith("Tried: llama3:70b, qwen.")


def test_a_503_is_json_and_bounded_whatever_backends_say() -> None:
    picture = fleet(
        *(backend(f"b{n}" + "x" * 500, status=DOWN, reason="\x00" * 5000) for n in range(300))
    )
    context = refused(needs(), picture).context

    assert len(json.dumps(context)) < 200_000
