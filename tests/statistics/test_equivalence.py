"""Equivalence and non-inferiority against a sealed margin."""

import numpy as np
import pytest
from scipy import stats

from survey_site.statistics import equivalence
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.uncertainty import Sample, difference
from tests.statistics.two_tasks import build


def study(rng: np.random.Generator, shift: float) -> tuple[Sample, Sample]:
    person, item = np.repeat(np.arange(25), 24), np.tile(np.arange(24), 25)
    common = rng.normal(0, 0.5, 25)[person] + rng.normal(0, 0.5, 24)[item]
    a, b = (Sample(mean + common + rng.normal(0, 1, 600), person, item) for mean in (3 + shift, 3))
    return a, b


def test_both_p_values_are_those_of_the_shifted_t() -> None:
    contrast = difference(*study(np.random.default_rng(1), 0.1))
    spread = (contrast.variance or 0) ** 0.5
    lower, upper = equivalence.one_sided(contrast, 0.4)
    assert lower == pytest.approx(stats.t.sf(((contrast.value or 0) + 0.4) / spread, contrast.df))
    assert upper == pytest.approx(stats.t.cdf(((contrast.value or 0) - 0.4) / spread, contrast.df))


def test_a_difference_of_the_margin_itself_passes_in_five_percent_at_most() -> None:
    rng = np.random.default_rng(3)
    passed = [
        bool(equivalence.family([("A", difference(*study(rng, 0.3)))], 0.3, 0.95)["rows"][0]["equivalent"])
        for _ in range(400)
    ]
    assert np.mean(passed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_no_difference_is_equivalent_within_a_wide_margin_and_a_large_one_is_not() -> None:
    rng = np.random.default_rng(4)
    same, far = difference(*study(rng, 0.0)), difference(*study(rng, -1.0))
    rows = equivalence.family([("same", same), ("far", far)], 0.5, 0.95)["rows"]
    assert [row["equivalent"] for row in rows] == [True, False]
    assert [row["not_inferior"] for row in rows] == [True, False]
    assert all(
        (row["ci"] is not None and row["ci"][0] > -0.5 and row["ci"][1] < 0.5) == row["equivalent"]
        for row in rows
    )


def test_the_report_tests_what_the_plan_sealed_and_nothing_else(made_up) -> None:
    plan = AnalysisPlan(
        columns=("A", "B", "C"), reference="A", resamples=99, margins={"faith": 10, "wrong": 1}
    )
    found = build(made_up(), plan)["equivalence"]
    assert found["faith"]["margin"] == pytest.approx(0.1) and len(found["faith"]["rows"]) == 2
    assert "no outcome of this study" in found["wrong"]["reason"]
    assert (
        build(made_up(), AnalysisPlan(columns=("A", "B"), reference="A", resamples=99))["equivalence"] == {}
    )


@pytest.mark.parametrize("margins", [{"faith": 0}, {"faith": -1}, {"faith": "10"}, {"faith": True}, [10]])
def test_a_margin_that_is_none_is_refused(margins: object) -> None:
    with pytest.raises(ValueError, match="margins are positive numbers"):
        AnalysisPlan(margins=margins)
