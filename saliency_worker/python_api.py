"""Maps of a live Keras model from Python, as in a notebook: `explain(model, images)`. docs/python.md shows it at work."""

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency_worker import catalog, overlay
from saliency_worker.class_names import BadClassNames, index_of
from saliency_worker.cli.sheet import contact_sheet
from saliency_worker.saliency import classifiers
from saliency_worker.saliency.errors import ImageError, SettingsError
from saliency_worker.saliency.explain import Explainer, Explanation
from saliency_worker.saliency.images import decode
from saliency_worker.saliency.model_choice import ModelChoice
from saliency_worker.saliency.provenance import bytes_sha256
from saliency_worker.saliency.settings import Settings

Picture = str | os.PathLike[str] | Image.Image | npt.NDArray[Any]
Target = int | str | None


@dataclass(frozen=True)
class Explained:
    """What `explain` gives back, in the order of the images.

    explanations: of each image prediction, maps by key, metrics and provenance (saliency.results.Explanation). names: stem
    of a path, or `image 0`, `image 1` …. classifier: its name. layer: the one that was explained. notices: what one
    should know of it, a sentence each.
    """

    explanations: tuple[Explanation, ...]
    names: tuple[str, ...]
    classifier: str
    layer: str
    notices: tuple[str, ...]
    pictures: tuple[npt.NDArray[np.uint8], ...]

    def __len__(self) -> int:
        return len(self.explanations)

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.explanations)

    def __getitem__(self, index: int) -> Explanation:
        return self.explanations[index]

    def maps(self, key: str) -> npt.NDArray[np.float32]:
        """The maps of a method, float32 (N, H, W) in 0..1. Raises KeyError for one that was not asked for."""
        return np.stack([found.maps[key].scalar for found in self.explanations])

    def metrics(self) -> list[dict[str, Any]]:
        """A row for each image and map: names, classes, and the metrics of saliency.metrics.map_metrics."""
        rows = []
        for name, found in zip(self.names, self.explanations, strict=True):
            predicted = found.metrics_original
            for key, made in found.maps.items():
                row = {
                    "image": name,
                    "key": key,
                    "predicted": predicted["class_name"],
                    "explained": found.class_name,
                }
                rows.append(row | (made.metrics or {}))
        return rows

    def sheet(self, index: int = 0) -> Image.Image:
        """All maps of one image on a labelled sheet; a notebook shows it."""
        png = contact_sheet(self.explanations[index], self.names[index], self.classifier)
        return Image.open(io.BytesIO(png)).convert("RGB")

    def overlay(self, key: str, index: int = 0) -> Image.Image:
        """A map over its image, at the image's own size. Raises KeyError for a method that was not asked for."""
        made = self.explanations[index].maps[key]
        whole = made.provenance.get("fit") == "squash"
        return overlay.lay_over(
            Image.fromarray(self.pictures[index]), Image.fromarray(made.display), whole=whole
        )

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.sheet().save(stream, "PNG")
        return stream.getvalue()


