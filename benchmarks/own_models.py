"""What an own model costs: the self-check at load, and a nested network beside its flat twin.

    python benchmarks/own_models.py --rounds 9

MobileNetV2 with random weights and five classes, once as TensorFlow's tutorial nests it and once as one flat graph of the
same layers; interleaved rounds of 26 rows (an image and its 25 noisy copies) through both. Prints medians and ratios with
their budgets. The self-check is timed twice: as it is at load, and again on graphs that TensorFlow has optimised already,
which any first batch would make it do.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROWS = 13
METHODS = ("gradcam", "gradcampp", "smoothgradcampp")
SELF_CHECK_S, NESTED_SHARE = 2.0, 0.05


def main() -> int:
    options = arguments()
    import numpy as np

    models = twins(options.side)
    networks, checks = {}, {}
    for name, model in models.items():
        networks[name], checks[name] = checked(model)
    rows = np.random.default_rng(0).uniform(-1, 1, (ROWS, options.side, options.side, 3)).astype(np.float32)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in networks}
    for _ in range(options.rounds):
        for name, network in networks.items():
            times[name].append(timed(lambda network=network: [explain(network, rows) for _ in range(2)]))
    print("seconds (clock, CPU), medians of", options.rounds, "rounds")
    for name in networks:
        (load, again), best = checks[name], medians(times[name])
        print(
            f"{name:7s} 26 rows {best[0]:.3f} {best[1]:.3f}   self-check {load[0]:.2f} {load[1]:.2f}"
            f"   of it comparing {again[0]:.2f} {again[1]:.2f}"
        )
    share = medians(times["nested"])[1] / medians(times["flat"])[1]
    print(f"nested / flat, CPU seconds: {share:.3f} (budget 1 +- {NESTED_SHARE:g})")
    print(f"self-check at load, clock seconds: {checks['nested'][0][0]:.2f} (budget {SELF_CHECK_S:g})")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--side", type=int, default=224)
    return parser.parse_args()


def twins(side: int) -> dict[str, Any]:
    """Two models of the same weights: nested and flat."""
    import keras

    keras.utils.set_random_seed(0)
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(side, side, 3))
    pool, scores = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5, "softmax")
    nested = keras.Sequential([keras.Input((side, side, 3)), base, pool, scores])
    flat = keras.Model(base.inputs[0], scores(pool(base.outputs[0])))
    return {"nested": nested, "flat": flat}


def checked(model: Any) -> tuple[Any, tuple[tuple[float, float], tuple[float, float]]]:
    """The engine's graphs of a model, and what the self-check took: at load, and once more."""
    from saliency_worker.saliency.activations import Network
    from saliency_worker.saliency.classifiers import of_model
    from saliency_worker.saliency.formulas import plan
    from saliency_worker.saliency.model_choice import ModelChoice
    from saliency_worker.saliency.settings import Settings

    found: list[tuple[float, float]] = []

    class Timed(Network):
        def _check(self, *given: Any) -> None:
            for _ in range(2):
                found.append(timed(lambda: super(Timed, self)._check(*given)))

    wanted = plan(Settings(METHODS))
    classifier = of_model(model, ModelChoice(preprocessing="tf"))
    network = Timed(classifier, wanted.passes, ROWS, ROWS, 1, wanted.on_copies)
    return network, (found[0], found[1])


def explain(network: Any, rows: Any) -> None:
    import numpy as np

    each = np.arange(ROWS, dtype=np.int32)
    network.explain(rows, np.full(ROWS, -1, np.int32), each, each[:1])


def timed(call: Any) -> tuple[float, float]:
    """Clock and CPU seconds of a call."""
    clock, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - cpu


def medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    return median(t[0] for t in times), median(t[1] for t in times)


if __name__ == "__main__":
    sys.exit(main())
