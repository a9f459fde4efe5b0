"""Two servers that are one: every node of an exo cluster answers for all of it."""

from __future__ import annotations

import json
from typing import cast

from nexus.discovery.identify import BUDGET_S, Asker
from nexus.domain.backend import BackendType
from nexus.domain.http import HttpCall, HttpReply
from nexus.errors import UpstreamError

STATE = "/state"
MOST_NODES = 256


async def nodes_of(asker: Asker, url: str, type: BackendType) -> frozenset[str]:
    """The nodes of the cluster behind a URL; empty where a server is no cluster or says nothing."""
    if type is not BackendType.EXO:
        return frozenset()
    try:
        reply = await asker.send(url, HttpCall(STATE), headers={}, timeout_s=BUDGET_S)
    except UpstreamError:
        return frozenset()
    return read_nodes(reply)


def read_nodes(reply: HttpReply) -> frozenset[str]:
    """Node ids in exo's `/state`."""
    if reply.status != 200:
        return frozenset()
    try:
        state: object = json.loads(reply.body)
    except (ValueError, RecursionError):
        return frozenset()
    topology = cast("dict[str, object]", state).get("topology") if isinstance(state, dict) else None
    if not isinstance(topology, dict):
        return frozenset()
    nodes = cast("dict[str, object]", topology).get("nodes")
    if not isinstance(nodes, list | dict):
        return frozenset()
    listed = list(cast("list[object]", nodes))[:MOST_NODES]
    return frozenset(node for node in listed if isinstance(node, str) and node)
