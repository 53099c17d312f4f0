"""The sanity check of Adebayo et al. 2018: what is left of a map when the network forgets, layer after layer.

A map that stays the same while the weights behind it are drawn anew does not explain the network.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.map_measures import rank_correlation
from saliency_worker.saliency.random_weights import draw_anew, flat_layers, twin
from saliency_worker.saliency.results import Explanation
from saliency_worker.saliency.settings import Settings

_TOGETHER = (
    16  # explanations kept while the networks are built one after the other; each holds all maps of its image
)


class Explains(Protocol):
    """What an engine does with (SHA-256, picture, class): see Explainer.explain."""

    def explain(
        self, images: Iterable[tuple[str, npt.NDArray[np.uint8], int]], /
    ) -> Iterator[Explanation]: ...


@dataclass(frozen=True)
class Sanity:
    """The check of one classifier.

    engine: from a network to the engine that explains it, by the methods of the run. Of the settings the seed, and how many
    networks are asked at most, evenly spread from the one that forgot its last layer to the one that forgot all.
    """

    classifier: Classifier
    engine: Callable[[Classifier], Explains]
    settings: Settings

    def checked(self, explanations: Iterable[Explanation]) -> Iterator[Explanation]:
        """The explanations in order, the metrics of their maps with ``sanity``, the mean of the rank correlations with the
        maps of the forgetful networks, and ``sanity_layers``, each of them: [first layer that knows nothing, value]."""
        for some in _in_groups(explanations, _TOGETHER):
            found: list[dict[str, list[tuple[str, float | None]]]] = [
                {key: [] for key in each.maps} for each in some
            ]
            seed, most = self.settings.seed or 0, self.settings.sanity_networks
            for layer, network in cascade(self.classifier, seed, most):
                images = ((each.image_sha256, each.original, each.class_index) for each in some)
                for each, own, again in zip(some, found, self.engine(network).explain(images), strict=True):
                    for key, map_ in each.maps.items():
                        own[key].append((layer, rank_correlation(map_.scalar, again.maps[key].scalar)))
            for each, own in zip(some, found, strict=True):
                for key, map_ in each.maps.items():
                    assert map_.metrics is not None
                    map_.metrics.update(_summed_up(own[key]))
                yield each


def cascade(classifier: Classifier, seed: int, most: int) -> Iterator[tuple[str, Classifier]]:
    """The same network again and again, from which more and more layers have been forgotten, the last ones first; with the
    name of the layer forgotten last. The next one is made out of the one before. Raises ModelError as of ``twin``."""
    forgetful = twin(classifier, "the sanity check needs")
    groups = blocks(flat_layers(forgetful.model))[::-1]
    chosen = {round(place) for place in np.linspace(0, len(groups) - 1, min(most, len(groups)))}
    for place, group in enumerate(groups):
        draw_anew(group, np.random.default_rng([seed, place]))
        if place in chosen:
            yield group[0].name, replace(forgetful)  # what is cached of its operations holds for one stage


def blocks(layers: Sequence[keras.Layer]) -> list[list[keras.Layer]]:
    """Layers with weights in the order of the network, each that has a kernel with the norms behind it.

    A layer that scales the picture by what it once saw of others has nothing of the network's knowledge: it is left out.
    """
    found: list[list[keras.Layer]] = []
    for layer in layers:
        if isinstance(layer, keras.layers.Normalization):
            continue
        if found and not any("kernel" in weight.name for weight in layer.weights):
            found[-1].append(layer)
        else:
            found.append([layer])
    return found


def _summed_up(found: list[tuple[str, float | None]]) -> dict[str, Any]:
    known = [value for _, value in found if value is not None]
    return {"sanity": fmean(known) if known else None, "sanity_layers": [list(each) for each in found]}


def _in_groups(items: Iterable[Explanation], size: int) -> Iterator[list[Explanation]]:
    group: list[Explanation] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
