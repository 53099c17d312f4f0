"""What a GPU makes of it: maps per second beside bare passes, in float32 and bfloat16, with XLA and without, by batch size.

python -m benchmarks gpu                             ten minutes on a machine with TensorFlow and one or more GPUs
python -m benchmarks gpu --classifier VGG16 --minutes 20
python -m benchmarks gpu --cpu --classifier MobileNet --batches 2 --minutes 0.2     proves the program, says nothing of a GPU

Weights and pictures are random: speed depends on neither. A bare pass is the network alone; a CAM pass is a pass and the
gradient at the last feature map, the least that Grad-CAM needs. The engine computes float32 without XLA, and the figures of
the other columns say what changing that could win. Several GPUs: one process for each, all at once, and their sum; where
CUDA_VISIBLE_DEVICES names some, those. A batch for which a device has too little memory has no figure.
Without a GPU and without --cpu: status 2.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
METHODS = ("gradcam", "gradcampp", "gradcam.add-edges", "gradcampp.add-edges", "original")
NO_GPU = (
    "There is no GPU here that TensorFlow sees (requirements/worker-gpu.txt has the build for one). Nothing was measured; "
    "--cpu runs the same program on the processor, which says nothing of a GPU."
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classifier", default="MobileNetV2")
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--minutes", type=float, default=10, help="for all figures together")
    parser.add_argument("--cpu", action="store_true", help="on the processor, to prove the program")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        for line in figures(options):
            print(json.dumps(line), flush=True)
        return 0
    devices = ["cpu"] if options.cpu else gpus()
    if not devices:
        print(NO_GPU, file=sys.stderr)
        return 2
    print(f"{options.classifier}, {len(devices)} × {devices[0]}, one process each")
    return told(together(len(devices), options.cpu), options.cpu)


def gpus() -> list[str]:
    """Names of the GPUs that TensorFlow sees, asked in a process that ends, so that none is held here."""
    code = (
        "import tensorflow as tf\nfor g in tf.config.list_physical_devices('GPU'):\n"
        "  print('GPU', tf.config.experimental.get_device_details(g).get('device_name', g.name))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout
    return [line.removeprefix("GPU ") for line in said.splitlines() if line.startswith("GPU ")]


def names(devices: int, visible: str | None) -> list[str]:
    """What CUDA calls that many devices: what the operator calls them, else their numbers."""
    given = [name.strip() for name in (visible or "").split(",") if name.strip()]
    return given[:devices] or [str(number) for number in range(devices)]


def together(devices: int, cpu: bool) -> list[dict[str, Any]]:
    """The figures of all devices at once, added up."""
    children = []
    for index, device in enumerate(["-1"] if cpu else names(devices, os.environ.get("CUDA_VISIBLE_DEVICES"))):
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": device}
        command = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:], "--child", str(index)]
        children.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        )
    answers = [child.communicate()[0] for child in children]
    if any(child.returncode for child in children):
        raise SystemExit("A process failed; what it said stands above.")
    lines = [[json.loads(line) for line in answer.splitlines() if line.startswith("{")] for answer in answers]
    return [
        one[0] | {"per_second": added([each["per_second"] for each in one])}
        for one in zip(*lines, strict=True)
    ]


def added(rates: list[float | None]) -> float | None:
    """None where it is of any."""
    known = [rate for rate in rates if rate is not None]
    return sum(known) if len(known) == len(rates) else None


def told(lines: list[dict[str, Any]], cpu: bool) -> int:
    """Prints the table; 0."""
    print(f"{'what':14}{'type':>10}{'XLA':>5}{'batch':>7}{'per second':>13}")
    for line in lines:
        xla = "on" if line["xla"] else "off"
        rate = "no memory" if line["per_second"] is None else f"{line['per_second']:.1f}"
        print(f"{line['what']:14}{line['type']:>10}{xla:>5}{line['batch']:7}{rate:>13}")
    plain = [line for line in lines if line["type"] == "float32" and line["per_second"] is not None]
    bare, maps = (
        max((line["per_second"] for line in plain if line["what"] == what), default=0)
        for what in ("bare passes", "engine, maps")
    )
    if bare and maps:
        print(f"the engine makes {maps / bare:.2f} maps in the time of a bare float32 pass of an image")
    if cpu:
        print("measured on the processor: figures of a GPU are open")
    return 0


def figures(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One figure after the other, each for its share of the time."""
    import keras
    import tensorflow as tf

    from saliency_worker.saliency.errors import DeviceError

    too_little = (tf.errors.ResourceExhaustedError, DeviceError, MemoryError)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    count = len(options.batches) * (2 * 2 * 2 + 1)
    share = 60 * options.minutes / count
    with tempfile.TemporaryDirectory() as folder:
        from benchmarks.saliency_parts.network import random_weights

        weights = random_weights(options.classifier, folder)
        for batch in options.batches:
            rate = fitting(engine(options.classifier, weights, batch), share, too_little)
            yield {
                "what": "engine, maps",
                "type": "float32",
                "xla": False,
                "batch": batch,
                "per_second": rate,
            }
        for kind in ("float32", "bfloat16"):
            keras.config.set_dtype_policy("mixed_bfloat16" if kind == "bfloat16" else "float32")
            for xla in (False, True):
                for batch in options.batches:
                    for what, work in passes(options.classifier, batch, xla).items():
                        rate = fitting(work, share, too_little)
                        yield {"what": what, "type": kind, "xla": xla, "batch": batch, "per_second": rate}


