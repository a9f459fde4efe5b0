"""What a server says must never act on the terminal, nor break a command."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus.cli.main import run
from tests.fakes.answers import answering

EVIL = "\x1b]0;owned\x07\u202e\x9b2J"
BACKEND = {
    "id": EVIL,
    "name": EVIL,
    "url": EVIL,
    "backend_type": EVIL,
    "status": EVIL,
    "reason": EVIL,
    "models": [EVIL],
    "model_details": [{"id": EVIL, "context_length": 1e400, "vision": "yes"}],
    "avg_latency_ms": float("nan"),
    "pending_requests": 10**400,
    "recognised_by": EVIL,
    "removed": EVIL,
}
MODEL = {"id": EVIL, "backends": [EVIL], "capabilities": {"tools": 1}, "alias_of": EVIL}
HEALTH = {
    "service": "nexus",
    "status": EVIL,
    "version": EVIL,
    "uptime_seconds": 1e300,
    "models": {},
}
ROUTES = {
    "version": EVIL,
    "strategy": EVIL,
    "weights": {"priority": EVIL, "load": 10**400},
    "aliases": {EVIL: EVIL, "gone": EVIL},
    "fallbacks": {EVIL: [EVIL, 3], "gone": [EVIL]},
    "policies": [
        {
            "pattern": EVIL,
            "privacy": EVIL,
            "min_tier": float("inf"),
            "when": {"tenants": [EVIL], "endpoints": [EVIL], "headers": [[EVIL, EVIL], EVIL]},
        }
    ],
}
PREVIEW = {
    "problems": [],
    "warnings": [EVIL],
    "diff": [f"- {EVIL}", f"+ {EVIL}"],
    "since_s": 1e300,
    "decided": 3,
    "moved": [{"model": EVIL, "before": EVIL, "after": EVIL, "requests": -5}, None],
    "newly_refused": 10**400,
    "newly_served": "many",
}
WAITING = {"id": EVIL, "name": EVIL, "url": EVIL, "backend_type": EVIL, "detail": EVIL, "via": EVIL}
IN_MEMORY = {"backend": EVIL, "status": EVIL, "residency": EVIL, "tokens_per_second": 1e308}
KEY = {
    "name": EVIL,
    "role": EVIL,
    "source": EVIL,
    "variable": EVIL,
    "created": 1e300,
    "last_used": -(10**400),
    "key": EVIL,
    "unkept": EVIL,
}
IMPACT = {"problems": [], "warnings": [EVIL], "effects": [EVIL], "version": EVIL}
ANSWERS: dict[str, object] = {
    "/nexus/v1/keys": KEY | {"keys": [KEY, 7, None], "local": EVIL},
    "/nexus/v1/keys?dry_run=1": IMPACT,
    "/nexus/v1/keys/k": KEY,
    "/nexus/v1/keys/k?dry_run=1": IMPACT,
    "/health": HEALTH,
    "/v1/models": {"data": [MODEL]},
    "/nexus/v1/backends": BACKEND | {"backends": [BACKEND, 7, None]},
    "/nexus/v1/backends/gpu": BACKEND,
    "/nexus/v1/backends/gpu/drain": BACKEND,
    "/nexus/v1/models": {"models": [{"id": EVIL, "backends": [IN_MEMORY, 7]}]},
    "/nexus/v1/backends/%1B%5D0%3Bowned%07%E2%80%AE%C2%9B2J/load": {"backend": EVIL},
    "/nexus/v1/recognise": {"url": EVIL, "type": EVIL, "detail": EVIL},
    "/nexus/v1/discovered": {"waiting": [WAITING, 7]},
    "/nexus/v1/scan": {},
    "/nexus/v1/routing": ROUTES,
    "/nexus/v1/routing?dry_run=1": PREVIEW,
    "/nexus/v1/routing/undo": ROUTES,
    "/nexus/v1/requests/r/cancel": {"cancelled": EVIL},
}
COMMANDS = (
    ["backends"],
    ["backends", "add", "http://a"],
    ["backends", "remove", "gpu"],
    ["backends", "drain", "gpu"],
    ["models"],
    ["models", "-b", EVIL],
    ["models", "-b", "other"],
    ["models", "--memory"],
    ["models", "load", EVIL],
    ["models", "load", "m", "--on", EVIL],
    ["models", "load", "m", "--on", "other"],
    ["backends", "add", "http://a", "--dry-run"],
    ["backends", "waiting", "--scan"],
    ["routing"],
    ["routing", "set", "--strategy", "random"],
    ["routing", "undo"],
    ["alias"],
    ["alias", "set", "a", "b"],
    ["alias", "remove", "gone"],
    ["alias", "remove", "other"],
    ["fallback"],
    ["fallback", "set", "a", "b", "--dry-run"],
    ["cancel", "r"],
    ["health"],
    ["keys"],
    ["keys", "create", EVIL],
    ["keys", "create", "k", "--dry-run"],
    ["keys", "create", "k", "--yes"],
    ["keys", "revoke", "k"],
    ["keys", "revoke", "k", "--yes"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("format", [[], ["--json"]], ids=["text", "json"])
def test_escape_codes_of_a_server_never_reach_the_terminal(
    command: list[str], format: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = {path: (200, json.dumps(body).encode()) for path, body in ANSWERS.items()}
    with answering(prepared) as server:
        run([*command, "--url", server.url, *format])
    said = capsys.readouterr()
    assert said.out + said.err
    for text in (said.out, said.err):
        assert not set(text) & set("\x1b\x07\x9b\u202e")
    if format:
        json.loads(said.out)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *BACKEND,
                    *MODEL,
                    *HEALTH,
                    *ROUTES,
                    *PREVIEW,
                    *KEY,
                    *IMPACT,
                    "backends",
                    "data",
                    "waiting",
                    "keys",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(body=JSON)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_answers_of_any_shape_end_in_output_or_a_sentence(
    body: object, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json.dumps(body).encode()
    prepared = {path: (200, said) for path in ANSWERS if path != "/health"}
    prepared["/health"] = (200, json.dumps(HEALTH).encode())
    with answering(prepared) as server:
        for command in COMMANDS:
            assert run([*command, "--url", server.url]) in (0, 1)
    capsys.readouterr()
