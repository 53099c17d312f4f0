"""Backpropagation beside its peers: the same maps? how fast? On the same pictures in one run.

    .venv-bench/bin/python benchmarks/families.py --images FOLDER --weights mobilenet_v2_1.0_224.weights.h5
    .venv-bench/bin/python benchmarks/families.py --images FOLDER --classifier ResNet50 --methods gradient,guidedbp,deconvnet

Agreement is the largest difference as a share of the peer's largest value, before scaling. Noise and steps are given to
both sides alike where they can be. Xplique's guided backpropagation passes signals back through a rectifier that is at its
ceiling (ReLU6), where the derivative is 0; it is compared as released and with that gate closed. Peers that are not
installed are named and left out (benchmarks/requirements-peers.txt).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
import tensorflow as tf

from benchmarks.saliency_parts import network, timing
from saliency_worker import catalog
from saliency_worker.saliency.classifiers import Classifier, load
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.images import decode
from saliency_worker.saliency.provenance import bytes_sha256
from saliency_worker.saliency.settings import Settings

Maps = dict[str, np.ndarray]
STEPS = 50
OURS = tuple(key for key, spec in catalog.METHODS.items() if spec.family == "backpropagation")


def xplique(
    model: keras.Model, x: np.ndarray, black: np.ndarray, target: int
) -> dict[str, Callable[[], np.ndarray]]:
    """Xplique's methods as calls that give (H, W)."""
    from xplique.attributions import DeconvNet, GuidedBackprop, IntegratedGradients, Saliency

    one_hot = tf.one_hot([target], model.output_shape[-1])

    def call(method: Any, collapse: Callable[[np.ndarray], np.ndarray]) -> Callable[[], np.ndarray]:
        def run() -> np.ndarray:
            found = np.asarray(method(x[None], one_hot))[0]
            return collapse(found if found.ndim == 3 else found[..., None])

        return run

    largest, summed = (lambda g: np.abs(g).max(-1)), (lambda g: g.sum(-1))
    options = {"batch_size": 16, "reducer": None}
    return {
        "gradient": call(Saliency(model, **options), largest),
        "guidedbp": call(GuidedBackprop(model, **options), largest),
        "deconvnet": call(DeconvNet(model, **options), largest),
        "ig": call(
            IntegratedGradients(model, steps=STEPS, baseline_value=float(black.flat[0]), **options), summed
        ),
    }


def xplique_closed(
    model: keras.Model, x: np.ndarray, black: np.ndarray, target: int
) -> dict[str, Callable[[], np.ndarray]]:
    """Xplique's guided backpropagation whose rectifiers pass nothing back at their ceiling."""
    from xplique.attributions import guided_backpropagation

    def policy(max_value: float | None = None, threshold: float = 0.0) -> Callable[[Any], Any]:
        rectify = keras.layers.ReLU(max_value=max_value, threshold=threshold)

        @tf.custom_gradient
        def guided(rows: Any) -> Any:
            passed = (rows > 0) & (rows < (np.inf if max_value is None else max_value))
            return rectify(rows), lambda arriving: tf.nn.relu(arriving) * tf.cast(passed, tf.float32)

        return guided

    with mock.patch.object(guided_backpropagation, "guided_relu_policy", policy):
        return {"guidedbp": xplique(model, x, black, target)["guidedbp"]}


def shap_values(
    model: keras.Model, x: np.ndarray, black: np.ndarray, target: int
) -> dict[str, Callable[[], np.ndarray]]:
    """DeepLIFT as shap's DeepExplainer computes it."""
    import shap

    explainer = shap.DeepExplainer(model, black[None])
    return {
        "deeplift": lambda: np.asarray(explainer.shap_values(x[None], check_additivity=False))[
            0, ..., target
        ].sum(-1)
    }


