"""The control ``edges``: the edge map alone, without any CAM. What people match by edges, they match here."""

import numpy as np
import numpy.typing as npt


def edges(edge_map: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``S = E``: float32 (H, W) in 0..1, as it is."""
    return edge_map
