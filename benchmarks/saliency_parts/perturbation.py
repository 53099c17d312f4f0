"""What the benchmark of perturbation methods times and compares: the engine, bare passes, Xplique."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.saliency_parts.contestants import Images, engine
from benchmarks.saliency_parts.network import Passes, build, preprocess
from benchmarks.saliency_parts.timing import Timing
from saliency_worker import catalog
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.images import crop
from saliency_worker.saliency.map_measures import rank_correlation
from saliency_worker.saliency.methods import lime as own_lime
from saliency_worker.saliency.network_input import NetworkInput
from saliency_worker.saliency.probe import Probe
from saliency_worker.saliency.settings import Settings
from saliency_worker.saliency.superpixels import superpixels

BATCH = 16
# Parameters of the run and the passes that they need, the image's own included.
RUNS: Mapping[str, tuple[dict[str, float], int]] = {
    "occlusion": ({"occlusion_size": 1 / 7, "occlusion_stride": 1 / 14}, 1 + 13 * 13 + 1),
    "discrepancy": ({"discrepancy_size": 1 / 14, "discrepancy_stride": 1 / 14}, 1 + 14 * 14 + 1),
    "rise": ({"rise_masks": 160}, 1 + 160),
    "lime": ({"lime_samples": 160}, 1 + 160),
}


class Perturbations:
    """Calls without arguments by name, the pairs whose quotient counts, and what is compared.

    Attributes:
        calls: name → work. images: name → images per call. pairs: (work, reference, budget). missing: why Xplique is.
    """

    def __init__(self, classifier: str, weights: Path, images: Images, *, peers: bool) -> None:
        spec = catalog.classifier(classifier)
        self.model = build(spec.name, weights)
        side = self.model.input_shape[1]
        self.crops = np.stack([crop(rgb, side) for _, rgb in images])
        self.x = preprocess(spec.name, self.crops)
        self.input = NetworkInput(side, side, mode=spec.preprocessing)
        self.classes = np.argmax(self.model.predict(self.x, verbose=0), axis=1)
        self.classifier, self.weights, self.stored = spec.name, weights, images
        self.calls: dict[str, Callable[[], object]] = {}
        self.images: dict[str, int] = {}
        self.pairs: list[tuple[str, str, str]] = []
        self.missing = ""
        passes = Passes(self.model, BATCH)
        for key, (parameters, count) in RUNS.items():
            settings = Settings((key,), metrics=False, parameters=parameters)
            self._add(f"engine: {key}", engine(spec.name, weights, images, settings))
            self._add(f"frozen passes: {key}", lambda n=count: passes.run(n * len(images), frozen=True))
            self.pairs.append((f"engine: {key}", f"frozen passes: {key}", "<= 1.1"))
        self.peer: _Xplique | None = None
        if peers:
            try:
                self.peer = _Xplique(self.model, self.input)
            except ImportError as error:
                self.missing = str(error)
                return
            for key in ("occlusion", "rise", "lime"):
                self._add(
                    f"Xplique: {key}", lambda k=key: self.peer.maps(k, self.crops, self.x, self.classes)
                )
                self.pairs.append((f"Xplique: {key}", f"engine: {key}", ""))

    def _add(self, name: str, call: Callable[[], object]) -> None:
        self.calls[name], self.images[name] = call, len(self.stored)

    def _maps(self, key: str, parameters: Mapping[str, float], seed: int | None = None) -> list[np.ndarray]:
        settings = Settings((key,), metrics=False, raw=True, seed=seed, parameters=parameters)
        explainer = Explainer.load(self.classifier, settings, weights=self.weights)
        return [found.maps[key].raw for found in explainer.explain(self.stored)]

    def print_agreement(self) -> None:
        """Each method beside Xplique's, on the same pictures, raw maps."""
        if self.peer is None:
            return
        print(f"\n{'agreement with Xplique':44}{'largest difference':>20}{'rank correlation':>18}")
        side = 1 / 7
        ours = self._maps("occlusion", {"occlusion_size": side, "occlusion_stride": side})
        theirs = self.peer.occlusion(self.x, self.classes, stride=32)
        self._print("occlusion, squares side by side", ours, theirs)
        ours = self._limes()
        self._print(
            "lime, same choices, black behind them", ours, self.peer.limes(self.crops, self.x, self.classes)
        )
        masks = {"rise_masks": 1600}
        ours, again = self._maps("rise", masks), self._maps("rise", masks, seed=1)
        self._print("rise, 1600 masks each, drawn apart", ours, self.peer.rise(self.x, self.classes, 1600))
        self._print("  our own with another seed", ours, again)

    def _print(self, name: str, ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
        largest = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(ours, theirs, strict=True))
        order = min(rank_correlation(a, b) or 0.0 for a, b in zip(ours, theirs, strict=True))
        print(f"{name:44}{largest:20.1e}{order:18.3f}")

    def _limes(self) -> list[np.ndarray]:
        """Our formula on the bare Keras model, hidden superpixels black: Xplique has one colour for all."""
        kept = own_lime.mean_colours
        own_lime.mean_colours = lambda row, labels, count: np.broadcast_to(
            self.input.rows(np.zeros(3, np.uint8)), row.shape
        )
        try:
            return [
                own_lime.lime(
                    Probe(row, self.input, (int(c),), BATCH, lambda rows: self.model(rows).numpy()),
                    lambda count, picture=picture: superpixels(picture, count),
                    7,
                    samples=160,
                    segments=50,
                )[0]
                for picture, row, c in zip(self.crops, self.x, self.classes, strict=True)
            ]
        finally:
            own_lime.mean_colours = kept


