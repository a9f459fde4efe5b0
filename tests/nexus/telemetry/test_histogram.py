"""Buckets."""

from nexus.telemetry.histogram import Histogram, cumulative


def test_values_are_counted_below_the_first_bound_that_holds_them() -> None:
    histogram = Histogram((1, 10))
    for value in (0.0, 1.0, 1.5, 10.0, 11.0):
        histogram.add(value)

    assert histogram.counts == [2, 2, 1]
    assert (histogram.count, histogram.sum) == (5, 23.5)


def test_buckets_reach_up_to_the_count() -> None:
    assert cumulative((1, 2.5), [2, 0, 3]) == [("1.0", 2), ("2.5", 2), ("+Inf", 5)]
