"""Odds ratios, Cliff's δ and its paired form: the values against naive ones, the intervals against known truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey_site.statistics import effects as e
from survey_site.statistics.comparisons import detectable
from survey_site.statistics.uncertainty import Sample, difference
from tests.statistics import naive


def crossed(y: np.ndarray, people: int) -> Sample:
    n = len(y) // people
    return Sample(np.asarray(y, float), np.repeat(np.arange(people), n), np.tile(np.arange(n), people))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 6), min_size=8, max_size=8), st.lists(st.integers(0, 6), min_size=12, max_size=12)
)
def test_dominance_measures_equal_the_double_loop(a: list[int], b: list[int]) -> None:
    x, y = crossed(np.array(a), 4), crossed(np.array(b), 4)
    assert e.cliffs_delta(x, y).value == pytest.approx(naive.dominance(a, b))
    own = [naive.dominance(a[2 * p : 2 * p + 2], b[3 * p : 3 * p + 3]) for p in range(4)]
    assert e.paired_delta(x, y).value == pytest.approx(np.mean(own))


def test_cliffs_delta_is_two_u_over_the_product_minus_one() -> None:
    rng = np.random.default_rng(2)
    a, b = crossed(rng.integers(0, 7, 50), 10), crossed(rng.integers(0, 5, 30), 10)
    assert e.cliffs_delta(a, b).value == pytest.approx(2 * stats.mannwhitneyu(a.y, b.y).statistic / 1500 - 1)


def study(rng: np.random.Generator, shift: float, share: bool) -> tuple[Sample, Sample]:
    """Two columns of 25 people and 24 images each, with people and images crossed and random."""
    person, item = np.repeat(np.arange(25), 24), np.tile(np.arange(24), 25)
    common = rng.normal(0, 0.6, 25)[person] + rng.normal(0, 0.6, 24)[item]
    columns = []
    for mean in (shift, 0.0):
        own = common + mean + rng.normal(0, 0.3, 24)[item]
        y = rng.random(600) < 1 / (1 + np.exp(-own)) if share else np.rint(3 + own + rng.normal(0, 1, 600))
        columns.append(Sample(np.asarray(y, float), person, item))
    return columns[0], columns[1]


@pytest.mark.parametrize("share", [True, False])
def test_the_intervals_hold_the_truth(share: bool) -> None:
    measure = e.odds_ratio if share else e.cliffs_delta
    rng = np.random.default_rng(4)
    values = []
    truth = np.median([measure(*study(rng, 0.8, share)).value for _ in range(400)])
    for _ in range(300):
        low, high = measure(*study(rng, 0.8, share)).interval.pair() or (np.nan, np.nan)
        values.append(low <= truth <= high)
    assert np.mean(values) >= 0.91  # three standard errors of the simulation below .95


def test_a_column_at_an_end_has_an_odds_ratio_and_no_interval() -> None:
    high, low = crossed(np.ones(24), 4), crossed(np.tile([0, 1], 12), 4)
    found = e.odds_ratio(high, low)
    assert found.value == pytest.approx(24.5 * 12.5 / (0.5 * 12.5))
    assert found.interval.pair() is None and "0 % or 100 %" in str(found.interval.reason)


def test_one_participant_has_no_interval() -> None:
    a, b = crossed(np.array([1, 2, 3, 4]), 1), crossed(np.array([0, 2, 1, 1]), 1)
    for measure in (e.cliffs_delta, e.paired_delta):
        assert measure(a, b).value is not None and measure(a, b).interval.pair() is None


def test_a_difference_of_the_detectable_size_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(6)
    size = float(np.median([detectable(difference(*study(rng, 0, False)), 0.95, 6) or 0 for _ in range(100)]))
    found = [t is not None and t for t in (_found(*study(rng, size, False)) for _ in range(300))]
    assert 0.7 <= np.mean(found) <= 0.93


def _found(a: Sample, b: Sample) -> bool:
    contrast = difference(a, b)
    return bool(contrast.interval.low is not None and contrast.interval.low > 0)
