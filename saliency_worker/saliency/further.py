"""What is measured of an image's maps: their explanation maps, and what saliency_worker.measures names beside."""

import numpy as np

from saliency_worker.saliency.explanation import explanation_mask
from saliency_worker.saliency.map_measures import hit, sparsity
from saliency_worker.saliency.probe import Probe
from saliency_worker.saliency.removal import AREAS, Remover
from saliency_worker.saliency.settings import Settings
from saliency_worker.saliency.work import Array, Work, is_empty


def mask(work: Work, settings: Settings, black: Array) -> None:
    """The explanation maps of the predicted class take the place of the rows. black: the colour (C,) behind them."""
    composed = work.composed[0]
    plain = work.plain = work.rows[0]
    work.rows = np.empty((len(composed), *plain.shape), np.float32)
    for index, key in enumerate(settings.methods):
        kept = explanation_mask(composed[key].scalar, settings.percentile, settings.keep, work.seed)
        work.kept[key] = float(kept.mean())
        work.rows[index] = plain
        work.rows[index][~kept] = black


def measure_alone(work: Work) -> None:
    """What the maps of the explained class say by themselves: sparsity, and the pointing game where a region is known."""
    for key, composed in work.composed[0].items():
        found: dict[str, float | None] = {"sparsity": sparsity(composed.scalar)}
        if work.region is not None:
            found["pointing"] = hit(composed.scalar, work.region)
        work.further[key] = found


def remove_and_insert(work: Work, probe: Probe, steps: int) -> None:
    """What the network says as the most salient pixels go, and come; nothing of a map that explains nothing."""
    remover = Remover(probe, steps)
    for key, composed in work.composed[0].items():
        empty = is_empty(work, key)
        work.further[key] |= dict.fromkeys(AREAS) if empty else remover(composed.scalar, work.seed).areas
