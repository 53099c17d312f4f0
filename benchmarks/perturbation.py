"""Speed and agreement of the methods of perturbations beside bare passes and Xplique, on the same images in one run.

    .venv-bench/bin/python benchmarks/perturbation.py --images FOLDER --weights mobilenet_v2_1.0_224.weights.h5

Without --weights the weights are random, without --images the pictures synthetic: speed depends on neither. Prints seconds
per image (median of interleaved rounds), the ratios to as many bare passes of a frozen graph, the agreement with Xplique and
peak memory with few and with many masks. benchmarks/requirements-peers.txt says how Xplique is installed; without it the
rest is printed.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> int:
    options = arguments()
    from benchmarks.saliency_parts import network

    with tempfile.TemporaryDirectory() as folder:
        given = options.weights
        weights = Path(given) if given else network.random_weights(options.classifier, folder)
        return memory_run(options, weights) if options.memory_of else full_run(options, weights)


def full_run(options: argparse.Namespace, weights: Path) -> int:
    """Time, compare, weigh; print everything."""
    from benchmarks.saliency_parts import timing
    from benchmarks.saliency_parts.contestants import read
    from benchmarks.saliency_parts.perturbation import Perturbations, print_ratios
    from benchmarks.saliency_parts.report import print_memory, print_times

    print(f"Machine: {timing.machine()}\nClassifier: {options.classifier}, {weights.name}")
    made = Perturbations(
        options.classifier, weights, read(options.images, options.count), peers=not options.no_peers
    )
    if made.missing:
        print(f"Left out, not installed: Xplique ({made.missing})")
    timings = timing.interleave(made.calls, made.images, options.rounds)
    print_times(timings)
    print_ratios(timings, made.pairs)
    made.print_agreement()
    if not options.no_memory:
        runs = {f"rise, {masks} masks": str(masks) for masks in (160, 1600)}
        common = [__file__, "--classifier", options.classifier, "--weights", str(weights)]
        found = {name: timing.peak_memory([*common, "--memory-of", masks]) for name, masks in runs.items()}
        print_memory({name: peak for name, peak in found.items() if peak is not None})
    return 0


def memory_run(options: argparse.Namespace, weights: Path) -> int:
    """The child of the memory runs: RISE of one image with so many masks, then the peak on standard output."""
    from benchmarks.saliency_parts import timing
    from benchmarks.saliency_parts.contestants import engine, read
    from saliency_worker.saliency.settings import Settings

    settings = Settings(("rise",), metrics=False, parameters={"rise_masks": options.memory_of})
    engine(options.classifier, weights, read(None, 1), settings)()
    print(f"peak_rss {timing.own_peak()}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", help="folder of images (default: synthetic ones)")
    parser.add_argument("--classifier", default="MobileNetV2")
    parser.add_argument("--weights", metavar="FILE", help="its weights (default: random)")
    parser.add_argument("--count", type=int, default=2, help="images per call")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
