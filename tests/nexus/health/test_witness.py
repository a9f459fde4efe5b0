"""Requests, through the witness and the registry, to what routing and people see."""

from __future__ import annotations

import pytest

from nexus.domain.backend import Backend, BackendId, BackendStatus, Model
from nexus.domain.decision import Decision, Refusal
from nexus.domain.events import Event
from nexus.domain.policy import Policy
from nexus.errors import (
    ConnectTimeout,
    NoConnection,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from nexus.health.witness import Witness, retry_after
from nexus.registry.registry import Registry
from nexus.routing.router import decide, explain
from tests.fakes.fleets import needs
from tests.fakes.gateway import face

A, B = BackendId("a"), BackendId("b")
NEEDS = needs("m")
LIMITED = b"content-type: application/json\r\nRetry-After: 30\r\n"


class World:
    """Backends that list `m`, a witness, and a clock."""

    def __init__(self, *names: str, **more: object) -> None:
        self.now = 1000.0
        self.events: list[Event] = []
        self.looks: list[BackendId] = []
        self.registry = Registry(self.events.append, lambda: self.now)
        self.key = True
        self.witness = Witness(
            self.registry,
            lambda backend_id, reason: self.looks.append(backend_id),
            lambda backend: self.key,
            now=lambda: self.now,
            unix=lambda: self.now,
            chance=lambda: 0.5,
        )
        for name in names:
            self.registry.add(face(name, f"http://{name}", **more))  # type: ignore[arg-type]
            self.registry.set_health(BackendId(name), BackendStatus.HEALTHY, models=(Model("m"),))

    def seen(self, id: BackendId = A) -> Backend:
        return self.registry.fleet().backends[id]

    def fail(self, times: int, id: BackendId = A, *, trial: bool = False) -> None:
        for _ in range(times):
            self.witness.failed(id, UpstreamBroken("cut"), trial)

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.witness.expire()

    def plan(self) -> list[str]:
        """Where a request for `m` would be sent, in order."""
        answer = decide(NEEDS, self.registry.fleet(), self.registry.loads(), Policy())
        return [] if isinstance(answer, Refusal) else [c.backend.name for c in answer.order]

    def spare(self) -> bool:
        answer = decide(NEEDS, self.registry.fleet(), self.registry.loads(), Policy())
        return isinstance(answer, Decision) and answer.spare


@pytest.mark.parametrize("error", [NoConnection("refused"), ConnectTimeout("nobody took it")])
def test_no_connection_is_unreachable_at_once_and_looked_into(error: UpstreamTimeout) -> None:
    world = World("a", "b")
    world.witness.failed(A, error, False)
    assert world.seen().status is BackendStatus.UNREACHABLE
    assert world.plan() == ["b"]
    assert world.looks == [A]
    world.witness.probed(A, True)
    assert world.seen().status is BackendStatus.HEALTHY


def test_a_connection_closed_without_an_answer_is_one_failure_and_looked_into() -> None:
    world = World("a")
    world.witness.failed(A, UpstreamUnreachable("closed"), False)
    assert world.seen().status is BackendStatus.HEALTHY
    assert world.looks == [A]


def test_retry_after_sets_aside_for_that_time() -> None:
    world = World("a", "b")
    world.witness.answered(A, 429, LIMITED, b"{}", False)
    assert world.seen().status is BackendStatus.RATE_LIMITED
    assert world.seen().next.startswith("rate limited until ")
    assert world.plan() == ["b"]
    world.later(29)
    assert world.plan() == ["b"]
    world.later(1)
    assert set(world.plan()) == {"a", "b"}


def test_a_rate_limited_backend_without_company_is_not_asked_before_its_time() -> None:
    world = World("a")
    world.witness.answered(A, 429, LIMITED, b"{}", False)
    assert world.plan() == []
    assert world.registry.lease(A, True) is None


def test_a_spent_quota_says_that_waiting_does_not_help() -> None:
    world = World("a")
    body = b'{"error": {"code": "insufficient_quota"}}'
    world.witness.answered(A, 429, b"", body, False)
    assert "waiting does not help" in world.seen().next


def test_a_refused_key_names_its_variable() -> None:
    world = World("a", api_key_env="GPU_KEY")
    world.key = False
    world.witness.answered(A, 401, b"", b"", False)
    seen = world.seen()
    assert (seen.status, seen.next) == (BackendStatus.AUTH_ERROR, "set GPU_KEY")
    assert world.plan() == []


@pytest.mark.parametrize("status", [400, 404, 408, 409, 413, 422, 499])
def test_what_blames_the_client_is_no_sign(status: int) -> None:
    world = World("a")
    for _ in range(50):
        world.witness.answered(A, status, LIMITED, b"", False)
    assert world.seen().traffic is None
    assert world.seen().status is BackendStatus.HEALTHY


def test_five_failures_set_aside_and_one_request_at_a_time_is_the_trial() -> None:
    world = World("a", "b")
    world.fail(5)
    assert world.seen().status is BackendStatus.UNHEALTHY
    assert "5 of the last 20 requests failed" in world.seen().reason
    assert world.plan() == ["b"]
    assert world.registry.lease(A) is None
    world.later(5)
    assert "a" in world.plan()
    trial = world.registry.lease(A)
    assert trial is not None
    assert trial.trial
    assert world.registry.lease(A) is None
    assert world.plan() == ["b"]
    trial.finish()  # its client left: nothing is known, another may try
    assert "a" in world.plan()
    trial = world.registry.lease(A)
    assert trial is not None
    world.witness.served(A, trial.trial)
    assert world.seen().status is BackendStatus.HEALTHY
    assert world.registry.lease(A) is not None
    trial.finish()


def test_a_failed_trial_is_followed_by_a_longer_time_aside() -> None:
    world = World("a", "b")
    world.fail(5)
    world.later(5)
    world.fail(1, trial=True)
    world.later(9)
    assert world.plan() == ["b"]
    world.later(1)
    assert "a" in world.plan()


def test_the_last_member_goes_on_working_whatever_requests_say() -> None:
    world = World("a")
    world.fail(5)
    assert world.seen().status is BackendStatus.UNHEALTHY
    assert (world.plan(), world.spare()) == (["a"], True)
    lease = world.registry.lease(A, True)
    assert lease is not None
    world.witness.served(A, lease.trial)
    lease.finish()
    assert world.seen().status is BackendStatus.HEALTHY
    assert not world.spare()


def test_the_last_member_is_chosen_and_not_rejected_in_an_explanation() -> None:
    world = World("a")
    world.fail(5)
    (verdict,) = explain(NEEDS, world.registry.fleet(), world.registry.loads(), Policy())
    assert verdict.rejection is None
    assert verdict.score is not None


def test_the_last_member_that_refuses_connections_is_not_asked() -> None:
    world = World("a")
    world.witness.failed(A, NoConnection("refused"), False)
    assert world.plan() == []


def test_all_members_in_doubt_share_the_work() -> None:
    world = World("a", "b")
    world.fail(5, A)
    world.fail(5, B)
    assert set(world.plan()) == {"a", "b"}
    assert world.spare()


def test_a_drained_backend_in_doubt_gets_nothing() -> None:
    world = World("a")
    world.fail(5)
    world.registry.set_draining(A, True)
    assert world.seen().status is BackendStatus.DRAINING
    assert world.plan() == []
    assert world.registry.lease(A, True) is None


def test_two_silences_in_a_row_are_a_stall() -> None:
    world = World("a", "b")
    world.witness.failed(A, UpstreamTimeout("silent"), False)
    assert world.seen().status is BackendStatus.HEALTHY
    world.witness.failed(A, UpstreamTimeout("silent"), False)
    assert world.seen().status is BackendStatus.STALLED
    assert world.plan() == ["b"]


def test_a_trial_is_not_for_a_backend_that_its_checks_find_down() -> None:
    world = World("a", "b")
    world.fail(5)
    world.registry.set_health(A, BackendStatus.UNREACHABLE, reason="refused")
    world.later(5)
    assert world.seen().status is BackendStatus.UNREACHABLE
    assert world.plan() == ["b"]


def test_a_backend_that_leaves_takes_its_past_along() -> None:
    world = World("a")
    world.fail(5)
    world.registry.remove(A)
    world.witness.expire()
    world.registry.add(face("a", "http://a"))
    world.fail(4)
    assert world.seen().traffic is None


def test_good_requests_change_nothing_and_tell_nobody() -> None:
    world = World("a")
    world.events.clear()
    version = world.registry.fleet().version
    for _ in range(100):
        world.witness.served(A, False)
    assert world.events == []
    assert world.registry.fleet().version == version


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (b"retry-after: 7\r\n", 7.0),
        (b"x: y\r\nRetry-After:2.5 \r\nz: 1\r\n", 2.5),
        (b"retry-after-ms: 250\r\nretry-after: 9\r\n", 0.25),
        (b"Retry-After: Fri, 15 Jan 2027 08:00:20 GMT\r\n", 20.0),
        (b"retry-after: Fri, 15 Jan 2027 07:59:00 GMT \r\n", 0.0),
        (b"retry-after: Friday, 15-Jan-27 08:00:20 GMT\r\n", 20.0),
        (b"retry-after: Fri, 99 Jan 2027 08:00:20 GMT\r\n", None),
        (b"retry-after: Fri, of some year or other\r\n", None),
        (b"retry-after: -5\r\n", None),
        (b"x-retry-after: 5\r\n", None),
        (b"retry-after: 99999999999999999999\r\n", None),
        (b"", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(lines: bytes, seconds: float | None) -> None:
    assert retry_after(lines, 1_800_000_000.0) == seconds
