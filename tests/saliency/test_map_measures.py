"""Sparsity, the pointing game and the rank correlation of maps, by hand and against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import spearmanr

from saliency_worker.saliency.map_measures import hit, rank_correlation, sparsity

maps = arrays.arrays(np.float32, (3, 4), elements=st.integers(0, 6).map(lambda n: n / 6))


def naive_gini(values: np.ndarray) -> float:
    """Half the mean difference of all pairs over the mean."""
    flat = [float(v) for v in values.ravel()]
    return sum(abs(a - b) for a in flat for b in flat) / (2 * len(flat) * sum(flat))


def test_sparsity_by_hand() -> None:
    assert sparsity(np.full((2, 2), 0.3, np.float32)) == pytest.approx(0)
    assert sparsity(np.array([[0, 0], [0, 1]], np.float32)) == pytest.approx(0.75)
    assert sparsity(np.array([[0, 1], [1, 1]], np.float32)) == pytest.approx(0.25)
    assert sparsity(np.zeros((2, 2), np.float32)) == 0


@given(maps.filter(lambda m: m.any()))
def test_sparsity_is_the_mean_difference_of_all_pairs(values: np.ndarray) -> None:
    assert sparsity(values) == pytest.approx(naive_gini(values), abs=1e-9)
    assert sparsity(values * np.float32(0.5)) == pytest.approx(sparsity(values), abs=1e-6)


def test_pointing_by_hand() -> None:
    scalar = np.array([[0.1, 1.0], [1.0, 0.2]], np.float32)
    assert hit(scalar, np.array([[False, True], [True, False]])) == 1
    assert hit(scalar, np.array([[True, False], [False, True]])) == 0
    assert hit(scalar, np.array([[True, True], [False, False]])) == 0.5  # one of two that are largest
    assert hit(scalar, np.zeros((2, 2), bool)) is None


@given(maps, maps)
def test_the_rank_correlation_is_scipys(first: np.ndarray, second: np.ndarray) -> None:
    found = rank_correlation(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic, abs=1e-9)


def test_the_rank_correlation_knows_order_alone() -> None:
    first = np.array([[0.0, 0.2], [0.5, 1.0]], np.float32)
    assert rank_correlation(first, first**3) == pytest.approx(1)
    assert rank_correlation(first, 1 - first) == pytest.approx(-1)
