"""Backends as JSON."""

from __future__ import annotations

import json

from nexus.api import views
from nexus.domain.backend import Load
from tests.fakes.fleets import backend, model


def test_a_backend_shows_its_load_rounded_and_its_models_whole() -> None:
    load = Load(pending=2, total=9, errors=1, latency_ms=12.345, tokens_per_s=None)
    said = views.backend(backend("a", model("m", vision=True)), load)

    assert (said["pending_requests"], said["total_requests"], said["errors"]) == (2, 9, 1)
    assert (said["avg_latency_ms"], said["tokens_per_second"]) == (12.3, None)
    assert said["models"] == ["m"]
    assert (said["model_details"][0]["id"], said["model_details"][0]["vision"]) == ("m", True)
    json.dumps(said)


def test_a_key_variable_or_a_password_is_not_shown() -> None:
    shown = views.backend(backend("a", url="http://u:p@h:1/x", api_key_env="KEY_NAME"), Load())

    assert shown["url"] == "http://h:1/x"
    assert "KEY_NAME" not in json.dumps(shown)
