"""Speed, memory and agreement of the saliency engine beside its peers, on the same images in one run.

    python benchmarks/saliency.py --images FOLDER --weights FILE
    python benchmarks/saliency.py --classifier VGG16

Without --weights the weights are random, without --images the pictures synthetic: speed depends on neither.

Prints seconds per image (median of interleaved rounds), the ratios with their budgets, the numerical agreement
at h×w and peak memory. Peers that are not installed are named and left out; benchmarks/requirements-peers.txt says how to
install them. `--json FILE` also writes the figures.
"""

import argparse
import json
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
        weights = (
            Path(options.weights) if options.weights else network.random_weights(options.classifier, folder)
        )
        return memory_run(options, weights) if options.memory_of else full_run(options, weights)


def full_run(options: argparse.Namespace, weights: Path) -> int:
    """Time, compare, weigh; print everything."""
    from benchmarks.saliency_parts import report, timing
    from benchmarks.saliency_parts.contestants import Contestants, read

    machine = timing.machine()
    print(f"Machine: {machine}\nClassifier: {options.classifier}, {weights.name}, edges: {options.edges}")
    images = read(options.images, options.count)
    contestants = Contestants(
        options.classifier,
        weights,
        images,
        slow=min(options.slow_count, len(images)),
        edges=options.edges,
        batch=options.batch,
        peers=not options.no_peers,
    )
    for peer, reason in contestants.missing.items():
        print(f"Left out, not installed: {peer} ({reason})")
    timings = timing.interleave(contestants.calls, contestants.images, options.rounds)
    report.print_times(timings)
    figures = {
        "machine": machine,
        "classifier": options.classifier,
        "edges": options.edges,
        "seconds_per_image": {name: {"wall": t.wall, "cpu": t.cpu} for name, t in timings.items()},
        "ratios": report.print_ratios(timings, budgets=options.classifier == "MobileNetV2"),
        "agreement": report.print_agreement(*contestants.raw_maps()),
        "peak_rss_bytes": {} if options.no_memory else report.print_memory(memory(options, weights)),
    }
    print(f"\nGPU: {timing.gpu() or 'none on this machine, its figures are open'}")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0


def memory(options: argparse.Namespace, weights: Path) -> dict[str, int]:
    """Peak resident bytes, each in a process of its own: bare passes, and the full set of few and of many images."""
    from benchmarks.saliency_parts.timing import peak_memory

    common = [
        __file__,
        "--images",
        options.images,
        "--classifier",
        options.classifier,
        "--weights",
        str(weights),
    ]
    common += ["--edges", options.edges, "--batch", str(options.batch)]
    runs = {
        "frozen passes": ["--memory-of", "passes", "--count", "4"],
        "full set, 4 images": ["--memory-of", "engine", "--count", "4"],
        "full set, 32 images": ["--memory-of", "engine", "--count", "32"],
    }
    found = {name: peak_memory([*common, *more]) for name, more in runs.items()}
    return {name: peak for name, peak in found.items() if peak is not None}


def memory_run(options: argparse.Namespace, weights: Path) -> int:
    """The child of `memory`: one piece of work, then the peak on standard output."""
    from benchmarks.saliency_parts import contestants, network, timing

    images = contestants.read(options.images, options.count)
    if options.memory_of == "passes":
        passes = network.Passes(network.build(options.classifier, weights), options.batch)
        passes.run(options.batch, frozen=True)
    else:
        contestants.engine(options.classifier, weights, images, contestants.full_settings(options.edges))()
    print(f"peak_rss {timing.own_peak()}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", help="folder of images (default: synthetic ones)")
    parser.add_argument("--classifier", default="MobileNetV2")
    parser.add_argument("--weights", metavar="FILE", help="its weights (default: random)")
    parser.add_argument("--count", type=int, default=8, help="images per call of the engine and the passes")
    parser.add_argument("--slow-count", type=int, default=1, help="images per call of the peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=13, help="batch of the bare passes and of Xplique")
    parser.add_argument("--edges", default="hed", choices=("hed", "sobel"))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE too")
    parser.add_argument("--memory-of", choices=("passes", "engine"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
