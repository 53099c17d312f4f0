"""Studies that may stop: one p over all looks, estimates that the stopping does not bias, and simulated studies."""

import numpy as np
import pytest
from scipy import stats

from benchmarks import sequential as simulation
from benchmarks.sequential_parts import studies
from survey_site.statistics.boundaries import bounds, nominal
from survey_site.statistics.power import Plan, column_centres, layout, simulate
from survey_site.statistics.sequential import SMALLEST_P, Stops, corrected, limits, sequential_p, stopped
from survey_site.statistics.stopping import OBRIEN_FLEMING, POCOCK
from survey_site.statistics.uncertainty import Sample, difference

FRACTIONS = [1 / 3, 2 / 3, 1.0]
LARGE = 1e7  # degrees of freedom: the normal


@pytest.mark.parametrize("spending", [OBRIEN_FLEMING, POCOCK])
def test_p_is_alpha_exactly_where_a_look_meets_its_boundary(spending: str) -> None:
    levels = nominal(bounds(spending, 0.05, FRACTIONS))
    for k in range(3):
        ps = [0.9] * k + [float(levels[k])]
        assert sequential_p(spending, FRACTIONS[: k + 1], ps) == pytest.approx(0.05, rel=1e-6)


def test_p_never_rises_with_another_look_and_is_the_ordinary_one_of_a_single_look() -> None:
    one = sequential_p(POCOCK, FRACTIONS[:1], [0.02])
    two = sequential_p(POCOCK, FRACTIONS[:2], [0.02, 0.9])
    assert one is not None and two is not None and two == pytest.approx(one)
    assert sequential_p(POCOCK, [1.0], [0.02]) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("ps", "found"),
    [([None, None], None), ([None, 0.0], SMALLEST_P), ([1.0, 1.0], 1.0), ([0.0, None], SMALLEST_P)],
)
def test_p_of_looks_at_the_edge(ps: list[float | None], found: float | None) -> None:
    assert sequential_p(POCOCK, FRACTIONS[:2], ps) == (
        None if found is None else pytest.approx(found, rel=1e-3)
    )


def test_a_study_that_stops_at_its_first_look_has_the_t_interval() -> None:
    median, low, high = corrected(1.0, [0.04], 7, np.empty(0), 0.95)
    assert median == pytest.approx(1.0)
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 7, 1.0, 0.2))


@pytest.mark.parametrize("theta", [0.0, 2.0, 3.2, 5.0])
@pytest.mark.parametrize("spending", [OBRIEN_FLEMING, POCOCK])
def test_of_normal_data_the_corrected_estimate_is_median_unbiased_and_its_interval_covers(
    spending: str, theta: float
) -> None:
    """A second way to the truth: paths drawn one by one, without the integration."""
    rng, count = np.random.default_rng(5), 4000
    steps = rng.normal(theta / 3, np.sqrt(1 / 3), (count, 3)).cumsum(1)
    information = np.array(FRACTIONS)
    z, limit = steps / np.sqrt(information), bounds(spending, 0.05, FRACTIONS)
    over = np.abs(z) >= limit
    stage = np.where(over.any(1), over.argmax(1), 2)
    share = np.empty(count)
    for s in range(3):
        rows = np.flatnonzero(stage == s)
        spread = np.tile(1 / information[: s + 1], (len(rows), 1))
        stop = Stops(steps[rows, s] / information[s], spread, np.full(len(rows), LARGE), limit[:s])
        share[rows] = stop.at_least(np.full(len(rows), theta))
    # Uniform where the order is right: half below, 95 % inside; four standard errors.
    assert (share > 0.5).mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / count))
    assert ((share > 0.025) & (share < 0.975)).mean() == pytest.approx(0.95, abs=4 * np.sqrt(0.0475 / count))
    if theta == 3.2 and spending == POCOCK:
        naive = (steps[np.arange(count), stage] / information[stage] < theta).mean()
        assert naive < 0.45, "the ordinary estimate of a stopped study is too high more often than not"


def test_significance_and_interval_agree_at_every_stage() -> None:
    bound = bounds(POCOCK, 0.05, FRACTIONS)
    for stage, sign in ((1, 1), (2, -1)):
        spread = [1 / f for f in FRACTIONS[: stage + 1]]
        at = sign * float(bound[stage]) * np.sqrt(spread[-1])
        _, low, high = corrected(at * 1.001, spread, LARGE, bound[:stage], 0.95)
        inside = corrected(at * 0.8, spread, LARGE, bound[:stage], 0.95)
        assert not low <= 0 <= high
        assert inside[1] <= 0 <= inside[2]


def test_estimated_variances_that_rise_from_look_to_look_break_nothing() -> None:
    found = corrected(0.5, [0.01, 0.02, 0.04], 11, limits(np.array([2.4, 2.4]), np.array([11.0, 11.0])), 0.95)
    assert np.isfinite(found).all() and found[1] < found[0] < found[2]


def test_the_simulation_has_the_contrasts_of_the_report() -> None:
    plan, sizes = Plan({"a": 0.4, "b": 0.6, "c": 0.9}, 9, 2), [4, 9]
    found = studies(plan, sizes, 1, np.random.default_rng(2))
    person, item, column = layout(plan)
    # One study drawn by either has the same numbers: the draws come in the same order.
    y = simulate(plan, np.random.default_rng(2), column_centres(plan), (person, item, column))
    for look, n in enumerate(sizes):
        parts = []
        for k in range(3):
            mask = (person < n) & (column == k)
            parts.append(Sample(y[mask], person[mask], item[mask]))
        for k in (1, 2):
            wanted = difference(parts[k], parts[0])
            assert found.difference[0, look, k - 1] == pytest.approx(wanted.value)
            assert found.variance[0, look, k - 1] == pytest.approx(wanted.variance or 0, abs=1e-15)
            assert found.df[look] == wanted.df


@pytest.mark.parametrize("spending", [OBRIEN_FLEMING, POCOCK])
def test_simulated_studies_keep_size_power_and_coverage(spending: str) -> None:
    """A few repetitions of `python -m benchmarks.sequential`; docs/statistics.md has 10,000."""
    null, _planned, paper = simulation.SCENARIOS[:3]
    count = 400
    found = simulation.judged(null, *simulation.simulated(null, count, 11), spending)
    assert found.rejects <= 0.05 + 2 * np.sqrt(0.0475 / count)
    assert found.coverage >= 0.94 - 3 * np.sqrt(0.0475 / count)
    found = simulation.judged(paper, *simulation.simulated(paper, count, 12), spending)
    assert found.rejects >= 0.9 and found.coverage >= 0.94 - 3 * np.sqrt(0.0475 / count)
    assert found.fixed is not None and found.participants <= 0.75 * found.fixed


def test_the_family_rule_is_holm_over_sequential_p_values() -> None:
    """The simulation's step-down on crossings decides as the report's p-values do."""
    rng = np.random.default_rng(3)
    p = rng.uniform(0, 0.06, (12, len(simulation.LOOKS), 3)) ** 1.5
    fractions = simulation.SCENARIOS[0].fractions
    rejected, stage = stopped(p, POCOCK, 0.05, fractions)
    for study in range(len(p)):
        upto = int(stage[study]) + 1
        alone = [sequential_p(POCOCK, fractions[:upto], p[study, :upto, j].tolist()) for j in range(3)]
        ordered = np.sort([one or 0.0 for one in alone])
        adjusted = np.maximum.accumulate(ordered * [3, 2, 1])
        assert int(rejected[study].sum()) == int((adjusted <= 0.05).sum())