def ours(classifier: Classifier, image: tuple[str, np.ndarray], keys: tuple[str, ...]) -> Callable[[], Maps]:
    """The engine's maps of these methods, before scaling, as one call."""
    parameters = {"ig_steps": STEPS, "ig_gap": 1.0} if "ig" in keys else {}
    settings = Settings(keys, edges="sobel", metrics=False, raw=True, parameters=parameters)
    engine = Explainer(classifier, settings)

    def run() -> Maps:
        (found,) = engine.explain([image])
        return {key: np.asarray(result.raw, np.float64) for key, result in found.maps.items()}

    return run


PEERS = {"Xplique": xplique, "Xplique, closed at the ceiling": xplique_closed, "shap": shap_values}
SUMS = ("ig", "lrp", "deeplift", "excitationbp")


def main(options: argparse.Namespace) -> None:
    print(f"Machine: {timing.machine()}\nClassifier: {options.classifier}")
    keys: tuple[str, ...] = tuple(options.methods.split(","))
    with tempfile.TemporaryDirectory() as folder:
        weights = (
            Path(options.weights) if options.weights else network.random_weights(options.classifier, folder)
        )
        classifier, model = load(options.classifier, weights), network.build(options.classifier, weights)
    files = sorted(Path(options.images).iterdir())[:: max(1, 600 // options.count)][: options.count]
    data = [file.read_bytes() for file in files]
    images = [(bytes_sha256(each), decode(each)) for each in data]
    side = classifier.spec.input_size
    black = classifier.input.rows(np.zeros((side, side, 3), np.uint8))
    together = ours(classifier, images[0], keys)
    calls: dict[str, Callable[[], Any]] = {f"engine, all {len(keys)} in one call": together}
    passes = network.Passes(model, 16)
    calls["frozen forward passes, 16"] = lambda: passes.frozen(passes._x)
    differences: dict[tuple[str, str], list[float]] = {}
    for number, image in enumerate(images):
        x = classifier.input.rows(classifier.input.picture(image[1]))
        target = int(np.argmax(model(x[None])))
        found = ours(classifier, image, keys)() if number else together()
        for peer, make in PEERS.items():
            try:
                theirs = make(model, x, black, target)
            except Exception as error:  # not installed, or it cannot read this network
                print(f"Left out: {peer} ({type(error).__name__}: {str(error).splitlines()[0][:120]})")
                continue
            for key, call in theirs.items():
                if key not in keys:
                    continue
                try:
                    other = np.asarray(call(), np.float64)
                except Exception as error:
                    print(
                        f"Left out: {peer} {key} ({type(error).__name__}: {str(error).splitlines()[0][:120]})"
                    )
                    continue
                by = float(np.abs(found[key] - other).max() / np.abs(other).max())
                differences.setdefault((key, peer), []).append(by)
                if not number:
                    calls[f"engine, {key}"] = ours(classifier, image, (key,))
                    calls[f"{peer}, {key}"] = call
        score, dark = np.asarray(model(np.stack([x, black])))[:, target]
        sums = {key: float(found[key].sum()) for key in SUMS if key in keys}
        print(
            f"{files[number].stem}: Y {score:.3f}, rise {score - dark:.3f}; sums: "
            + ", ".join(f"{key} {value:.3f}" for key, value in sums.items())
        )
    print("\nAgreement, largest difference as a share of the peer's largest value, over the pictures")
    for (key, peer), values in differences.items():
        print(f"{key:14}{peer:34}{max(values):.1e}")
    print("\nSeconds of one picture, clock and CPU")
    for name, found_times in timing.interleave(calls, dict.fromkeys(calls, 1), options.rounds).items():
        print(f"{name:32}{found_times.seconds:8.3f}{found_times.cpu_seconds:8.3f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, help="folder of images")
    parser.add_argument("--classifier", default="MobileNetV2")
    parser.add_argument("--weights", metavar="FILE", help="random (seeded) where none are given")
    parser.add_argument("--methods", default=",".join(OURS), help="keys, separated by commas")
    parser.add_argument("--count", type=int, default=3, help="pictures that are compared")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
