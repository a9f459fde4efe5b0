"""The formula, to the point."""

from dataclasses import replace

import pytest

from nexus.domain.backend import Load, Recent, Speed
from nexus.domain.policy import Weights
from nexus.routing.scoring import delay_ms, first_words_ms, load_points, points_of, score
from tests.fakes.fleets import MODEL, backend, candidate


def test_the_contract_s_anchor() -> None:
    assert score(1, 0, 50.0, Weights()) == 98


@pytest.mark.parametrize(
    ("priority", "pending", "latency_ms", "expected"),
    [
        (0, 0, None, 100),
        (0, 0, 9.99, 100),
        (0, 0, 10.0, 99),
        (100, 0, 0.0, 50),
        (100, 100, 1000.0, 0),
        (500, 5000, 90_000.0, 0),
        (-5, 0, None, 100),
        (50, 10, 100.0, 70),
    ],
)
def test_scores_are_the_formula_with_integer_floors(
    priority: int, pending: int, latency_ms: float | None, expected: int
) -> None:
    assert score(priority, pending, latency_ms, Weights()) == expected


def test_weights_move_the_score() -> None:
    assert score(100, 0, None, Weights(100, 0, 0)) == 0
    assert score(100, 0, None, Weights(0, 100, 0)) == 100


@pytest.mark.parametrize(
    ("pending", "places", "points"),
    [
        (4, None, 96),
        (200, None, 0),
        (0, 4, 100),
        (1, 4, 80),
        (4, 4, 20),
        (8, 4, 10),
        (4, 64, 95),
        (64, 64, 20),
        (1000, 4, 0),
    ],
)
def test_load_is_the_share_of_places_that_is_taken_where_that_is_known(
    pending: int, places: int | None, points: int
) -> None:
    assert load_points(pending, places) == points


def test_places_are_the_server_s_word_or_the_operator_s_whichever_is_less() -> None:
    told = replace(backend(max_concurrent=8), slots=4)

    assert [told.places, backend(max_concurrent=8).places, backend().places] == [4, 8, None]
    assert replace(backend(), slots=0).places is None


def test_a_full_backend_never_beats_an_idle_one_that_is_as_fast() -> None:
    for places in (1, 2, 16, 1000):
        full = replace(backend("full"), slots=places)
        idle = replace(backend("idle"), slots=1)
        load = Load(places, latency_ms=100.0)
        ours = points_of(candidate(full), load, Weights())
        assert ours < points_of(candidate(idle), Load(latency_ms=100.0), Weights())


LATELY = Recent(60, 20, 0, 200.0, 50.0)


@pytest.mark.parametrize(
    ("speed", "counted"),
    [
        (Speed(900.0, 10.0, 9), 1900.0),
        (Speed(900.0, 10.0, 9, LATELY), 400.0),
        (Speed(900.0, 10.0, 9, replace(LATELY, tokens_per_s=None)), 1200.0),
        (Speed(900.0, 10.0, 9, replace(LATELY, ttft_ms=None)), 1100.0),
        (Speed(900.0, 10.0, 9, replace(LATELY, failed=5)), 450.0),
        (Speed(900.0, 10.0, 9, None, 5), 1900.0),
        (Speed(900.0, 10.0, 9, None, 10), 950.0),
        (Speed(900.0, 10.0, 9, None, 15), 475.0),
        (Speed(None, None, 0, Recent(60, 5, 100)), 1200.0),
    ],
)
def test_a_delay_is_by_the_last_minutes_else_by_an_average_that_fades(
    speed: Speed, counted: float
) -> None:
    load = Load(latency_ms=200.0, speeds={MODEL: speed})

    assert delay_ms(candidate(), load) == pytest.approx(counted)


def test_the_average_over_all_models_fades_too_and_is_told_as_measured() -> None:
    load = Load(latency_ms=800.0, quiet_min=15)

    assert delay_ms(candidate(), load) == pytest.approx(200.0)
    assert first_words_ms(candidate(), load) == 800.0


def test_a_backend_that_was_only_ever_failing_is_as_far_away_as_a_check_says() -> None:
    far = candidate(replace(backend(), probe_ms=300.0))

    assert delay_ms(far, Load(speeds={MODEL: Speed()})) == 300.0
    assert delay_ms(far, Load()) == 300.0
    assert delay_ms(candidate(), Load(speeds={MODEL: Speed()})) is None
