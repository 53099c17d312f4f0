"""Boundaries of looks: published tables, and the probability that is promised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from survey_site.statistics.boundaries import Paths, bounds, nominal, spent
from survey_site.statistics.stopping import OBRIEN_FLEMING, POCOCK

# Lan & DeMets's functions, two-sided 5 %, equal looks: DeMets & Lan 1994, Stat. Med. 13:1341–1352; the same as the R
# packages ldbounds 2.0 (ldBounds, iuse 1 and 2) and gsDesign 3.6 (sfLDOF, sfLDPocock at one-sided .025) print.
PUBLISHED = {
    (OBRIEN_FLEMING, 2): [2.963, 1.969],
    (OBRIEN_FLEMING, 3): [3.710, 2.511, 1.993],
    (OBRIEN_FLEMING, 4): [4.333, 2.963, 2.359, 2.014],
    (OBRIEN_FLEMING, 5): [4.877, 3.357, 2.680, 2.290, 2.031],
    (POCOCK, 2): [2.157, 2.201],
    (POCOCK, 3): [2.279, 2.295, 2.296],
    (POCOCK, 4): [2.368, 2.368, 2.358, 2.350],
    (POCOCK, 5): [2.438, 2.427, 2.410, 2.397, 2.386],
}
# Jennison & Turnbull 2000, tables 2.1 and 2.3: constants of Pocock's and O'Brien & Fleming's own tests at 5 %.
CONSTANTS = ((2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (10, 2.555, 2.087))


def equal(looks: int) -> list[float]:
    return [(k + 1) / looks for k in range(looks)]


def crossing(limits: list[float], information: list[float], theta: float = 0.0) -> float:
    """P_θ(some look is beyond its limit)."""
    paths = Paths(np.array([information]), np.array(limits[:-1]), np.array([theta]))
    last = np.array([limits[-1]])
    return float((paths.stopped + paths.above(last) + paths.below(-last))[0])


@pytest.mark.parametrize(("spending", "looks"), PUBLISHED)
def test_the_boundaries_are_the_published_ones(spending: str, looks: int) -> None:
    assert bounds(spending, 0.05, equal(looks)) == pytest.approx(PUBLISHED[spending, looks], abs=6e-4)


@pytest.mark.parametrize(("looks", "pocock", "fleming"), CONSTANTS)
def test_the_classical_tests_have_their_published_size(looks: int, pocock: float, fleming: float) -> None:
    assert crossing([pocock] * looks, equal(looks)) == pytest.approx(0.05, abs=1e-4)
    limits = [fleming * np.sqrt(looks / (k + 1)) for k in range(looks)]
    assert crossing(limits, equal(looks)) == pytest.approx(0.05, abs=1.5e-4)


# The same book, tables 2.2 and 2.4: the largest sample of five looks over that of a fixed one, power 90 %.
@pytest.mark.parametrize(
    ("limits", "ratio"),
    [([2.413] * 5, 1.207), ([2.040 * np.sqrt(5 / (k + 1)) for k in range(5)], 1.026)],
)
def test_with_the_published_inflation_of_the_sample_the_power_is_ninety_percent(
    limits: list[float], ratio: float
) -> None:
    drift = (stats.norm.isf(0.025) + stats.norm.isf(0.1)) * np.sqrt(ratio)
    assert crossing(limits, equal(5), theta=drift) == pytest.approx(0.9, abs=1e-3)


def test_two_looks_agree_with_a_double_integral_over_the_joint_normal() -> None:
    first, second = bounds(POCOCK, 0.05, [0.4, 1.0])
    law = stats.multivariate_normal([0, 0], [[1, np.sqrt(0.4)], [np.sqrt(0.4), 1]])
    inside, _error = integrate.dblquad(
        lambda b, a: law.pdf([a, b]), -first, first, -second, second, epsabs=1e-6
    )
    assert 1 - inside == pytest.approx(0.05, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    alpha=st.floats(0.001, 0.3),
    looks=st.lists(st.integers(1, 200), min_size=1, max_size=6, unique=True),
    spending=st.sampled_from([OBRIEN_FLEMING, POCOCK]),
)
def test_whatever_the_looks_are_the_size_is_what_was_promised(
    alpha: float, looks: list[int], spending: str
) -> None:
    fractions = [n / max(looks) for n in sorted(looks)]
    found = bounds(spending, alpha, fractions)
    assert crossing(list(found), fractions) == pytest.approx(alpha, rel=2e-3)
    assert np.cumsum(np.diff([0, *spent(spending, alpha, fractions)]))[-1] == pytest.approx(alpha)


def test_one_look_alone_is_the_ordinary_test() -> None:
    assert nominal(bounds(POCOCK, 0.05, [1.0])) == pytest.approx([0.05], abs=1e-9)


def test_looks_that_share_more_information_than_planned_cross_less_often() -> None:
    """Images that vary make early looks know more of the last one than their share of the people: never less strict."""
    planned = bounds(POCOCK, 0.05, equal(4))
    shared = [1 / (0.3 + 0.7 / fraction) for fraction in equal(4)]
    assert crossing(list(planned), [one / shared[-1] for one in shared]) < 0.05
