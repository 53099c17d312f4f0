import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from saliency_worker.saliency.explanation import explanation_map, explanation_mask, percentile_mask, rank_mask

maps = arrays.arrays(np.float32, (5, 7), elements=st.sampled_from([0.0, 0.125, 0.25, 0.3, 0.5, 0.7, 1.0]))


@given(scalar=maps, percentile=st.sampled_from([0.0, 5.0, 20.0, 50.0, 80.0, 100.0]))
def test_it_keeps_what_reaches_the_percentile(scalar: np.ndarray, percentile: float) -> None:
    threshold = np.percentile(scalar.astype(np.float64), percentile)
    # A pixel on the threshold itself is kept; rounding of the interpolated value may not lose it.
    expected = scalar >= threshold - 1e-9
    assert np.array_equal(percentile_mask(scalar, percentile), expected)


def test_the_top_eighty_percent_are_kept_by_default() -> None:
    scalar = np.random.default_rng(0).permutation(100).reshape(10, 10).astype(np.float32)
    mask = explanation_mask(scalar)
    assert mask.sum() == 80
    assert scalar[mask].min() == 20


def test_ties_at_the_bottom_are_all_kept_by_the_percentile_rule() -> None:
    scalar = np.zeros((10, 10), np.float32)
    scalar[0] = 1
    assert percentile_mask(scalar).all()


@given(scalar=maps, seed=st.integers(0, 5), percentile=st.sampled_from([0.0, 20.0, 80.0]))
def test_the_rank_rule_keeps_an_exact_share_and_never_the_lower_value(
    scalar: np.ndarray, seed: int, percentile: float
) -> None:
    mask = rank_mask(scalar, percentile, seed)
    assert mask.sum() == scalar.size - round(percentile / 100 * scalar.size)
    if mask.any() and not mask.all():
        assert scalar[mask].min() >= scalar[~mask].max()


def test_ties_are_broken_by_the_seed_and_not_by_position() -> None:
    flat = np.zeros((20, 20), np.float32)
    masks = [rank_mask(flat, 20, seed) for seed in (1, 1, 2)]
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])
    assert 0 < (~masks[0][:10]).sum() < 80


def test_the_explanation_map_is_black_where_nothing_is_kept() -> None:
    image = np.full((2, 2, 3), 9, np.uint8)
    kept = explanation_map(image, np.array([[True, False], [False, True]]))
    assert kept[..., 0].tolist() == [[9, 0], [0, 9]]


def test_it_rejects_an_unknown_rule() -> None:
    with pytest.raises(ValueError, match="percentile, rank"):
        explanation_mask(np.zeros((2, 2), np.float32), rule="top")