class _Xplique:
    """Xplique 2 through its public calls, on the network with its softmax, whose probability these methods explain."""

    def __init__(self, model: keras.Model, given: NetworkInput) -> None:
        import xplique.attributions as peer

        self._peer = peer
        self._model = keras.Sequential([model, keras.layers.Softmax()])
        self._grey, self._black = (float(given.rows(np.full(3, level, np.uint8))[0]) for level in (128, 0))
        self._outputs = model.output_shape[-1]

    def maps(self, key: str, crops: np.ndarray, x: np.ndarray, classes: np.ndarray) -> list[np.ndarray]:
        if key == "occlusion":
            return self.occlusion(x, classes, stride=16)
        return self.rise(x, classes, 160) if key == "rise" else self.limes(crops, x, classes)

    def occlusion(self, x: np.ndarray, classes: np.ndarray, stride: int) -> list[np.ndarray]:
        method = self._peer.Occlusion(
            self._model, batch_size=BATCH, patch_size=32, patch_stride=stride, occlusion_value=self._grey
        )
        return self._called(method, x, classes)

    def rise(self, x: np.ndarray, classes: np.ndarray, masks: int) -> list[np.ndarray]:
        method = self._peer.Rise(
            self._model, batch_size=BATCH, nb_samples=masks, grid_size=7, mask_value=self._black
        )
        return self._called(method, x, classes)

    def limes(self, crops: np.ndarray, x: np.ndarray, classes: np.ndarray) -> list[np.ndarray]:
        from sklearn.linear_model import Ridge

        found = []
        for picture, one, index in zip(crops, x, classes, strict=True):
            labels = superpixels(picture, 50)
            chosen = np.stack([own_lime.choice(7, n, int(labels.max()) + 1) for n in range(160)])
            method = self._peer.Lime(
                self._model,
                batch_size=BATCH,
                interpretable_model=Ridge(alpha=own_lime.RIDGE),
                similarity_kernel=lambda _, samples, __: tf.constant(
                    own_lime.proximity(np.asarray(samples, np.float64).mean(axis=1)), tf.float32
                ),
                pertub_func=lambda features, count, z=chosen: tf.constant(z, tf.int32),
                map_to_interpret_space=lambda _, at=labels: tf.constant(at, tf.int32),
                ref_value=np.full(3, self._black, np.float32),
                nb_samples=160,
            )
            found += self._called(method, one[None], np.array([index]))
        return found

    def _called(self, method: Any, x: np.ndarray, classes: np.ndarray) -> list[np.ndarray]:
        targets = tf.one_hot([int(index) for index in classes], self._outputs)
        return [np.asarray(each)[..., 0] for each in method(tf.constant(x), targets)]


def print_ratios(timings: Mapping[str, Timing], pairs: list[tuple[str, str, str]]) -> None:
    """Quotients of one round, then their median."""
    print(f"\n{'ratio':44}{'wall':>9}{'CPU':>9}   budget")
    for above, below, budget in pairs:
        a, b = timings[above], timings[below]
        wall, cpu = (
            float(np.median(np.array(p) / np.array(q))) for p, q in ((a.wall, b.wall), (a.cpu, b.cpu))
        )
        print(f"{f'{above} / {below}'[:44]:44}{wall:9.2f}{cpu:9.2f}   {budget}")
