"""Two-way intervals against naive loops over participants, images and cells."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey_site.statistics import point, uncertainty
from survey_site.statistics.uncertainty import Sample
from tests.statistics.naive import v2


def sample(y: list[float], p: list[int], i: list[int]) -> Sample:
    return Sample(np.array(y, float), np.array(p), np.array(i))


trials = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 7)), min_size=4, max_size=60)


@settings(deadline=None, max_examples=80)
@given(trials)
def test_the_variance_equals_the_naive_double_loop(rows: list[tuple[int, int, int]]) -> None:
    y, p, i = (np.array(part) for part in zip(*rows, strict=True))
    if len(set(p)) < 2 or len(set(i)) < 2:
        return
    psi = (y - y.mean()) / len(y)
    ours = uncertainty.two_way_variance(psi, p, i)
    assert ours == pytest.approx(v2(psi.tolist(), p.tolist(), i.tolist()), rel=1e-9, abs=1e-15)


def test_huge_codes_give_the_same_variance_as_small_ones() -> None:
    rng = np.random.default_rng(1)
    psi, p, i = rng.normal(size=50), rng.integers(0, 9, 50), rng.integers(0, 9, 50)
    assert uncertainty.two_way_variance(psi, p, i) == pytest.approx(
        uncertainty.two_way_variance(psi, p, i * 1_000_000)
    )


@settings(deadline=None, max_examples=60)
@given(trials)
def test_the_proportion_interval_is_wilson_with_the_effective_sample(
    rows: list[tuple[int, int, int]],
) -> None:
    y, p, i = (list(part) for part in zip(*rows, strict=True))
    hits = [float(v > 2) for v in y]
    interval = uncertainty.proportion_interval(sample(hits, p, i))
    share, n = sum(hits) / len(hits), len(hits)
    df = min(len(set(p)), len(set(i))) - 1
    if df < 1:
        assert interval.pair() is None and interval.reason
        return
    if share in (0, 1):
        size, z = len(set(p)), stats.norm.ppf(0.975)
    else:
        variance = max(v2([(h - share) / n for h in hits], p, i), share * (1 - share) / n)
        size, z = share * (1 - share) / variance, stats.t.ppf(0.975, df)
    # Wilson's interval as the two roots of (p − π)² = z²·π(1 − π)/n.
    roots = np.roots([1 + z * z / size, -2 * share - z * z / size, share**2])
    assert interval.pair() == pytest.approx(sorted(np.clip(np.real(roots), 0, 1)), abs=1e-6)


def test_wilson_matches_statsmodels_and_the_published_values() -> None:
    from statsmodels.stats.proportion import proportion_confint

    for k, text in zip(
        (12, 24, 23, 20, 19), ("30.0–66.5", "80.5–99.3", "75.0–97.8", "60.9–91.1", "56.6–88.5"), strict=True
    ):
        low, high = point.wilson(k / 25, 25)
        assert (low, high) == pytest.approx(proportion_confint(k, 25, method="wilson"))
        assert f"{100 * low:.1f}–{100 * high:.1f}" == text


def test_the_ratio_interval_equals_the_naive_delta_method() -> None:
    rng = np.random.default_rng(4)
    p, i = np.repeat(np.arange(12), 4), np.tile(np.arange(16), 3)
    a, b = rng.integers(1, 7, 48).astype(float), rng.integers(0, 5, 48).astype(float)
    result = uncertainty.ratio(Sample(a, p, i), Sample(b, p, i))
    psi = [(x - a.mean()) / (48 * a.mean()) for x in a] + [-(x - b.mean()) / (48 * b.mean()) for x in b]
    se = math.sqrt(v2(psi, [*p, *p], [*i, *i]))
    t = stats.t.ppf(0.975, 11)
    expected = [a.mean() / b.mean() * math.exp(sign * t * se) for sign in (-1, 1)]
    assert result.interval.pair() == pytest.approx(expected)


def test_the_difference_interval_equals_the_naive_one() -> None:
    rng = np.random.default_rng(5)
    p, i = np.repeat(np.arange(6), 8), np.tile(np.arange(12), 4)
    a, b = rng.normal(size=48), rng.normal(size=48)
    result = uncertainty.difference(Sample(a, p, i), Sample(b, p, i))
    psi = [(x - a.mean()) / 48 for x in a] + [-(x - b.mean()) / 48 for x in b]
    half = stats.t.ppf(0.975, 5) * math.sqrt(v2(psi, [*p, *p], [*i, *i]))
    assert result.interval.pair() == pytest.approx([a.mean() - b.mean() - half, a.mean() - b.mean() + half])


def test_without_item_effects_it_agrees_with_one_way_clustering_of_statsmodels() -> None:
    """Every trial its own image: image and cell terms cancel, participant clusters remain (OLS, CR1)."""
    import statsmodels.api as sm

    rng = np.random.default_rng(6)
    p = np.repeat(np.arange(10), 5)
    y = rng.normal(size=50) + rng.normal(size=10)[p]
    ours = uncertainty.two_way_variance((y - y.mean()) / 50, p, np.arange(50))
    fit = sm.OLS(y, np.ones(50)).fit(cov_type="cluster", cov_kwds={"groups": p, "use_correction": False})
    assert ours == pytest.approx(float(fit.bse[0]) ** 2 * 10 / 9)


@pytest.mark.parametrize(
    ("p", "i"),
    [([0] * 4, [0, 1, 2, 3]), ([0, 1, 2, 3], [0] * 4), ([], [])],
    ids=["one person", "one image", "empty"],
)
def test_one_cluster_is_not_estimable_and_says_so(p: list[int], i: list[int]) -> None:
    y = [1.0, 0.0, 1.0, 1.0][: len(p)]
    for make in (uncertainty.proportion_interval, uncertainty.mean_interval):
        interval = make(Sample(np.array(y), np.array(p, np.int64), np.array(i, np.int64)))
        assert interval.pair() is None
        assert "at least 2" in (interval.reason or "")


def test_equal_ratings_give_no_interval_of_width_zero() -> None:
    interval = uncertainty.mean_interval(sample([3, 3, 3, 3], [0, 0, 1, 1], [0, 1, 0, 1]))
    assert interval.pair() is None and "no variation" in (interval.reason or "")


def test_all_right_gives_an_interval_that_ends_at_one() -> None:
    low, high = uncertainty.proportion_interval(
        sample([1] * 8, [0, 0, 1, 1, 2, 2, 3, 3], [0, 1] * 4)
    ).pair() or (0, 0)
    assert high == 1 and low == pytest.approx(point.wilson(1.0, 4)[0])


def test_a_ratio_with_a_zero_mean_is_undefined() -> None:
    zero, some = sample([0] * 4, [0, 0, 1, 1], [0, 1, 0, 1]), sample([1, 2, 1, 3], [0, 0, 1, 1], [0, 1, 0, 1])
    assert uncertainty.ratio(some, zero).value is None
    assert uncertainty.ratio(zero, some).value == 0
    assert uncertainty.ratio(zero, some).interval.reason == "undefined: a mean is 0"


def test_the_interval_of_a_mean_stays_on_the_scale() -> None:
    s = sample([0, 0, 1, 0, 0, 2], [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1])
    low, _ = uncertainty.mean_interval(s, bounds=(0, 6)).pair() or (None, None)
    assert low == 0


def test_a_column_of_one_image_or_one_rater_is_compared_with_nothing() -> None:
    """Its answers do not tell how images, or people, differ; with the other column's clusters p was below .05 in 58 %."""
    rng = np.random.default_rng(5)
    people, images = (grid.ravel() for grid in np.meshgrid(np.arange(12), np.arange(9), indexing="ij"))
    full = Sample(rng.normal(2, 1, 108), people, images)
    for kept in (images == 3, people == 3):
        few = Sample(full.y[kept] + 5, people[kept], images[kept])
        found = uncertainty.difference(few, full)
        assert found.variance is None and found.interval.pair() is None
        assert found.interval.reason is not None and "in each column" in found.interval.reason
        assert uncertainty.ratio(few, full).interval.pair() is None


def test_the_column_with_the_fewest_images_gives_the_degrees_of_freedom() -> None:
    rng = np.random.default_rng(6)
    people, images = (grid.ravel() for grid in np.meshgrid(np.arange(12), np.arange(9), indexing="ij"))
    full = Sample(rng.normal(2, 1, 108), people, images)
    few = Sample(full.y[images < 3] + rng.normal(1, 1, 36), people[images < 3], images[images < 3])
    other = Sample(rng.normal(3, 1, 108), people, images)
    assert (uncertainty.difference(few, full).df, uncertainty.difference(other, full).df) == (2, 8)


def test_a_difference_that_is_the_same_everywhere_is_not_called_no_variation_of_the_answers() -> None:
    y = [1.0, 2.0, 4.0, 3.0]
    p, i = [0, 0, 1, 1], [0, 1, 0, 1]
    found = uncertainty.difference(sample([v + 2 for v in y], p, i), sample(y, p, i))
    assert (found.value, found.variance) == (2, 0)
    assert found.interval.reason == uncertainty.NO_SPREAD
