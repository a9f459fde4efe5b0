import logging

import pytest

from nexus.domain.policy import Policy
from nexus.proxy.hops import tell_hops
from tests.fakes.fleets import backend, fleet, model

HERE = fleet(backend("a", model("m")))
BY = Policy(aliases={"gpt": "mid", "mid": "m"})


def told(caplog: pytest.LogCaptureFixture, name: str, level: int = logging.DEBUG) -> list[str]:
    caplog.clear()
    with caplog.at_level(level, "nexus.routing"):
        tell_hops("req-1", name, HERE, BY)
    return caplog.messages


def test_each_hop_is_told_and_the_whole_way(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, "gpt") == [
        "request req-1: alias gpt leads to mid",
        "request req-1: alias mid leads to m",
        "request req-1: gpt is m, chain_depth=2",
    ]
    assert told(caplog, "m") == []
    assert told(caplog, "gpt", logging.INFO) == []


def test_a_name_that_a_client_made_up_is_safe_to_read(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "nexus.routing"):
        tell_hops("r", "\x1b[2J", fleet(), Policy(aliases={"\x1b[2J": "m"}))
    assert "\x1b" not in "".join(caplog.messages)
