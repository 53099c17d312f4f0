"""The trained matcher: a conditional logit on correlations of several views, fitted on other images than it judges.

P(choose c) = softmax over the candidates of w·x, x being the correlations of the map's views with those of c (McFadden
1974). Pools are dealt into folds by a seed, and the choices in a fold are made by weights that were fitted on the others:
no image of theirs was seen in training. A ridge keeps the weights of what tells nothing near 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from saliency_worker.observers.views import (
    Picture,
    View,
    high_passed,
    local_contrast,
    luma,
    resized,
    sobel,
    unit,
)

FOLDS = 2
RIDGE = 0.02  # of the mean log-likelihood, on features of unit variance
STEPS = 30
SCALES = (8, 16, 32)  # cells a side
FloatArray = npt.NDArray[np.float64]
Channels = list[list[View]]
"""By scale, what is seen of a picture in several ways."""


@dataclass(frozen=True, eq=False)
class Example:
    """One map in its pool: features (m, d) of the candidates, the place of the source, and which pool it is."""

    features: FloatArray
    right: int
    pool: int


def map_channels(picture: Picture) -> Channels:
    """Brightness, edges, contrast and warmth of a map as served."""
    grey = luma(picture)
    rgb = resized(picture, grey.shape[0])
    warmth = rgb[..., 0] - rgb[..., 2]
    views = (
        grey,
        high_passed(grey),
        cv2.GaussianBlur(warmth, (0, 0), 2.0),
        cv2.magnitude(*_gradients(warmth)),
    )
    return [
        [unit(resized(view, cells)) for view in views] + [unit(local_contrast(grey, cells))]
        for cells in SCALES
    ]


def photo_channels(picture: Picture) -> Channels:
    """Brightness, edges and contrast of a photo, and how far its colours are from its mean colour."""
    grey = luma(picture)
    rgb = resized(picture, grey.shape[0])
    unlike = np.linalg.norm(rgb - rgb.mean((0, 1)), axis=-1).astype(np.float32)
    views = (grey, sobel(grey), unlike)
    return [
        [unit(resized(view, cells)) for view in views] + [unit(local_contrast(grey, cells))]
        for cells in SCALES
    ]


def _gradients(values: View) -> tuple[View, View]:
    across, down = cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def features(of_map: Channels, of_photos: Sequence[Channels]) -> FloatArray:
    """Correlations of each view of the map with each of every candidate at the same scale, (m, d)."""
    return np.array(
        [
            [
                float(a @ b)
                for mine, theirs in zip(of_map, photo, strict=True)
                for a, b in product(mine, theirs)
            ]
            for photo in of_photos
        ]
    )


def cross_fitted(examples: Sequence[Example], seed: int) -> list[FloatArray]:
    """The scores of every example's candidates, (m,) each, by weights fitted on the pools of the other folds.

    Raises ValueError where all examples are of one pool: there are no other images to learn from.
    """
    folds = _folds({example.pool for example in examples}, seed)
    if len(set(folds.values())) < 2:
        raise ValueError("needs two pools or more: it learns from the images of other pools")
    weights = {
        fold: fit([example for example in examples if folds[example.pool] != fold])
        for fold in sorted(set(folds.values()))
    }
    return [example.features @ weights[folds[example.pool]] for example in examples]


def _folds(pools: set[int], seed: int) -> Mapping[int, int]:
    order = np.random.default_rng(seed).permutation(sorted(pools))
    return {int(pool): place % FOLDS for place, pool in enumerate(order)}


def fit(examples: Sequence[Example]) -> FloatArray:
    """Weights (d,) that maximise the mean log-likelihood of the sources less the ridge, by Newton's steps.

    The likelihood is concave, so there is one answer and no seed.
    """
    scale = np.concatenate([example.features - example.features.mean(0) for example in examples]).std(0)
    scale[scale < 1e-9] = 1.0
    by_size: dict[int, list[Example]] = {}
    for example in examples:
        by_size.setdefault(len(example.features), []).append(example)
    groups = [
        (np.stack([e.features / scale for e in own]), np.array([e.right for e in own]))
        for own in by_size.values()
    ]
    weights = np.zeros(len(scale))
    for _ in range(STEPS):
        slope, curve = -2 * RIDGE * weights, 2 * RIDGE * np.eye(len(scale))
        for x, right in groups:
            logits = x @ weights
            share = np.exp(logits - logits.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
            mean = np.einsum("nm,nmd->nd", share, x)
            slope += (x[np.arange(len(x)), right] - mean).sum(0) / len(examples)
            apart = x - mean[:, None]
            curve += np.einsum("nm,nmd,nme->de", share, apart, apart, optimize=True) / len(examples)
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-6:
            break
    return weights / scale
