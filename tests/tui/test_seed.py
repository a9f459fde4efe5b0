"""What a dashboard starts with: however the past and the present meet, each request counts once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.domain.events import RequestFinished, RequestRouted
from nexus.domain.gateway import Lately
from nexus.errors import NotFound
from tests.fakes.dashboard import START, staged
from tui.seed import MOST_EARLY, Seed
from tui.sources.replay import ReplaySource
from tui.sources.story import Story
from tui.state import DashboardState, reduce
from tui.views import Frame, LogView

STORY = Story(START - 60)
PICTURE = STORY.opening()
TOLD = list(STORY.tell(60))
ENDED = [each for each in TOLD if isinstance(each, RequestFinished)]


def whole() -> DashboardState:
    state = reduce(DashboardState(), PICTURE)
    for update in ENDED:
        state = reduce(state, update)
    return state


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 10))
async def test_past_and_present_are_counted_as_if_all_had_been_seen(
    first: int, asked: int, late: int
) -> None:
    """Told live from `first` on; `asked` later the past is asked for, and is there `late` later."""
    seed, state = Seed(), reduce(DashboardState(), PICTURE)
    answer = first + asked
    # Some that the past has are told live only after the answer is here.
    for update in ENDED[first : max(first, answer - late)]:
        state = seed.fold(state, update)
    past = await seed.past(Lately(START - 60, tuple(ENDED[:answer])), state)
    assert past is not None
    for update in ENDED[max(first, answer - late) : answer]:
        state = seed.fold(state, update)
    state = seed.planted(state, past)
    for update in ENDED[answer:]:
        state = seed.fold(state, update)
    expected = whole()

    assert sorted(state.log, key=lambda each: each.at) == list(expected.log)
    assert sum(slot.requests for slot in state.total.slots) == len(ENDED)
    if late == 0:  # else some stand a moment later than they were
        assert (state.log, state.total) == (expected.log, expected.total)
        assert (state.windows, state.traces) == (expected.windows, expected.traces)
        assert state.trace == expected.trace
    assert state.since == START - 60


async def test_rows_that_are_looked_at_keep_their_numbers() -> None:
    seed, state = Seed(), reduce(DashboardState(), PICTURE)
    for update in ENDED[5:8]:
        state = seed.fold(state, update)
    log = LogView()
    log.update(Frame(state, START, 0.0), "a")
    before = {number: log.entry(number) for number in log.keys}
    past = await seed.past(Lately(0.0, tuple(ENDED[:7])), state)
    assert past is not None
    state = seed.planted(state, past)
    log.update(Frame(state, START, 0.0), "a")

    assert {number: log.entry(number) for number in before} == before
    assert len(log.keys) > len(before)
    assert min(log.keys) < 0


async def test_a_request_that_is_counted_is_under_way_no_more_when_its_end_is_told() -> None:
    begin = next(each for each in TOLD if isinstance(each, RequestRouted))
    end = next(each for each in ENDED if each.request_id == begin.request_id)
    seed, state = Seed(), reduce(reduce(DashboardState(), PICTURE), begin)
    past = await seed.past(Lately(0.0, (end,)), state)
    assert past is not None
    state = seed.fold(seed.planted(state, past), end)

    assert not state.running
    assert state.total.slots[-1].requests == 1


async def test_another_request_with_the_same_id_counts() -> None:
    end = ENDED[0]
    seed, state = Seed(), reduce(DashboardState(), PICTURE)
    past = await seed.past(Lately(0.0, (end,)), state)
    assert past is not None
    state = seed.fold(seed.planted(state, past), replace(end, at=end.at + 1))

    assert len(state.log) == 2


async def test_a_past_that_comes_too_late_is_left_out() -> None:
    seed, state = Seed(), reduce(DashboardState(), PICTURE)
    for number in range(MOST_EARLY + 1):
        seed.fold(state, replace(ENDED[0], at=START + number))

    assert await seed.past(Lately(0.0, tuple(ENDED)), state) is None


async def test_a_fresh_dashboard_shows_what_was_served_before_it_came() -> None:
    async with staged(PICTURE, past=Lately(START - 900, tuple(ENDED))) as stage:
        assert "no requests yet" not in stage.text
        assert stage.app.state.log == tuple(ENDED)
        assert ENDED[-1].model in stage.text


class OlderGateway(ReplaySource):
    """Does not tell of the past."""

    async def lately(self) -> Lately:
        raise NotFound("There is nothing at /nexus/v1/lately")


async def test_a_gateway_that_does_not_tell_is_shown_from_now_on() -> None:
    async with staged(PICTURE, source=OlderGateway) as stage:
        assert stage.app.state.since == START
        assert not stage.app.state.log
        await stage.tell(ENDED[0])
        assert stage.app.state.log == (ENDED[0],)


async def test_charts_and_sparklines_say_from_when_on_they_count() -> None:
    busy = Lately(START - 10, tuple(each for each in ENDED if each.at > START - 10))
    async with staged(PICTURE, past=busy, size=(120, 40)) as stage:
        await stage.settle()
        assert "TRAFFIC req/s, since 07:59:50" in stage.text
        assert "·····" in stage.line_with(" gpu-01 ")
    since_start = Lately(START - 753, tuple(ENDED))
    async with staged(PICTURE, past=since_start, size=(120, 40)) as stage:
        await stage.settle()
        assert "TRAFFIC req/s, last" in stage.text
        assert "··" not in stage.line_with(" gpu-01 ")
