"""Each observer's view of a map as served, and of a candidate's photo. Scores are products of the two."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saliency_worker.observer_kinds import EDGE, GREY, OTHER_CAM, TEXTURE
from saliency_worker.observers.views import (
    GRID,
    Picture,
    View,
    blurred,
    heat,
    high_passed,
    local_contrast,
    luma,
    resized,
    sobel,
    unit,
)

Views = Mapping[str, View]
"""By observer, what it makes of one picture."""


@dataclass(frozen=True, slots=True)
class Palette:
    """What an observer knows of how maps are drawn: the name of the colour map."""

    colour_map: str = "jet"


def of_map(picture: Picture, palette: Palette = Palette()) -> dict[str, View]:
    """What each observer sees in a map as participants are served it, uint8 RGB."""
    grey = luma(picture)
    return {
        EDGE: unit(high_passed(grey)),
        TEXTURE: unit(local_contrast(grey)),
        GREY: unit(blurred(grey)),
        OTHER_CAM: unit(heat(picture, palette.colour_map)),
    }


def of_photo(picture: Picture, other_cam: npt.NDArray[np.floating] | None = None) -> dict[str, View]:
    """What each observer sees in a candidate, uint8 RGB. other_cam: its map, (H, W) in 0..1, by another classifier.

    Without it the observer that needs it sees nothing, and its key is missing.
    """
    grey = luma(picture)
    found = {
        EDGE: unit(sobel(grey)),
        TEXTURE: unit(local_contrast(grey)),
        GREY: unit(blurred(grey)),
    }
    if other_cam is not None:
        found[OTHER_CAM] = unit(resized(np.asarray(other_cam, np.float32), GRID))
    return found
