"""LayerCAM, HiResCAM, XGrad-CAM and Eigen-CAM against naive loops and a singular value decomposition in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from saliency_worker.saliency.methods.eigencam import eigencam
from saliency_worker.saliency.methods.gradcam import gradcam
from saliency_worker.saliency.methods.hirescam import hirescam
from saliency_worker.saliency.methods.layercam import layercam
from saliency_worker.saliency.methods.xgradcam import xgradcam

SHAPE = (2, 3, 2, 4)
numbers = arrays.arrays(np.float64, SHAPE, elements=st.floats(-8, 8).map(lambda x: round(x, 3)))
positive = arrays.arrays(np.float64, SHAPE, elements=st.floats(0, 8).map(lambda x: round(x, 3)))


def naive(A: np.ndarray, g: np.ndarray, weight) -> np.ndarray:
    """``ReLU(sum_k weight(n, i, j, k) A_k)``, one number after the other."""
    M = np.zeros(A.shape[:3])
    for n, i, j, k in np.ndindex(A.shape):
        M[n, i, j] += weight(n, i, j, k) * A[n, i, j, k]
    return np.maximum(M, 0)


def naive_xgradcam(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    def weight(n: int, i: int, j: int, k: int) -> float:
        total = A[n, :, :, k].sum()
        if total == 0:
            return 0.0
        _, h, w, _ = A.shape
        return sum(A[n, a, b, k] / total * g[n, a, b, k] for a in range(h) for b in range(w))

    return naive(A, g, weight)


def first_component(A: np.ndarray) -> np.ndarray:
    maps = []
    for one in A:
        matrix = one.reshape(-1, one.shape[-1])
        left, values, _ = np.linalg.svd(matrix, full_matrices=False)
        map_ = (left[:, 0] * values[0]).reshape(one.shape[:2])
        maps.append(-map_ if map_.sum() < 0 else map_)
    return np.stack(maps)


def test_two_channels_by_hand() -> None:
    A = np.array([[[[1.0, 4.0], [2.0, 0.0]]]])
    g = np.array([[[[2.0, -1.0], [3.0, -1.0]]]])
    # LayerCAM: 2*1 + 0*4, 3*2 + 0*0. HiResCAM, which has a sign: 2*1 - 1*4, 3*2 - 1*0.
    assert np.asarray(layercam(A, g)).tolist() == [[[2.0, 6.0]]]
    assert np.asarray(hirescam(A, g)).tolist() == [[[-2.0, 6.0]]]
    # XGrad-CAM: w = (1*2 + 2*3) / 3 = 8/3 and (4*-1 + 0) / 4 = -1; 8/3 - 4 is cut to 0, 16/3.
    np.testing.assert_allclose(xgradcam(A, g), [[[0.0, 16 / 3]]], rtol=1e-12)


def test_eigencam_by_hand() -> None:
    # One direction of channels, (3, 4) / 5, at two places of length 5 and 10: the map is these lengths.
    A = np.array([[[[3.0, 4.0], [6.0, 8.0]]]])
    np.testing.assert_allclose(eigencam(A), [[[5.0, 10.0]]], rtol=1e-12)
    np.testing.assert_allclose(eigencam(-A), [[[5.0, 10.0]]], rtol=1e-12)  # the sign is ours to choose


@given(A=numbers, g=numbers)
def test_formulas_equal_a_naive_loop_over_the_equation(A: np.ndarray, g: np.ndarray) -> None:
    np.testing.assert_allclose(layercam(A, g), naive(A, g, lambda *at: max(g[at], 0)), atol=1e-9)
    positive = np.maximum(hirescam(A, g), 0)
    np.testing.assert_allclose(positive, naive(A, g, lambda *at: g[at]), atol=1e-9)
    np.testing.assert_allclose(hirescam(A, g), (A * g).sum(axis=-1), atol=1e-9)


@given(A=positive, g=numbers)
def test_xgradcam_equals_a_naive_loop_over_the_equation(A: np.ndarray, g: np.ndarray) -> None:
    np.testing.assert_allclose(xgradcam(A, g), naive_xgradcam(A, g), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(2, 3, 2, 4), (2, 3, 4, 5), (1, 2, 2, 30)])
def test_eigencam_is_the_first_singular_vector_times_its_value(shape: tuple[int, ...]) -> None:
    for seed in range(20):
        A = np.maximum(np.random.default_rng(seed).normal(0.3, 1, shape), 0)
        np.testing.assert_allclose(eigencam(A), first_component(A), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(eigencam(A.astype(np.float32)), first_component(A), rtol=1e-3, atol=1e-4)


def test_eigencam_of_activations_that_are_not_negative_is_not_negative() -> None:
    A = np.random.default_rng(0).gamma(1, size=(3, 4, 4, 9)).astype(np.float32)
    assert (np.asarray(eigencam(A)) >= -1e-6).all()


@pytest.mark.parametrize("formula", [layercam, hirescam, xgradcam])
@given(A=positive, g=numbers)
def test_a_gradient_equal_at_every_place_may_be_given_once(formula, A: np.ndarray, g: np.ndarray) -> None:
    once = g[:, :1, :1]
    np.testing.assert_allclose(
        formula(A, once), formula(A, np.broadcast_to(once, SHAPE)), rtol=1e-9, atol=1e-9
    )


@given(A=positive, g=numbers)
def test_where_the_gradient_is_equal_at_every_place_three_methods_are_gradcam(
    A: np.ndarray, g: np.ndarray
) -> None:
    once = np.broadcast_to(g[:, :1, :1], SHAPE)
    for formula in (hirescam, xgradcam):
        found = np.maximum(formula(A, once), 0)
        np.testing.assert_allclose(found, gradcam(A, once), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        layercam(A, np.maximum(once, 0)), gradcam(A, np.maximum(once, 0)), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("formula", [layercam, hirescam, xgradcam, lambda A, g: eigencam(A)])
def test_all_zero_input_gives_a_zero_map_and_huge_values_stay_finite(formula) -> None:
    zero, one = np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32)
    assert not np.asarray(formula(zero, one)).any()
    assert np.isfinite(np.asarray(formula(1e18 * one, 1e-3 * one))).all()
    assert np.asarray(formula(1e18 * one, 1e-3 * one)).any()


@given(A=positive, g=numbers, order=st.permutations(range(SHAPE[3])))
def test_the_order_of_the_channels_does_not_matter(A: np.ndarray, g: np.ndarray, order: list[int]) -> None:
    for formula in (layercam, hirescam, xgradcam):
        found = np.asarray(formula(A, g))
        np.testing.assert_allclose(formula(A[..., order], g[..., order]), found, rtol=1e-9, atol=1e-9)
