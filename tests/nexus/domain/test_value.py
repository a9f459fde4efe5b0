"""Values of the hot path: like frozen dataclasses to everybody but the constructor."""

from dataclasses import fields, replace

import pytest

from nexus.domain.backend import BackendId, Load, Speed
from nexus.domain.decision import Decision
from nexus.domain.events import LoadChanged, RequestFinished, RequestRouted
from nexus.domain.request import Needs

VALUES = [Speed, Load, Needs, Decision, LoadChanged, RequestRouted, RequestFinished]


def test_values_are_equal_hashed_matched_and_replaced_by_their_fields() -> None:
    one = Load(1, latency_ms=5.0)

    assert one == Load(1, latency_ms=5.0) != Load(2, latency_ms=5.0)
    assert hash(one) == hash(Load(1, latency_ms=5.0))
    assert replace(one, pending=2) == Load(2, latency_ms=5.0)
    match LoadChanged(BackendId("a"), one):
        case LoadChanged(load=Load(pending=pending)):
            assert pending == 1


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_a_value_has_its_fields_and_nothing_else(kind: type) -> None:
    assert set(kind.__slots__) == {field.name for field in fields(kind)}
    assert not hasattr(kind, "__dict__") or "__dict__" not in dir(kind)
