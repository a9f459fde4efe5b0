"""Both figures against a count at every moment."""

from hypothesis import given
from hypothesis import strategies as st

from nexus.explain.pressure import over, peak

spans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 20)).map(lambda each: (each[0], sum(each)))
)


def at_once(told: list[tuple[int, int]], moment: float) -> int:
    return sum(begin <= moment < end for begin, end in told)


@given(spans, st.integers(1, 4))
def test_peak_and_time_beyond_are_what_counting_says(
    told: list[tuple[int, int]], places: int
) -> None:
    begins, ends = sorted(float(b) for b, _ in told), sorted(float(e) for _, e in told)
    seconds = [at_once(told, moment + 0.5) for moment in range(60)]

    assert peak(begins, ends) == max(seconds)
    assert over(begins, ends, places) == sum(each > places for each in seconds)