def explain(
    model: keras.Model | str | os.PathLike[str],
    images: Picture | Iterable[Picture],
    methods: str | Sequence[str] = "all",
    *,
    layer: str = "",
    preprocessing: str = "",
    size: tuple[int, int] | None = None,
    fit: str = "crop",
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    class_names: Sequence[str] | None = None,
    targets: Target | Sequence[Target] = None,
    edges: str = "hed",
    colour_map: str = "jet",
    seed: int | None = None,
    batch: int | None = None,
    parameters: Mapping[str, float] | None = None,
    signed: str = "",
    measures: Sequence[str] = (),
    regions: Sequence[npt.NDArray[np.bool_] | None] | None = None,
) -> Explained:
    """Explain images by a network: maps, machine metrics and contact sheets.

    model: a built Keras model, which stays as it is; or, as on the command line, a name of the catalogue or
    `net.keras@layer:preprocessing`, which says layer, preprocessing, size, fit, mean and std itself. images: paths, Pillow
    images, or uint8 arrays (H, W, 3) or (H, W) with values 0..255, one or several, before any preprocessing. methods:
    `all`, `everything`, `families`, keys separated by commas, or a list of keys. layer: empty for the last feature map.
    preprocessing: `raw` (0..255, the default), `unit`, `tf`, `torch` or `caffe`, as the model was trained. size: height and
    width, where the model leaves them open. class_names: in the order of the scores. targets: the class to explain, by
    name or index, one for all images or one for each; None for the predicted one. parameters: of methods, as
    `<key>_<name>`, beside `samples`, `noise`, `k`, `percentile` and `keep`. signed: what becomes of maps that have a sign,
    `absolute`, `positive` or `diverging`; by default what the method declares. measures: `curves` (deletion and insertion),
    `sanity`, at the cost of further passes. regions: for the pointing game, of each image None or where its object is, bool
    of the image's height and width.

    Raises SaliencyError or UnknownName, with one line that says what to do.
    """
    names, pictures, hashes = _read(images)
    keys = catalog.parse_methods(methods) if isinstance(methods, str) else tuple(methods)
    own = dict(parameters or {})
    shared = {name: own.pop(name) for name in ("samples", "noise", "k", "percentile", "keep") if name in own}
    settings = Settings(
        keys,
        edges=edges,
        colour_map=colour_map,
        seed=seed,
        batch=batch,
        parameters=own,
        signed=signed,
        measures=tuple(measures),
        **shared,  # type: ignore[arg-type]
    )
    choice = ModelChoice(
        layer=layer, preprocessing=preprocessing, size=size, fit=fit, mean=tuple(mean), std=tuple(std)
    )
    named = tuple(class_names) if class_names is not None else None
    if isinstance(model, str | os.PathLike):
        if choice != ModelChoice():
            raise SettingsError(
                "Write layer and preprocessing behind the name, as in net.keras@layer:unit, or load the model first."
            )
        explainer = Explainer.load(os.fspath(model), settings, class_names=named)
    else:
        explainer = Explainer(classifiers.of_model(model, choice, named or ()), settings)
    wanted = _targets(targets, len(pictures), explainer)
    inside = [None] * len(pictures) if regions is None else list(regions)
    if len(inside) != len(pictures):
        raise SettingsError(
            f"There are {len(pictures)} images and {len(inside)} regions: give one, or None, for each."
        )
    given = list(zip(hashes, pictures, wanted, inside, strict=True))
    return Explained(
        tuple(explainer.explain(given)),
        names,
        explainer.spec.name,
        explainer.spec.layer,
        tuple(explainer.notices),
        pictures,
    )


def _read(
    images: Picture | Iterable[Picture],
) -> tuple[tuple[str, ...], tuple[npt.NDArray[np.uint8], ...], tuple[str, ...]]:
    """Names, uint8 RGB arrays and SHA-256 of the images; of a path over the file's bytes, else over the pixels."""
    single = isinstance(images, str | os.PathLike | Image.Image) or (
        isinstance(images, np.ndarray) and images.ndim in (2, 3)
    )
    several: list[Any] = [images] if single else list(images)  # type: ignore[arg-type]
    if not several:
        raise ImageError("There is no image: give at least one.")
    names, pictures, hashes = [], [], []
    for number, image in enumerate(several):
        if isinstance(image, str | os.PathLike):
            path = Path(image)
            try:
                data = path.read_bytes()
            except OSError as error:
                raise ImageError(f"{path} cannot be read ({error.strerror or error}).") from error
            rgb, digest, name = decode(data), bytes_sha256(data), path.stem
        else:
            rgb, name = _pixels(image, number), f"image {number}"
            digest = bytes_sha256(np.ascontiguousarray(rgb).tobytes())
        names.append(name)
        pictures.append(rgb)
        hashes.append(digest)
    return tuple(names), tuple(pictures), tuple(hashes)


def _pixels(image: Any, number: int) -> npt.NDArray[np.uint8]:
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ImageError(
            f"Image {number} is of the type {array.dtype}: give uint8 with values 0..255, before any preprocessing."
        )
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1):
        array = np.repeat(array.reshape(array.shape[:2])[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(
            f"Image {number} has the shape {array.shape}: give (height, width, 3) or (height, width)."
        )
    return array


def _targets(targets: Target | Sequence[Target], count: int, explainer: Explainer) -> list[int | None]:
    """The class to explain of each image, as an index."""
    single = targets is None or not isinstance(targets, Iterable) or isinstance(targets, str)
    several: list[Any] = [targets] * count if single else list(targets)  # type: ignore[arg-type]
    if len(several) != count:
        raise SettingsError(
            f"There are {count} images and {len(several)} targets: give one for each, or one for all."
        )
    try:
        return [
            None
            if each is None
            else index_of(explainer.class_names, explainer.classes, each)
            if isinstance(each, str)
            else _index(each)
            for each in several
        ]
    except BadClassNames as error:
        raise SettingsError(f"targets: {error}.") from error


def _index(target: Any) -> int:
    if isinstance(target, bool) or not isinstance(target, int | np.integer):
        raise SettingsError(f"targets: {target!r} is neither the name nor the index of a class.")
    return int(target)
