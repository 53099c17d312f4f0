"""Tests and effect sizes against enumeration, SciPy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from survey_site.statistics import comparisons as c
from survey_site.statistics import mixed_models
from survey_site.statistics.effects import plain_odds_ratio
from survey_site.statistics.resampling import sign_flip
from survey_site.statistics.uncertainty import Sample, difference
from tests.statistics import naive
from tests.statistics.two_tasks import INDEX


def crossed(y: np.ndarray, people: int) -> Sample:
    """Participant-major values, every trial on the next of its items."""
    t = len(y) // people
    return Sample(y.astype(float), np.repeat(np.arange(people), t), np.tile(np.arange(t), people))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=11), st.booleans())
def test_the_sign_flip_enumerates_all_patterns(d: list[int], two_sided: bool) -> None:
    flip = sign_flip(np.array(d, float), 99, 1, two_sided)
    assert flip.exact
    expected = naive.sign_flip([x for x in d if x], two_sided) if any(d) else 1.0
    assert flip.p == pytest.approx(expected)


def test_with_one_trial_each_the_sign_flip_is_mcnemars_exact_test() -> None:
    d = np.array([1.0] * 13 + [-1.0] * 4 + [0.0] * 8)
    assert sign_flip(d, 99, 1).p == pytest.approx(stats.binomtest(4, 17).pvalue)


def test_random_patterns_approach_the_exact_p_and_never_reach_zero() -> None:
    d = np.r_[np.ones(17), -np.ones(8)]
    flip = sign_flip(d, 9999, 3)
    assert not flip.exact
    assert flip.p == pytest.approx(stats.binomtest(8, 25).pvalue, abs=0.015)
    assert sign_flip(np.ones(40), 9999, 3).p == 1 / 10_000


def test_the_same_seed_gives_the_same_p() -> None:
    d = np.random.default_rng(0).normal(0.3, 1, 40)
    assert sign_flip(d, 999, 5).p == sign_flip(d, 999, 5).p


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_equals_the_step_down_loop(p: list[float]) -> None:
    assert c.holm(p) == pytest.approx(naive.holm(p))


def test_holm_equals_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(4).random(12) / 8
    assert c.holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_holm_leaves_out_what_could_not_be_tested() -> None:
    assert c.holm([0.01, None, 0.04]) == [pytest.approx(0.02), None, pytest.approx(0.04)]
    assert c.holm([None]) == [None]


def test_wilcoxon_agrees_with_scipys_permutation_method() -> None:
    d = np.array([1.5, -0.5, 2, 0, 1, 1, -1, 0.25, 2.5, 0.75])
    exact = stats.wilcoxon(d, method=stats.PermutationMethod(n_resamples=np.inf))
    assert c.wilcoxon(d, 999, 1) == pytest.approx(exact.pvalue)
    assert c.wilcoxon(np.zeros(5), 999, 1) is None


def test_participants_with_one_of_the_columns_are_dropped_and_counted() -> None:
    a = Sample(np.array([1.0, 0, 1]), np.array([0, 1, 2]), np.array([0, 1, 2]))
    b = Sample(np.array([0.0, 1]), np.array([1, 4]), np.array([0, 1]))
    paired = c.pair(a, b)
    assert (len(paired.a), paired.dropped) == (1, 3)
    assert paired.difference.tolist() == [0.0]


def test_published_margins_leave_mcnemars_p_open() -> None:
    rounded = [tuple(float(f"{p:.2g}") for p in c.mcnemar_range(12, k, 25)) for k in (24, 20, 19)]
    assert rounded == [(0.00049, 0.0018), (0.0078, 0.096), (0.016, 0.17)]


@pytest.mark.parametrize("missing", [0, 1, 30])
def test_the_confirmatory_test_does_not_depend_on_the_data(missing: int) -> None:
    rng = np.random.default_rng(3)
    high, low = crossed(rng.integers(2, 6, 48), 24), crossed(rng.integers(0, 4, 48), 24)
    kept = slice(missing, None)
    high = Sample(high.y[kept], high.participant[kept], high.item[kept])
    result = c.family({"R": low, "A": high}, "R", INDEX, level=0.95, resamples=99, seed=1)
    row = result["rows"][0]
    assert result["primary_test"] == "two_way_t"
    assert row["p_holm"] == row["p"]["two_way_t"] != row["p"]["sign_flip"]
    assert row["significant"] == (row["difference_ci"][0] > 0)


def test_few_images_are_a_caution_and_no_other_test() -> None:
    rng = np.random.default_rng(3)
    few, other = (crossed(rng.integers(0, 7, 60), 10) for _ in range(2))  # 6 images
    result = c.family({"R": few, "A": other}, "R", INDEX, level=0.95, resamples=99, seed=1)
    assert result["primary_test"] == "two_way_t"
    assert "(6, 12 or more are advised)" in str(result["caution"])
    untested = c.family({"R": few, "A": few}, "R", INDEX, level=0.95, resamples=99, seed=1)
    assert untested["rows"][0]["reason"] and untested["caution"] is None
    many = crossed(rng.integers(0, 7, 120), 10)
    assert c.few_items([many, many]) is None


def test_a_variance_of_zero_is_not_estimable() -> None:
    high, low = crossed(np.full(48, 5.0), 4), crossed(np.full(48, 2.0), 4)
    row = c.family({"R": low, "A": high}, "R", INDEX, level=0.95, resamples=99, seed=1)["rows"][0]
    assert row["p_holm"] is None and row["significant"] is None
    assert row["reason"] == "not estimable: the difference is the same for all participants and images"
    assert row["p_holm_by_test"]["sign_flip"] == 0.125
    assert row["difference"] == 3 and row["difference_ci"] is None


def test_the_t_test_is_the_difference_over_its_standard_error() -> None:
    rng = np.random.default_rng(8)
    a, b = crossed(rng.normal(1, 1, 60), 10), crossed(rng.normal(0, 1, 60), 10)
    d = difference(a, b)
    assert d.value is not None and d.variance is not None
    assert c.t_test(d) == pytest.approx(2 * stats.t.sf(abs(d.value) / d.variance**0.5, 5))


def test_gee_odds_ratios_are_those_of_the_raw_table_when_balanced() -> None:
    rng = np.random.default_rng(9)
    a, b = crossed(rng.random(80) < 0.7, 20), crossed(rng.random(80) < 0.4, 20)
    row = mixed_models.gee_odds_ratios({"R": b, "A": a}, "R")["rows"][0]
    odds = a.y.mean() / (1 - a.y.mean()) / (b.y.mean() / (1 - b.y.mean()))
    assert row["odds_ratio"] == pytest.approx(odds, rel=1e-6)
    assert row["ci"][0] < odds < row["ci"][1]


def test_no_gee_where_a_column_is_perfect_but_a_finite_odds_ratio() -> None:
    a, b = crossed(np.ones(25), 25), crossed(np.r_[np.ones(12), np.zeros(13)], 25)
    result = mixed_models.gee_odds_ratios({"R": b, "A": a}, "R")
    assert result["rows"] == [] and "100 %" in result["reason"]
    assert plain_odds_ratio(a.y, b.y) == pytest.approx(25.5 * 13.5 / (0.5 * 12.5))


def test_ordinal_odds_ratios_agree_with_ordinal_gee_and_a_planted_effect() -> None:
    import pandas as pd
    import statsmodels.api as sm
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rng = np.random.default_rng(10)
    noise = rng.logistic(size=2400)
    y = np.digitize(noise + np.repeat([0.0, 1.5], 1200), [-1.5, -0.5, 0.5, 1.5, 2.5, 3.5]).astype(float)
    b, a = crossed(y[:1200], 60), crossed(y[1200:], 60)
    row = mixed_models.ordinal_odds_ratios({"R": b, "A": a}, "R")["rows"][0]
    assert np.log(row["odds_ratio"]) == pytest.approx(1.5, abs=0.25)
    x = np.repeat([0.0, 1.0], 1200)[:, None]
    plain = OrderedModel(pd.Series(pd.Categorical(y, ordered=True)), x, distr="logit").fit(
        disp=False, method="bfgs"
    )
    assert np.log(row["odds_ratio"]) == pytest.approx(float(plain.params.iloc[0]), rel=1e-3)
    order = np.argsort(np.r_[b.participant, a.participant], kind="stable")
    gee = sm.OrdinalGEE(y[order], x[order], groups=np.r_[b.participant, a.participant][order],
                        cov_struct=sm.cov_struct.Independence()).fit()  # fmt: skip
    assert np.log(row["odds_ratio"]) == pytest.approx(float(np.asarray(gee.params)[-1]), rel=0.05)


def test_models_refuse_what_they_cannot_estimate() -> None:
    same = crossed(np.full(20, 3.0), 5)
    assert "the same" in mixed_models.ordinal_odds_ratios({"R": same, "A": same}, "R")["reason"]
    empty = Sample(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    assert "two columns" in mixed_models.ordinal_odds_ratios({"R": same, "A": empty}, "R")["reason"]
    many = crossed(np.tile([0.0, 1.0], 60), 12)
    assert (
        "left out above 100"
        in mixed_models.gee_odds_ratios({"R": many, "A": many}, "R", rows_max=100)["reason"]
    )