def fitting(work: Callable[[], int], seconds: float, too_little: tuple[type[Exception], ...]) -> float | None:
    """Things per second, or None where the device has too little memory for them."""
    try:
        return measured(work, seconds)
    except too_little:
        return None


def measured(work: Callable[[], int], seconds: float) -> float:
    """Things per second, after one call that traces and compiles; at least one call is timed."""
    work()
    done, began = 0, time.perf_counter()
    while True:
        done += work()
        spent = time.perf_counter() - began
        if spent >= seconds / 2:  # the other half is what building and tracing may take
            return done / spent


def engine(classifier: str, weights: Path, batch: int) -> Callable[[], int]:
    """The worker's engine over as many random pictures as fill two batches; counts maps."""
    import hashlib

    import numpy as np

    from saliency_worker.saliency.explain import Explainer
    from saliency_worker.saliency.settings import Settings

    settings = Settings(methods=METHODS, edges="sobel", metrics=False, batch=batch)
    explainer = Explainer.load(classifier, settings, weights=weights)
    rng = np.random.default_rng(0)
    pictures = [
        (hashlib.sha256(str(n).encode()).hexdigest(), rng.integers(0, 255, (256, 256, 3), np.uint8))
        for n in range(2 * batch)
    ]
    return lambda: sum(len(one.maps) for one in explainer.explain(iter(pictures)))


def passes(classifier: str, batch: int, xla: bool) -> dict[str, Callable[[], int]]:
    """A bare pass and a CAM pass of a batch that lies on the device already; count images."""
    import keras
    import tensorflow as tf

    from benchmarks.saliency_parts.network import build, explained_layer
    from saliency_worker import catalog

    model = build(classifier, None)
    layer = model.get_layer(explained_layer(model, catalog.classifier(classifier).layer))
    both = keras.Model(model.inputs, [layer.output, model.output])
    rows = tf.random.stateless_uniform((batch, *model.input_shape[1:]), seed=(1, 2))

    @tf.function(jit_compile=xla)
    def bare(x: Any) -> Any:
        return model(x, training=False)

    @tf.function(jit_compile=xla)
    def cam(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            features, logits = both(x, training=False)
            top = tf.reduce_sum(tf.reduce_max(logits, axis=-1))
        weights = tf.reduce_mean(tape.gradient(top, features), axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))

    def run(call: Callable[[Any], Any]) -> int:
        call(rows).numpy()
        return batch

    return {"bare passes": lambda: run(bare), "CAM passes": lambda: run(cam)}


if __name__ == "__main__":
    sys.exit(main())
