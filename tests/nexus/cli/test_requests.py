"""The filters of the command line are those of the API."""

from __future__ import annotations

import argparse
import re
from urllib.parse import parse_qsl

import pytest

from nexus.cli.requests import add_filters, clock, query
from nexus.errors import BadRequest

NOW = 1_800_000_000.0


def asked(*arguments: str) -> dict[str, str]:
    parser = argparse.ArgumentParser()
    add_filters(parser)
    return dict(parse_qsl(query(parser.parse_args(arguments), NOW)))


def test_without_a_filter_only_the_number_is_asked() -> None:
    assert asked() == {"limit": "20"}


def test_each_filter_is_a_parameter() -> None:
    told = asked(
        *("--model", "llama*", "--backend", "gpu & co", "--zone", "open", "--tenant", "acme"),
        *("--slower", "2s", "--since", "1h", "--until", "30m", "--text", "a=b", "-n", "7"),
        *("--before", "req-1"),
    )

    assert told == {
        "limit": "7",
        "model": "llama*",
        "backend": "gpu & co",
        "zone": "open",
        "tenant": "acme",
        "text": "a=b",
        "before": "req-1",
        "min_duration_ms": "2000.0",
        "since": str(NOW - 3600),
        "until": str(NOW - 1800),
    }


def test_a_status_is_a_number_or_a_word() -> None:
    assert asked("--status", "503") == {"limit": "20", "status": "503"}
    assert asked("-s", "Error") == {"limit": "20", "outcome": "error"}


@pytest.mark.parametrize(
    "arguments", [("--status", "bad"), ("-n", "0"), ("-n", "5001"), ("--slower", "fast")]
)
def test_what_makes_no_sense_is_said(arguments: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest):
        asked(*arguments)


def test_today_has_the_time_and_another_day_its_date() -> None:
    assert re.fullmatch(r"\d\d:\d\d:\d\d", clock(NOW, NOW))
    assert re.fullmatch(r"\d\d-\d\d \d\d:\d\d", clock(NOW - 3 * 86_400, NOW))
    assert clock(1e300, NOW) == "-"
