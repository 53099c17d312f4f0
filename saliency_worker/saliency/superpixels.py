"""Regions of a picture that belong together, by SLIC of scikit-image."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import ImageError

Superpixels = Callable[[int], npt.NDArray[np.intp]]
"""From about how many regions to the labels (H, W) of a picture."""


def superpixels(picture: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.intp]:
    """Labels (H, W) from 0 of about ``count`` regions of an RGB picture (Achanta et al. 2012).

    Smoothed a little and compact, so that noise does not melt into one region. The same picture gives the same regions.
    Raises ImageError where there are fewer than two: then nothing can be hidden without hiding all.
    """
    from skimage.segmentation import slic  # with SciPy behind it, and most runs need none

    labels = np.asarray(slic(picture, count, compactness=20, sigma=1, start_label=0, channel_axis=-1))
    found, compact = np.unique(labels, return_inverse=True)
    if len(found) < 2:
        raise ImageError(
            f"The picture of {picture.shape[0]}x{picture.shape[1]} pixels has one superpixel only: ask for more, or "
            "choose a method without superpixels."
        )
    return compact.reshape(labels.shape)
