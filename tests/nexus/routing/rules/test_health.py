import pytest

from nexus.domain.backend import BackendStatus, Load
from nexus.domain.policy import Policy
from nexus.routing.rules import health
from tests.fakes.fleets import backend, candidate, needs


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (BackendStatus.UNHEALTHY, "gpu-01 is unhealthy: connection refused"),
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


def test_a_healthy_backend_passes() -> None:
    assert health.rejection(candidate(), needs(), Load(), Policy()) is None


def test_unknown_passes_only_where_nobody_checks() -> None:
    unknown = candidate(backend(status=BackendStatus.UNKNOWN))
    down = candidate(backend(status=BackendStatus.UNHEALTHY))
    unchecked = Policy(unknown_is_routable=True)

    assert health.keep([unknown, down], needs(), {}, unchecked) == [unknown]
    assert health.keep([unknown, down], needs(), {}, Policy()) == []
