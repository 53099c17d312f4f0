"""Occlusion, discrepancy, RISE, LIME, multi-scale, Score-CAM and Ablation-CAM against naive second implementations."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from saliency_worker.saliency.answers import Asker, Said
from saliency_worker.saliency.errors import ImageError, SettingsError
from saliency_worker.saliency.methods.ablationcam import ablationcam
from saliency_worker.saliency.methods.discrepancy import discrepancy
from saliency_worker.saliency.methods.lime import lime, proximity
from saliency_worker.saliency.methods.multiscale import log_odds, multiscale
from saliency_worker.saliency.methods.occlusion import occlusion
from saliency_worker.saliency.methods.rise import _Grid, rise
from saliency_worker.saliency.methods.scorecam import scorecam
from saliency_worker.saliency.probe import in_pixels, interpolation, places
from saliency_worker.saliency.superpixels import superpixels
from tests.saliency.probes import BATCH, Linear, drawn, probe_of, sigmoid

QUARTERS = np.repeat(np.repeat([[0, 1], [2, 3]], 4, axis=0), 4, axis=1)  # superpixels of 8 x 8 pixels


def test_occlusion_of_two_pixels_by_hand() -> None:
    # Black and white; the white one counts with ln 3: odds 3 to 1, and under a square of one pixel of grey (128/255).
    picture = np.array([[[0] * 3, [255] * 3]], np.uint8)
    network = Linear(np.array([[[0.0] * 3, [math.log(3) / 3] * 3]]))
    found = occlusion(probe_of(picture, network), size=1.0, stride=1.0)
    np.testing.assert_allclose(found, [[[0.0, 0.75 - sigmoid(math.log(3) * 128 / 255)]]], atol=1e-6)


def test_occlusion_equals_a_naive_loop() -> None:
    picture, network = drawn(7, 9)
    found = occlusion(probe_of(picture, network, (1, 0)), size=3 / 7, stride=2 / 7)
    row = picture.astype(np.float64) / 255
    total, covered = np.zeros((7, 9)), np.zeros((7, 9))
    for top in (0, 2, 4):
        for left in (0, 2, 4, 6):
            changed = row.copy()
            changed[top : top + 3, left : left + 3] = 128 / 255
            drop = sigmoid((row * network.weights).sum()) - sigmoid((changed * network.weights).sum())
            total[top : top + 3, left : left + 3] += drop
            covered[top : top + 3, left : left + 3] += 1
    np.testing.assert_allclose(found[1], total / covered, atol=1e-6)
    np.testing.assert_allclose(
        found[0], -found[1], atol=1e-6
    )  # the other class of two gains what this one loses
    assert sum(network.asked) == 1 + 12 and max(network.asked) == BATCH


def test_squares_cover_the_whole_picture_and_the_last_touch_its_border() -> None:
    assert places((5, 4), 2, 2) == [(t, left) for t in (0, 2, 3) for left in (0, 2)]
    assert places((3, 3), 3, 1) == [(0, 0)]
    assert in_pixels(0.001, (20, 30)) == 1 and in_pixels(1 / 7, (224, 224)) == 32
    with pytest.raises(SettingsError, match="larger than the picture of 3x5"):
        places((3, 5), 4, 1)
    with pytest.raises(SettingsError, match="leave gaps"):
        places((9, 9), 2, 3)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
def test_every_pixel_is_covered_whatever_the_sizes(height: int, width: int, side: int, stride: int) -> None:
    side = min(side, height, width)
    stride = min(stride, side)
    covered = np.zeros((height, width))
    for top, left in places((height, width), side, stride):
        assert top + side <= height and left + side <= width
        covered[top : top + side, left : left + side] += 1
    assert covered.all()


def test_discrepancy_is_the_size_of_the_change_of_the_logit() -> None:
    picture, network = drawn(6, 6, 1)
    probe = probe_of(picture, network, (0, 1))
    found = discrepancy(probe, 7, size=1 / 6, stride=1 / 6)
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)  # logits w x and -w x move equally far
    assert (found >= 0).all() and sum(network.asked) == 1 + 36
    # With squares of one pixel the discrepancy is |w (x - r)|, r within 0..1: no pixel can move further than that.
    row = picture.astype(np.float64) / 255
    most = (np.abs(network.weights) * np.maximum(row, 1 - row)).sum(axis=-1)
    assert (found[0] <= most + 1e-5).all()
    # And it is the mean over the squares where they overlap.
    wide = discrepancy(probe, 7, size=5 / 6, stride=1 / 6)[0]
    assert wide[0, 0] != wide[0, 5]
    np.testing.assert_allclose(
        wide[2, 2], np.mean([wide[0, 0], wide[0, 5], wide[5, 0], wide[5, 5]]), atol=1e-5
    )


def test_discrepancy_of_the_same_seed_is_the_same_and_of_another_not() -> None:
    picture, network = drawn(6, 6, 1)
    maps = [discrepancy(probe_of(picture, network), s, size=0.5, stride=0.5) for s in (3, 3, 4)]
    assert np.array_equal(maps[0], maps[1]) and not np.array_equal(maps[0], maps[2])


@pytest.mark.parametrize(("cells", "sides"), [(3, (7, 9)), (2, (8, 8)), (7, (5, 6))])
def test_masks_of_rise_are_an_enlarged_grid_cut_at_random(cells: int, sides: tuple[int, int]) -> None:
    grid = _Grid(sides, cells, 0.5, 11)
    steps = [math.ceil(side / cells) for side in sides]
    large = [interpolation(cells, (cells + 1) * step) for step in steps]
    shifts = set()
    for number in range(40):
        mask = grid.mask(number)
        assert mask.shape == sides and mask.min() >= 0 and mask.max() <= 1
        fits = {
            (top, left)
            for top in range(steps[0])
            for left in range(steps[1])
            if _is_cut(mask, large[0][top : top + sides[0]], large[1][left : left + sides[1]])
        }
        assert fits
        shifts |= fits
    assert len(shifts) > steps[0] * steps[1] / 2
    kept = np.mean([grid.mask(number).mean() for number in range(400)])
    assert abs(kept - 0.5) < 0.05


def _is_cut(mask: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> bool:
    """Whether some grid of zeros and ones, enlarged by these matrices, is the mask."""
    grid = np.rint(np.linalg.pinv(rows) @ mask @ np.linalg.pinv(columns).T)
    return np.allclose(rows @ grid @ columns.T, mask, atol=1e-5)


def test_rise_equals_a_naive_loop_over_its_masks() -> None:
    picture, network = drawn(6, 8, 2)
    found = rise(probe_of(picture, network, (0, 1)), 7, masks=10, cells=2, kept=0.4)
    grid, row = _Grid((6, 8), 2, 0.4, 7), picture.astype(np.float64) / 255
    expected = np.zeros((6, 8))
    for number in range(10):
        mask = grid.mask(number).astype(np.float64)
        expected += sigmoid((row * mask[..., None] * network.weights).sum()) * mask / (0.4 * 10)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4)
    assert network.asked == [3, 3, 3, 1]


def test_rise_of_a_network_that_sees_one_half_points_there() -> None:
    picture = np.full((8, 8, 3), 255, np.uint8)
    weights = np.zeros((8, 8, 3))
    weights[:, 4:] = 0.05
    found = rise(probe_of(picture, Linear(weights)), 7, masks=600, cells=4, kept=0.5)[0]
    assert found[:, 4:].mean(axis=0).min() > found[:, :3].mean(axis=0).max()


def test_enlarging_matrices_agree_with_hand_sized_numbers() -> None:
    np.testing.assert_allclose(
        interpolation(2, 4) @ [0.0, 1.0], [0, 0.25, 0.75, 1]
    )  # half-pixel centres, the border continued
    np.testing.assert_allclose(interpolation(5, 9).sum(axis=1), 1)
    assert np.array_equal(interpolation(4, 4), np.eye(4))


def test_lime_is_scikit_learns_weighted_ridge_on_the_same_choices() -> None:
    picture, network = drawn(8, 8, 3)
    rows: list[np.ndarray] = []

    def remember(given: np.ndarray) -> np.ndarray:
        rows.extend(given.copy())
        return network(given)

    probe = probe_of(picture, remember, (0, 1))
    found = lime(probe, lambda count: QUARTERS, 7, samples=20, segments=4)
    shown = np.array([[np.abs(r - probe.row)[q == QUARTERS].max() < 1e-6 for q in range(4)] for r in rows])
    assert shown[0].all() and len(shown) == 20 and not shown.all()
    for one, row in zip(shown, rows, strict=True):
        for quarter in np.flatnonzero(~one):
            inside = quarter == QUARTERS
            np.testing.assert_allclose(
                row[inside], np.tile(probe.row[inside].mean(axis=0), (16, 1)), atol=1e-5
            )
    distances = 1 - np.sqrt(shown.mean(axis=1))
    weights = np.sqrt(np.exp(-(distances**2) / 0.25**2))
    np.testing.assert_allclose(proximity(shown.mean(axis=1)), weights)
    scores = sigmoid(np.array([(r.astype(np.float64) * network.weights).sum() for r in rows]))
    ridge = Ridge(alpha=1.0).fit(shown.astype(float), scores, sample_weight=weights)
    for quarter in range(4):
        np.testing.assert_allclose(found[0][quarter == QUARTERS], ridge.coef_[quarter], atol=1e-6)
        np.testing.assert_allclose(found[1][quarter == QUARTERS], -ridge.coef_[quarter], atol=1e-6)


def test_multiscale_equals_a_naive_loop_over_regions_and_fillings() -> None:
    picture, network = drawn(8, 8, 4)
    halves = np.repeat([0, 1], 4)[:, None] + np.zeros(8, int)
    scales = {4: QUARTERS, 2: halves}
    rows: list[np.ndarray] = []

    def remember(given: np.ndarray) -> np.ndarray:
        rows.extend(given.copy())
        return network(given)

    probe = probe_of(picture, remember)
    found = multiscale(probe, lambda count: scales[count], 7, finest=4, scales=2, fillings=3)[0]
    assert len(rows) == 1 + (4 + 2) * 3
    scores = iter(sigmoid(np.array([(r.astype(np.float64) * network.weights).sum() for r in rows])))
    own = next(scores)
    expected = np.zeros((8, 8))
    for labels in scales.values():
        regions = labels.max() + 1
        # One filling after the other, each in all regions: so one alone is in memory.
        asked = np.array([[next(scores) for _ in range(regions)] for _ in range(3)])
        for region, without in enumerate(asked.mean(axis=0)):
            evidence = math.log2(own / (1 - own)) - math.log2(without / (1 - without))
            expected[labels == region] += evidence / 2
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    border = np.ones((8, 8), bool)
    border[1:-1, 1:-1] = False
    noise = np.concatenate(
        [(row - probe.row)[QUARTERS == 0] + probe.row[QUARTERS == 0] for row in rows[1:13:4]]
    )
    assert np.abs(noise.mean(axis=0) - probe.row[border].mean(axis=0)).max() < 0.2  # of 48 numbers


def test_log_odds_by_hand_and_never_infinite() -> None:
    np.testing.assert_allclose(log_odds(np.array([0.5, 0.8, 0.2])), [0, 2, -2])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_scorecam_equals_a_naive_loop_over_the_channels() -> None:
    picture, network = drawn(6, 9, 5)
    A = np.maximum(np.random.default_rng(1).normal(size=(2, 3, 5)), 0).astype(np.float32)
    A[..., 2], A[..., 4] = 0, 0.7  # one dead, one the same everywhere
    found = scorecam(probe_of(picture, network, (0, 1)), A)
    assert sum(network.asked) == 4  # the dead channel costs no pass
    row = picture.astype(np.float64) / 255
    for target, sign in ((0, 1), (1, -1)):
        scores = []
        for k in range(5):
            H = interpolation(2, 6) @ A[..., k].astype(np.float64) @ interpolation(3, 9).T
            H = (H - H.min()) / np.ptp(H) if np.ptp(H) > 1e-6 else np.zeros_like(H)
            scores.append(sign * (row * H[..., None] * network.weights).sum())
        powers = np.exp(scores)
        expected = np.maximum((A * powers).sum(axis=-1), 0)
        np.testing.assert_allclose(found[target] / found[target].max(), expected / expected.max(), rtol=1e-4)


def test_scorecam_of_activations_that_are_all_zero_is_zero() -> None:
    picture, network = drawn(4, 4)
    assert scorecam(probe_of(picture, network), np.zeros((2, 2, 3), np.float32)).tolist() == [
        [[0, 0], [0, 0]]
    ]


def test_ablationcam_by_hand() -> None:
    A = np.array([[[1.0, 4.0], [2.0, 0.0]]], np.float32)
    # The logit is the sum of 1 x the first channel and -1/4 x the second, less 10. Without the first it loses 3, without
    # the second it gains 1: 3*1 - 1*4 is cut to 0, 3*2. That it is negative turns nothing round.
    assert ablationcam(A, head(A.shape, lambda a: a[..., 0].sum() - a[..., 1].sum() / 4 - 10)).tolist() == [
        [0.0, 6.0]
    ]


def test_ablationcam_equals_a_naive_loop_and_asks_for_live_channels_alone() -> None:
    A = np.maximum(np.random.default_rng(3).normal(size=(3, 4, 9)), 0).astype(np.float32)
    A[..., 5] = 0
    asked: list[int] = []
    score = lambda a: float(np.tanh(a.sum(axis=(0, 1)) / 9).prod() + a[0, 0].sum())  # noqa: E731
    expected = np.zeros((3, 4))
    for k in range(9):
        without = A.copy()
        without[..., k] = 0
        expected += (score(A) - score(without)) * A[..., k].astype(np.float64)
    np.testing.assert_allclose(
        ablationcam(A, head(A.shape, score, asked)), np.maximum(expected, 0), rtol=1e-4, atol=1e-5
    )
    assert sum(asked) == 1 + 8 and max(asked) == BATCH


def head(
    shape: tuple[int, ...], score: Callable[[np.ndarray], float], asked: list[int] | None = None
) -> Asker[Said]:
    """What a network whose head is ``score`` says to activations (n, h, w, K)."""

    def batch(rows: np.ndarray) -> np.ndarray:
        if asked is not None:
            asked.append(len(rows))
        return np.array([score(row.astype(np.float64)) for row in rows])

    return Asker(BATCH, shape, batch, lambda logits: Said(logits, logits))


def test_superpixels_are_numbered_without_gaps_and_always_the_same() -> None:
    picture, _ = drawn(40, 48)
    labels = superpixels(picture, 12)
    assert labels.shape == (40, 48) and set(np.unique(labels)) == set(range(labels.max() + 1))
    assert 2 <= labels.max() + 1 <= 24
    assert np.array_equal(labels, superpixels(picture, 12))


def test_one_superpixel_is_refused_in_one_line() -> None:
    with pytest.raises(ImageError, match="has one superpixel only") as refused:
        superpixels(np.zeros((8, 8, 3), np.uint8), 1)
    assert "\n" not in str(refused.value)


def test_a_flat_picture_still_has_superpixels() -> None:
    assert superpixels(np.full((32, 32, 3), 77, np.uint8), 9).max() > 0
