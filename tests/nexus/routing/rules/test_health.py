from dataclasses import replace

import pytest

from nexus.domain.backend import BackendStatus, BackendType, Load
from nexus.domain.policy import Policy
from nexus.routing.rules import health
from tests.fakes.fleets import backend, candidate, needs


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (BackendStatus.UNHEALTHY, "gpu-01 is unhealthy: connection refused"),
        (BackendStatus.UNREACHABLE, "gpu-01 cannot be reached"),
        (BackendStatus.STALLED, "gpu-01 does not answer"),
        (BackendStatus.AUTH_ERROR, "gpu-01 refuses the key of Nexus"),
        (BackendStatus.RATE_LIMITED, "gpu-01 is rate limited"),
        (BackendStatus.SLEEPING, "gpu-01 is asleep"),
        (BackendStatus.UNKNOWN, "gpu-01 has not been checked yet"),
        (BackendStatus.LOADING, "gpu-01 is loading a model"),
        (BackendStatus.DRAINING, "gpu-01 is draining"),
    ],
)
def test_only_healthy_backends_take_work_and_others_say_why(
    status: BackendStatus, says: str
) -> None:
    reason = "connection refused" if status is BackendStatus.UNHEALTHY else ""
    owner = candidate(backend(status=status, reason=reason))
    rejection = health.rejection(owner, needs(), Load(), Policy())

    assert rejection is not None
    assert (rejection.rule, rejection.detail) == ("health", says)
    assert rejection.hint


@pytest.mark.parametrize(
    ("status", "type"),
    [
        (BackendStatus.HEALTHY, BackendType.VLLM),
        (BackendStatus.BUSY, BackendType.VLLM),
        (BackendStatus.SLEEPING, BackendType.LLAMACPP),
        (BackendStatus.SLEEPING, BackendType.OLLAMA),
    ],
)
def test_what_works_or_wakes_by_itself_passes(status: BackendStatus, type: BackendType) -> None:
    it = candidate(backend(status=status, type=type))
    assert health.rejection(it, needs(), Load(), Policy()) is None
    assert health.keep([it], needs(), {}, Policy()) == [it]


def test_what_to_do_is_said_where_it_is_known() -> None:
    closed = replace(backend(status=BackendStatus.AUTH_ERROR), next="set GPU_KEY")
    rejection = health.rejection(candidate(closed), needs(), Load(), Policy())
    assert rejection is not None
    assert rejection.hint == "set GPU_KEY"


def test_unknown_passes_only_where_nobody_checks() -> None:
    unknown = candidate(backend(status=BackendStatus.UNKNOWN))
    down = candidate(backend(status=BackendStatus.UNHEALTHY))
    unchecked = Policy(unknown_is_routable=True)

    assert health.keep([unknown, down], needs(), {}, unchecked) == [unknown]
    assert health.keep([unknown, down], needs(), {}, Policy()) == []
