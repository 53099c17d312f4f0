import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from saliency_worker.saliency.errors import SaliencyError
from saliency_worker.saliency.feature_cam import blend, experiment, luma, normalise

unit = arrays.arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32))
wide = arrays.arrays(np.float32, (3, 4), elements=st.floats(-1000, 1000, width=32).map(lambda x: round(x, 2)))


def test_the_three_inputs_by_hand() -> None:
    image = np.array([[[0.2, 0.4, 0.6]]], np.float32)
    edges = np.array([[0.9]], np.float32)
    np.testing.assert_allclose(blend("edges", image, edges)[0, 0], [0.9, 0.9, 0.9], rtol=1e-6)
    np.testing.assert_allclose(blend("blend21", image, edges)[0, 0], [1.3 / 3, 1.7 / 3, 0.7], rtol=1e-6)
    np.testing.assert_allclose(blend("blend11", image, edges)[0, 0], [0.55, 0.65, 0.75], rtol=1e-6)


@given(F=unit, M=unit, k=st.sampled_from([0.0, 0.25, 0.5]))
def test_experiments_equal_a_naive_loop(F: np.ndarray, M: np.ndarray, k: float) -> None:
    added, product, complement = (np.zeros(F.shape) for _ in range(3))
    for index in np.ndindex(F.shape):
        f, m = float(F[index]), float(M[index])
        added[index], product[index], complement[index] = k * f + m, f * m, (1 - f) * m
    np.testing.assert_allclose(experiment("add", F, M, k), added, atol=1e-6)
    np.testing.assert_allclose(experiment("mul", F, M), product, atol=1e-6)
    np.testing.assert_allclose(experiment("comp", F, M), complement, atol=1e-6)


def test_it_rejects_an_unknown_experiment() -> None:
    with pytest.raises(ValueError, match="one of add, mul, comp"):
        experiment("div", np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))


def test_luma_weights_the_channels() -> None:
    np.testing.assert_allclose(luma(np.eye(3, dtype=np.float32)[None])[0], [0.299, 0.587, 0.114], rtol=1e-6)


@given(values=wide, scale=st.sampled_from([0.5, 4.0, 64.0]))
def test_normalising_ignores_scale_and_is_monotonic(values: np.ndarray, scale: float) -> None:
    scaled = normalise(values)
    assert np.array_equal(normalise(values * np.float32(scale)), scaled)
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(scaled.ravel()[order]) >= 0).all()
    if values.min() < values.max():
        assert scaled.min() == 0
        assert scaled.max() == 1


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30])
def test_a_flat_map_is_all_zeros(value: float) -> None:
    assert not normalise(np.full((2, 3), value, np.float32)).any()


def test_huge_and_negative_values_do_not_overflow() -> None:
    scaled = normalise(np.array([[-3e38, 0, 3e38]], np.float32))
    np.testing.assert_allclose(scaled, [[0, 0.5, 1]], atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_it_rejects_values_that_are_not_finite(bad: float) -> None:
    with pytest.raises(SaliencyError, match="NaN or infinite"):
        normalise(np.array([[0.0, bad]], np.float32))
