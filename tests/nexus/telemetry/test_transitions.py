"""The log of health: one line for each change, none for what the operator does."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from nexus.domain.backend import Backend, BackendStatus
from nexus.telemetry.transitions import Transitions
from tests.fakes.fleets import backend

GPU = backend("gpu")


def lines(caplog: pytest.LogCaptureFixture, *statuses: BackendStatus | Backend) -> list[str]:
    """What is logged while a backend takes these."""
    caplog.set_level(logging.INFO, logger="nexus.health")
    transitions = Transitions(lambda: 100.0)
    for each in statuses:
        transitions.see(each if isinstance(each, Backend) else replace(GPU, status=each))
    return [record.getMessage() for record in caplog.records]


def test_each_change_is_one_line_and_each_repetition_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = BackendStatus.UNREACHABLE
    up = BackendStatus.HEALTHY
    assert lines(caplog, BackendStatus.UNKNOWN, up, up, down, down, up) == [
        "backend gpu: healthy",
        "backend gpu: unreachable",
        "backend gpu: healthy",
    ]


def test_draining_and_undraining_are_not_changes_of_health(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sick, draining = BackendStatus.UNHEALTHY, BackendStatus.DRAINING
    assert lines(caplog, sick, draining, sick, draining, sick) == ["backend gpu: unhealthy"]


def test_what_happened_while_it_drained_is_said_afterwards(
    caplog: pytest.LogCaptureFixture,
) -> None:
    up, draining, auth = BackendStatus.HEALTHY, BackendStatus.DRAINING, BackendStatus.AUTH_ERROR
    assert lines(caplog, up, draining, auth)[1:] == ["backend gpu: auth error"]


def test_busy_hours_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    up, busy = BackendStatus.HEALTHY, BackendStatus.BUSY
    assert lines(caplog, up, busy, up, busy) == ["backend gpu: healthy"]


def test_a_line_says_why_and_what_comes_next(caplog: pytest.LogCaptureFixture) -> None:
    lines(caplog, replace(GPU, status=BackendStatus.AUTH_ERROR, reason="HTTP 401", next="set KEY"))
    (record,) = caplog.records
    fields = record.__dict__["fields"]
    assert (fields["was"], fields["status"]) == ("unknown", "auth_error")
    assert (fields["reason"], fields["next"]) == ("HTTP 401", "set KEY")
