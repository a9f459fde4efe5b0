"""Who has the port that we want: asked the way backends are recognised, for one sentence."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from typing import Final

from nexus.backends.fingerprints import next_calls, recognise
from nexus.domain.http import HttpReply
from nexus.domain.text import clean

BUDGET_S: Final = 2.0
"""For all questions together: somebody waits for the sentence."""
PATIENCE_S: Final = 1.0
"""For one of them."""
_LARGEST: Final = 65_536
_VLLM: Final = " (8000 is its default port too)"


def is_another_nexus(base: str) -> bool:
    """Whether a Nexus answers at a URL."""
    return b'"nexus"' in _ask(f"{base}/health", PATIENCE_S).body


def occupant(base: str) -> str:
    """Which server answers at a URL: `vLLM 0.11.0`, or `another program`. Takes `BUDGET_S`."""
    end = time.monotonic() + BUDGET_S
    replies: dict[str, HttpReply] = {}
    while calls := next_calls(replies):
        for call in calls:
            left = end - time.monotonic()
            patience_s = min(left, PATIENCE_S)
            replies[call.path] = _ask(base + call.path, patience_s) if left > 0 else HttpReply(0)
    found = recognise(replies)
    if found is None:
        return "another program"
    name = clean(f"{found.product} {found.version}".strip(), 60)
    if name == "OpenAI-compatible":
        return "an OpenAI-compatible server"
    return name + _VLLM if found.product == "vLLM" else name


def _ask(url: str, timeout_s: float) -> HttpReply:
    """One answer; status 0 where there was none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with _opened(opener, url, timeout_s) as reply:
            headers = {name.lower(): value for name, value in reply.headers.items()}
            return HttpReply(reply.status or 0, reply.read(_LARGEST), headers)
    except (OSError, ValueError, HTTPException):  # urllib's errors are OSErrors
        return HttpReply(0)


def _opened(
    opener: urllib.request.OpenerDirector, url: str, timeout_s: float
) -> HTTPResponse | urllib.error.HTTPError:
    """A reply of any status."""
    try:
        return opener.open(url, timeout=timeout_s)
    except urllib.error.HTTPError as refused:
        return refused
