"""Answers recorded from real servers (tests/data/captures), as the values that dialects read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexus.domain.http import HttpReply

ROOT = Path(__file__).parent.parent / "data" / "captures"


def capture(name: str) -> HttpReply:
    """One recorded answer, by `<server>/<case>`."""
    return _reply(json.loads((ROOT / f"{name}.json").read_text("utf-8"))["response"])


def recorded(*names: str) -> dict[str, HttpReply]:
    """Recorded GET answers by their path; a later name wins."""
    found: dict[str, HttpReply] = {}
    for name in names:
        case = json.loads((ROOT / f"{name}.json").read_text("utf-8"))
        found[case["request"]["path"]] = _reply(case["response"])
    return found


def everything(server: str) -> dict[str, HttpReply]:
    """All that was recorded of one server's GET paths; the first case of a path, by name."""
    paths = sorted((ROOT / server).glob("*.json"))
    gets = [p for p in paths if json.loads(p.read_text("utf-8"))["request"]["method"] == "GET"]
    return recorded(*(f"{server}/{path.stem}" for path in reversed(gets)))


def said(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpReply:
    """A JSON answer written down by hand."""
    return HttpReply(status, json.dumps(value).encode(), headers or {})


def _reply(response: dict[str, Any]) -> HttpReply:
    body = json.dumps(response["json"]) if "json" in response else response.get("text", "")
    headers = {name.lower(): value for name, value in response["headers"]}
    return HttpReply(response["status"], body.encode(), headers)
