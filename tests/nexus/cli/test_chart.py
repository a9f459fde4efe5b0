"""`nexus chart`, drawn and against the real gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from nexus.cli.chart import MOST_POINTS, drawn, read, step
from nexus.cli.main import run
from nexus.domain.history import Metric
from tests.fakes.servers import Server, story

BRAILLE = [chr(code) for code in range(0x2801, 0x2900)]


@pytest.mark.parametrize(
    ("span_s", "expected"), [(60, 60), (3600, 60), (86_400, 900), (7 * 86_400, 6 * 3600)]
)
def test_the_step_keeps_points_readable(span_s: float, expected: int) -> None:
    assert step(span_s) == expected
    assert span_s / step(span_s) <= MOST_POINTS


def test_what_is_no_point_is_left_out() -> None:
    assert read([[1, 2.5], [2, None], "x", [3], {"at": 4, "value": 5}, [None, 1]]) == [
        (1, 2.5), (2, None), (4, 5),
    ]  # fmt: skip


def test_a_gap_in_a_latency_is_not_drawn_as_zero_and_one_in_requests_is() -> None:
    points = [(60 * n, 100.0 if n % 2 else None) for n in range(20)]
    latency = drawn(points, Metric.LATENCY_P95, "gpu-01", 60, 80)
    requests = drawn(points, Metric.REQUESTS, "gpu-01", 60, 80)
    low = [text.splitlines()[-4:-2] for text in (latency, requests)]
    assert not any(mark in line for line in low[0] for mark in BRAILLE)
    assert any(mark in line for line in low[1] for mark in BRAILLE)


def test_a_chart_fits_its_width_and_says_what_it_is() -> None:
    for width in (40, 80, 200):
        text = drawn([(60 * n, n) for n in range(60)], Metric.TTFT_P50, "a\x1b[31m", 60, width)
        assert max(len(line) for line in text.splitlines()) <= min(160, max(40, width))
        assert "\x1b" not in text
    assert "ms to the first byte" in text


async def test_what_was_served_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with story(tmp_path, a=Server(("m",))) as here:
        for _ in range(3):
            await here.chat(model="m")
        for _ in range(100):  # the history is written behind the requests
            code = await asyncio.to_thread(
                run, ["chart", "requests", "--json", "--url", here.gateway.url]
            )
            found = json.loads(capsys.readouterr().out)
            if sum(each["value"] or 0 for each in found["points"]) == 3:
                break
            await asyncio.sleep(0.05)
        assert code == 0
        assert sum(each["value"] or 0 for each in found["points"]) == 3

        words = ["chart", "requests", "--backend", "nobody", "--url", here.gateway.url]
        assert await asyncio.to_thread(run, words) == 0
        assert "Nothing on record" in capsys.readouterr().out


async def test_a_time_that_has_not_passed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    async with story(a=Server(("m",))) as here:
        words = ["chart", "--since", "2999-01-01", "--url", here.gateway.url]
        assert await asyncio.to_thread(run, words) == 1
        assert "must be a time that has passed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (0.4, ["1", "0"]),
        (106, ["120", "100", "80", "60", "40", "20", "0"]),
        (4_300.0, ["5,000", "4,000", "3,000", "2,000", "1,000", "0"]),
    ],
)
def test_the_numbers_at_the_side_are_round(most: float, labels: list[str]) -> None:
    text = drawn([(0, 0.0), (60, most)], "requests", "the whole gateway", 60, 80)
    assert "requests of the whole gateway, by the minute" in text
    assert [
        row.partition("\u2524")[0].strip() for row in text.splitlines() if "\u2524" in row
    ] == labels
