"""Methods of the families beside Xplique, tf-keras-vis and shap: the same maps? how fast? On the same pictures in one run.

    .venv-bench/bin/python benchmarks/families.py --images FOLDER --weights mobilenet_v2_1.0_224.weights.h5
    .venv-bench/bin/python benchmarks/families.py --images FOLDER --classifier ResNet50 --methods gradient,guidedbp,deconvnet
    .venv-bench/bin/python benchmarks/families.py --images FOLDER --classifier demo-cnn --methods deeplift,ig,layercam

Agreement is the largest difference as a share of the peer's largest value, before scaling, and Spearman's rank correlation.
Noise, and the places of steps, are given to both sides alike where they can be. Score-CAM asks once per channel on either
side. Xplique's guided backpropagation passes signals back through a rectifier that is at its ceiling (ReLU6), where the
derivative is 0; it is compared as released and with that gate closed. Peers that are not installed are named and left out
(benchmarks/requirements-peers.txt).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.saliency_parts import network, timing
from benchmarks.saliency_parts.family_peers import PEERS, Task
from saliency_worker import catalog
from saliency_worker.saliency.classifiers import Classifier, load
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.images import decode
from saliency_worker.saliency.map_measures import rank_correlation
from saliency_worker.saliency.noise import add_noise, derive_seed
from saliency_worker.saliency.provenance import bytes_sha256
from saliency_worker.saliency.settings import Settings

Maps = dict[str, np.ndarray]
STEPS = 50
SAMPLES = 25
OURS = (
    *(key for key, spec in catalog.METHODS.items() if spec.family == "backpropagation"),
    "layercam",
    "scorecam",
)


def ours(classifier: Classifier, image: tuple[str, np.ndarray], keys: tuple[str, ...]) -> Callable[[], Maps]:
    """The engine's maps of these methods, before scaling, as one call."""
    parameters = {"ig_steps": STEPS, "ig_gap": 1.0} if "ig" in keys else {}
    settings = Settings(keys, edges="sobel", metrics=False, raw=True, parameters=parameters)
    engine = Explainer(classifier, settings)

    def run() -> Maps:
        (found,) = engine.explain([image])
        return {key: np.asarray(result.raw, np.float64) for key, result in found.maps.items()}

    return run


def reason(error: Exception) -> str:
    """What went wrong. What Keras or TensorFlow raise inside a graph says it in the last line, behind a traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:160]}" if lines else type(error).__name__


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
    differences: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number, image in enumerate(images):
        x = classifier.input.rows(classifier.input.picture(image[1]))
        target = int(np.argmax(model(x[None])))
        found = ours(classifier, image, keys)() if number else together()
        copies = np.empty((SAMPLES, *x.shape), np.float32)
        add_noise(copies, x, 0.15, classifier.input.scale, derive_seed(image[0]))
        layer = network.explained_layer(model, classifier.spec.layer)
        task = Task(model, x, black, target, copies, layer, STEPS)
        for peer, make in PEERS.items():
            try:
                theirs = make(task)
            except Exception as error:  # not installed, or it cannot read this network
                print(f"Left out: {peer} ({reason(error)})")
                continue
            for key, call in theirs.items():
                if key not in keys:
                    continue
                try:
                    other = np.asarray(call(), np.float64)
                except Exception as error:
                    print(f"Left out: {peer} {key} ({reason(error)})")
                    continue
                by = float(np.abs(found[key] - other).max() / np.abs(other).max())
                order = rank_correlation(found[key].astype(np.float32), other.astype(np.float32))
                differences.setdefault((key, peer), []).append((by, order or 0.0))
                if not number:
                    calls[f"engine, {key}"] = ours(classifier, image, (key,))
                    calls[f"{peer}, {key}"] = call
        score, dark = np.asarray(model(np.stack([x, black])))[:, target]
        sums = {key: float(found[key].sum()) for key in SUMS if key in keys}
        print(
            f"{files[number].stem}: Y {score:.3f}, rise {score - dark:.3f}; sums: "
            + ", ".join(f"{key} {value:.3f}" for key, value in sums.items())
        )
    print(
        "\nAgreement over the pictures: largest difference as a share of the peer's largest value, least rank correlation"
    )
    for (key, peer), values in differences.items():
        by, order = max(each for each, _ in values), min(each for _, each in values)
        print(f"{key:14}{peer:34}{by:8.1e}{order:8.3f}")
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
