"""The control ``original``: the image itself, how well people can match at most."""

import numpy as np
import numpy.typing as npt


def original(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``I``: float32 (H, W, 3) in 0..1, as it is; the engine takes its luma as scalar map."""
    return image
