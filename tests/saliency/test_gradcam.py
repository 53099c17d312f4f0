"""The formulas against naive loops over the equations in float64, on hand-sized numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from saliency_worker.saliency.methods.cam import cam
from saliency_worker.saliency.methods.gradcam import gradcam
from saliency_worker.saliency.methods.gradcampp import alphas, gradcampp
from saliency_worker.saliency.methods.smoothgradcampp import smoothgradcampp

SHAPE = (2, 3, 2, 4)
numbers = arrays.arrays(np.float64, SHAPE, elements=st.floats(-8, 8).map(lambda x: round(x, 3)))
positive = arrays.arrays(np.float64, SHAPE, elements=st.floats(0, 8).map(lambda x: round(x, 3)))


def naive_cam(A: np.ndarray, w: np.ndarray) -> np.ndarray:
    M = np.zeros(A.shape[:3])
    for n, i, j, k in np.ndindex(A.shape):
        M[n, i, j] += w[n, k] * A[n, i, j, k]
    return M


def naive_gradcam(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    N, h, w, K = A.shape
    alpha = np.zeros((N, K))
    for n, i, j, k in np.ndindex(A.shape):
        alpha[n, k] += g[n, i, j, k] / (h * w)
    return np.maximum(naive_cam(A, alpha), 0)


def naive_gradcampp(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    N, _, _, K = A.shape
    w = np.zeros((N, K))
    for n, i, j, k in np.ndindex(A.shape):
        gradient = g[n, i, j, k]
        denominator = 2 * gradient**2 + A[n, :, :, k].sum() * gradient**3
        alpha = gradient**2 / denominator if denominator != 0 else 0.0
        w[n, k] += alpha * max(gradient, 0)
    return np.maximum(naive_cam(A, w), 0)


def test_cam_of_two_channels_by_hand() -> None:
    A = np.array([[[[1.0, 10.0], [2.0, 20.0]]]])
    assert np.asarray(cam(A, np.array([[3.0, -1.0]]))).tolist() == [[[-7.0, -14.0]]]


def test_gradcam_by_hand() -> None:
    A = np.array([[[[1.0, 4.0], [2.0, 0.0]]]])
    g = np.array([[[[1.0, -1.0], [3.0, -1.0]]]])
    # alpha = (2, -1): 2*1 - 4 < 0 is cut to 0, 2*2 - 0 = 4.
    assert np.asarray(gradcam(A, g)).tolist() == [[[0.0, 4.0]]]


def test_gradcampp_by_hand() -> None:
    A = np.array([[[[1.0], [3.0]]]])
    g = np.array([[[[0.5], [-0.25]]]])
    # alpha = 1 / (2 + 0.5 * 4) and 1 / (2 - 0.25 * 4); w = 0.25 * 0.5 for the negative gradient does not count.
    assert np.asarray(alphas(A, g)).ravel().tolist() == [0.25, 1.0]
    assert np.asarray(gradcampp(A, g)).tolist() == [[[0.125, 0.375]]]


@given(A=numbers, g=numbers)
def test_formulas_equal_a_naive_loop_over_the_equation(A: np.ndarray, g: np.ndarray) -> None:
    totals = A.sum(axis=(1, 2), keepdims=True)
    if np.any((np.abs(2 + g * totals) < 1e-6) & (g != 0)):
        return  # on the pole rounding decides; the next test has the exact pole
    np.testing.assert_allclose(cam(A, g[:, 0, 0]), naive_cam(A, g[:, 0, 0]), atol=1e-9)
    np.testing.assert_allclose(gradcam(A, g), naive_gradcam(A, g), atol=1e-9)
    np.testing.assert_allclose(gradcampp(A, g), naive_gradcampp(A, g), rtol=1e-7, atol=1e-9)


def test_alpha_is_zero_where_gradient_or_denominator_is_zero() -> None:
    A = np.full((1, 1, 2, 1), 2.0)
    g = np.array([[[[0.0], [-0.5]]]])  # 2 + g * 4 = 0 for the second
    assert np.asarray(alphas(A, g)).ravel().tolist() == [0.0, 0.0]
    assert np.asarray(gradcampp(A, g)).ravel().tolist() == [0.0, 0.0]


def test_tiny_gradients_do_not_underflow_in_float32() -> None:
    A = np.full((1, 2, 2, 1), 1.0, np.float32)
    g = np.full((1, 2, 2, 1), 1e-20, np.float32)  # g^2 and g^3 are 0 in float32
    np.testing.assert_allclose(np.asarray(alphas(A, g)), 0.5)
    assert np.asarray(gradcampp(A, g)).min() > 0


def test_huge_values_stay_finite_in_float32() -> None:
    A = np.full((1, 2, 2, 1), 1e18, np.float32)
    g = np.full((1, 2, 2, 1), 1e18, np.float32)
    assert np.isfinite(np.asarray(gradcam(A, g))).all()
    assert np.isfinite(np.asarray(gradcampp(A, g))).all()


@pytest.mark.parametrize("formula", [gradcam, gradcampp])
def test_all_zero_input_gives_a_zero_map(formula: object) -> None:
    zero = np.zeros(SHAPE, np.float32)
    assert not np.asarray(formula(zero, zero)).any()
    assert not np.asarray(formula(zero, zero + 1)).any()
    assert not np.asarray(formula(zero + 1, zero)).any()


@pytest.mark.parametrize("formula", [gradcam, gradcampp])
def test_nan_is_passed_on_and_not_hidden(formula: object) -> None:
    A = np.ones(SHAPE, np.float32)
    A[0, 0, 0, 0] = np.nan
    assert np.isnan(np.asarray(formula(A, np.ones(SHAPE, np.float32)))).any()


@pytest.mark.parametrize("formula", [gradcam, gradcampp])
@given(A=positive, g=numbers, order=st.permutations(range(SHAPE[3])))
def test_the_order_of_the_channels_does_not_matter(formula, A, g, order) -> None:
    np.testing.assert_allclose(
        formula(A[..., order], g[..., order]),
        formula(A, g),
        rtol=1e-9,
        atol=1e-9 * np.abs(formula(A, g)).max(),
    )


@given(A=positive, g=numbers, scale=st.sampled_from([0.25, 2.0, 16.0]))
def test_gradcam_is_linear_in_the_score(A: np.ndarray, g: np.ndarray, scale: float) -> None:
    np.testing.assert_allclose(gradcam(A, scale * g), scale * np.asarray(gradcam(A, g)), rtol=1e-9)


@given(A=positive, g=numbers, scale=st.sampled_from([0.25, 2.0, 16.0]))
def test_gradcampp_does_not_change_when_a_layer_is_rescaled(
    A: np.ndarray, g: np.ndarray, scale: float
) -> None:
    """The same network with activations times s has gradients over s: the same map."""
    np.testing.assert_allclose(gradcampp(scale * A, g / scale), gradcampp(A, g), rtol=1e-9)


def test_smooth_is_the_mean_of_the_maps() -> None:
    maps = np.array([[[0.0, 2.0]], [[1.0, 4.0]]], np.float32)
    assert smoothgradcampp(maps).tolist() == [[0.5, 3.0]]
