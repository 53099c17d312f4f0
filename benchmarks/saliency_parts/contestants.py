"""Everything the benchmark times, over one set of images and one set of weights."""

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.saliency_parts.network import (
    Passes,
    build,
    explained_layer,
    input_range,
    naive_cams,
    preprocess,
)
from benchmarks.saliency_parts.peer_script import full_set
from benchmarks.saliency_parts.peers import TfKerasVis, Xplique
from saliency_worker import catalog
from saliency_worker.saliency.edges import edge_detector
from saliency_worker.saliency.explain import Explainer, Explanation
from saliency_worker.saliency.images import crop, decode
from saliency_worker.saliency.settings import Settings

SAMPLES = 25
SIGMA = 0.15
THREE = catalog.GRADIENT_BASES
Images = list[tuple[str, np.ndarray]]


def read(folder: str | None, count: int) -> Images:
    """(SHA-256, uint8 RGB) of the first `count` images of a folder; without one, of seeded synthetic pictures."""
    if folder is None:
        return [synthetic(number) for number in range(count)]
    stored = [path.read_bytes() for path in sorted(Path(folder).iterdir())[:count]]
    return [(hashlib.sha256(data).hexdigest(), decode(data)) for data in stored]


def synthetic(seed: int) -> tuple[str, np.ndarray]:
    """A picture of blurred noise, uint8 (375, 500, 3)."""
    noise = np.random.default_rng(seed).normal(size=(375, 500, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 8)
    picture = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return hashlib.sha256(picture.tobytes()).hexdigest(), picture


def three_settings(*, raw: bool = False) -> Settings:
    """Three CAMs, nothing else."""
    return Settings(methods=THREE, samples=SAMPLES, noise=SIGMA, metrics=False, raw=raw)


def full_settings(edges: str) -> Settings:
    """The full set: 18 maps, their explanation maps classified again, PNGs, provenance."""
    return Settings(methods=catalog.FULL_SET, edges=edges, samples=SAMPLES, noise=SIGMA)


def engine(
    classifier: str, weights: Path, images: Images, settings: Settings
) -> Callable[[], list[Explanation]]:
    """One call explains all images. The last explanations alone are kept: memory stays bounded."""
    explainer = Explainer.load(classifier, settings, weights=weights)
    return lambda: list(deque(explainer.explain(images), maxlen=1))


class Contestants:
    """The engine, bare passes and the peers, each as a call without arguments.

    Attributes:
        calls: name → work. images: name → images per call. missing: peers that are not installed, with the reason.
    """

    def __init__(
        self,
        classifier: str,
        weights: Path,
        images: Images,
        *,
        slow: int,
        edges: str,
        batch: int,
        peers: bool,
    ) -> None:
        spec = catalog.classifier(classifier)
        self.classifier, self.weights, self.stored = spec.name, weights, images
        self.calls: dict[str, Callable[[], object]] = {}
        self.images: dict[str, int] = {}
        self.missing: dict[str, str] = {}
        self.peers: dict[str, TfKerasVis | Xplique] = {}
        self.model = build(spec.name, weights)
        self.layer = explained_layer(self.model, spec.layer)
        size = self.model.input_shape[1]
        self.crops = np.stack([crop(rgb, size) for _, rgb in images])
        self.x = preprocess(spec.name, self.crops)
        self.classes = np.argmax(self.model.predict(self.x, verbose=0), axis=1)
        self.sigma = SIGMA * input_range(spec.name)
        self._engine(edges)
        self._passes(batch)
        if peers:
            self._tf_keras_vis(slow)
            self._xplique(slow, batch)

    def _add(self, name: str, images: int, call: Callable[[], object]) -> None:
        self.calls[name], self.images[name] = call, images

    def _engine(self, edges: str) -> None:
        count = len(self.stored)
        self._add(
            "engine: three CAMs", count, engine(self.classifier, self.weights, self.stored, three_settings())
        )
        full = full_settings(edges)
        self._add("engine: full set", count, engine(self.classifier, self.weights, self.stored, full))
        detector = edge_detector(edges)
        self._add("engine: edges", count, lambda: [detector(crop[None]) for crop in self.crops])

    def _passes(self, batch: int) -> None:
        passes, count = Passes(self.model, batch), len(self.stored)
        for kind, per_image in (
            ("three CAMs", 1 + SAMPLES),
            ("full set", 1 + SAMPLES + len(catalog.FULL_SET)),
        ):
            self._add(f"frozen passes: {kind}", count, lambda n=per_image: passes.run(n * count, frozen=True))
        self._add(
            "compiled passes: three CAMs", count, lambda: passes.run((1 + SAMPLES) * count, frozen=False)
        )

    def _tf_keras_vis(self, slow: int) -> None:
        try:
            peer = TfKerasVis(self.model, self.layer)
        except ImportError as error:
            self.missing["tf-keras-vis"] = str(error)
            return
        self.peers["tf-keras-vis"] = peer
        x, classes = self.x[:slow], self.classes[:slow]
        for name, batched in (("batched by hand", True), ("as documented", False)):
            self._add(
                f"tf-keras-vis {name}: three CAMs",
                slow,
                lambda b=batched: peer.three(x, classes, SAMPLES, self.sigma, batched=b),
            )
        black = preprocess(self.classifier, np.zeros((1, 1, 1, 3), np.uint8))[0, 0, 0]

        def script(batched: bool) -> None:
            with tempfile.TemporaryDirectory() as folder:
                for crop_, one, index in zip(self.crops[:slow], x, classes, strict=True):
                    full_set(
                        self.model,
                        peer,
                        crop_,
                        one,
                        black,
                        int(index),
                        self.sigma,
                        Path(folder),
                        batched=batched,
                    )

        for name, batched in (("batched by hand", True), ("as documented", False)):
            self._add(f"peer script {name}: full set", slow, partial(script, batched))

    def _xplique(self, slow: int, batch: int) -> None:
        try:
            peer = Xplique(self.model, self.layer, batch)
        except ImportError as error:
            self.missing["Xplique"] = str(error)
            return
        self.peers["Xplique"] = peer
        x, classes = self.x[:slow], self.classes[:slow]
        self._add("Xplique: three CAMs", slow, lambda: peer.three(x, classes, SAMPLES, self.sigma))

    def raw_maps(self) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
        """Un-normalised maps at h×w: the engine's, and those of the equations and of each peer by name."""
        explainer = Explainer.load(self.classifier, three_settings(raw=True), weights=self.weights)
        explained = list(explainer.explain(self.stored))
        ours = {key: np.stack([e.maps[key].raw for e in explained]) for key in ("gradcam", "gradcampp")}
        others = {"equation in float64": naive_cams(self.model, self.layer, self.x, self.classes)}
        for name, peer in self.peers.items():
            others[name] = peer.plain(self.x, self.classes)
        return ours, others
