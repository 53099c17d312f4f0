"""An image on its way through the engine, and what is made of it at the end."""

from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency_worker.catalog import split_key
from saliency_worker.needs import Need
from saliency_worker.saliency import provenance
from saliency_worker.saliency.classifiers import class_name
from saliency_worker.saliency.compose import Composed
from saliency_worker.saliency.metrics import Prediction, map_metrics, predict
from saliency_worker.saliency.provenance import Run
from saliency_worker.saliency.render import crossed_out, png
from saliency_worker.saliency.results import ClassMaps, Explanation, MapResult
from saliency_worker.saliency.superpixels import Superpixels, superpixels

Array = npt.NDArray[np.float32]
Image = (
    tuple[str, npt.NDArray[np.uint8]]
    | tuple[str, npt.NDArray[np.uint8], int | None]
    | tuple[str, npt.NDArray[np.uint8], int | None, npt.NDArray[np.bool_] | None]
)
"""What Explainer.explain takes: hash, picture, perhaps the class to explain, perhaps the region of what it shows."""


@dataclass(eq=False)
class Work:
    """An image on its way through the engine.

    rows: what goes through the network, the image and its noisy copies, then its explanation maps. targets: the classes
    that are explained, by rank, as far as they are known. logits: (classes,) of the image. raw, composed: maps by rank and
    method. arrays: by rank what methods need that ask the network again. noisy: by name in the network's results the maps
    of the rows, batch by batch. probed: by method the maps of all targets, in their order, of methods that make them
    together. masked_logits: of the explanation maps of the predicted class, batch by batch, in the order of the methods.
    plain: the image's row, once the explanation maps have taken its place. region: bool (H, W), where what the picture
    shows is known to be. further: by method what is measured beside (measures.FURTHER).
    """

    sha256: str
    original: npt.NDArray[np.uint8]
    seed: int
    edges: Array
    rows: Array
    targets: dict[int, int] = field(default_factory=dict)
    prediction: Prediction | None = None
    logits: Array | None = None
    features: Array | None = None
    raw: dict[int, dict[str, Array]] = field(default_factory=dict)
    arrays: dict[int, dict[Need, Array]] = field(default_factory=dict)
    noisy: dict[str, list[Array]] = field(default_factory=dict)
    probed: dict[str, Array] = field(default_factory=dict)
    composed: dict[int, dict[str, Composed]] = field(default_factory=dict)
    kept: dict[str, float] = field(default_factory=dict)
    masked_logits: list[Array] = field(default_factory=list)
    plain: Array | None = None
    region: npt.NDArray[np.bool_] | None = None
    further: dict[str, dict[str, float | None]] = field(default_factory=dict)

    @cached_property
    def superpixels(self) -> Superpixels:
        """The image's superpixels by about how many they are, each division made once."""
        return cache(partial(superpixels, self.original))


def explanation(work: Work, run: Run, class_names: tuple[str, ...]) -> Explanation:
    """What the engine gives back for an image whose rows have all run: PNGs, hashes, metrics, provenance."""
    original, features = work.prediction, work.features
    assert original is not None and features is not None
    metrics = _metrics(work, run, original, class_names) if run.settings.metrics else {}
    maps = {
        rank: ClassMaps(
            target,
            class_name(class_names, target),
            {key: _result(work, run, key, rank, metrics.get(key)) for key in work.composed[rank]},
        )
        for rank, target in work.targets.items()
    }
    predicted = maps.pop(0)
    return Explanation(
        image_sha256=work.sha256,
        class_index=predicted.class_index,
        class_name=predicted.class_name,
        confidence=original.target_confidence,
        features=features,
        original=work.original,
        edges=work.edges,
        maps=predicted.maps,
        metrics_original={
            "class_index": original.class_index,
            "class_name": class_name(class_names, original.class_index),
            "confidence": original.confidence,
            "target_confidence": original.target_confidence,
        },
        further=maps,
    )


def _metrics(
    work: Work, run: Run, original: Prediction, class_names: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    rows = np.concatenate(work.masked_logits)
    predictions = {
        key: predict(logits, work.targets[0], run.rule)
        for key, logits in zip(run.settings.methods, rows, strict=True)
    }
    metrics = {}
    for key, prediction in predictions.items():
        base, combination = split_key(key)
        bare = predictions.get(base) if combination else None
        empty = is_empty(work, key)
        further = work.further[key]
        metrics[key] = {
            **map_metrics(original, prediction, bare, work.kept[key], empty=empty),
            **(dict.fromkeys(further) if empty else further),
            "class_name": None if empty else class_name(class_names, prediction.class_index),
        }
    return metrics


def is_empty(work: Work, key: str, rank: int = 0) -> bool:
    """Whether the CAM under a map is the same everywhere, as where no gradient reaches the layer: it explains nothing."""
    raw = work.raw[rank].get(split_key(key)[0])
    return raw is not None and not np.ptp(raw) > 0


def _result(work: Work, run: Run, key: str, rank: int, metrics: dict[str, Any] | None) -> MapResult:
    composed = work.composed[rank][key]
    shown = crossed_out(composed.display) if is_empty(work, key, rank) else composed.display
    data = png(shown)
    array_hash = provenance.array_sha256(composed.scalar)
    png_hash = provenance.bytes_sha256(data)
    inputs = run.inputs(work.sha256, work.seed, work.targets[rank], key, rank)
    return MapResult(
        key=key,
        scalar=composed.scalar,
        display=shown,
        png=data,
        array_sha256=array_hash,
        png_sha256=png_hash,
        metrics=None if rank else metrics,
        raw=work.raw[rank].get(split_key(key)[0]) if run.settings.raw else None,
        provenance=provenance.provenance(inputs, run.settings.colour_map, array_hash, png_hash),
    )
