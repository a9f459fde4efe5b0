from __future__ import annotations

import pytest

from nexus.discovery.cluster import read_nodes
from nexus.domain.http import HttpReply
from tests.fakes.captures import said


@pytest.mark.parametrize("nodes", [["a", "b"], {"a": {}, "b": {}}])
def test_nodes_are_read_from_a_list_or_a_table(nodes: object) -> None:
    assert read_nodes(said({"topology": {"nodes": nodes}})) == {"a", "b"}


@pytest.mark.parametrize(
    "reply",
    [
        HttpReply(500, b"{}"),
        HttpReply(200, b"<html>"),
        HttpReply(200, b"[" * 100_000),
        said([]),
        said({"topology": []}),
        said({"topology": {"nodes": "abc"}}),
        said({"topology": {"nodes": [1, None, ""]}}),
    ],
)
def test_anything_else_names_no_node(reply: HttpReply) -> None:
    assert read_nodes(reply) == frozenset()
