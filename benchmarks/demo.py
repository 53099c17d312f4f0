"""Precompute of the demo study beside the bare forward passes that it needs: python -m benchmarks demo

Runs `manage.py demo --no-serve` into an empty folder (SQLite, file-system broker, the worker as a process of its
own) and reads the time from the job rows: first job queued to last job done, so that starting the worker and loading both
networks count. The bare passes go through a frozen graph of the same classifier, alone in this process.
Budget: all pictures × all columns in 120 s on two cores.
"""

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
BUDGET_SECONDS = 120
NOISY_COPIES = 25
"""Smooth Grad-CAM++: forward passes per picture beside the one of the picture itself."""


def precompute(data: Path) -> tuple[float, int, int]:
    """(seconds, pictures, maps) of the demo's precompute in the empty folder `data`."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    subprocess.run(
        [sys.executable, "manage.py", "demo", "--no-serve"],
        cwd=ROOT,
        env={**environment, "DATA_DIR": str(data)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    database = sqlite3.connect(next(data.glob("*.sqlite3")))
    began, ended, pictures = database.execute(
        "SELECT min(created_at), max(finished_at), count(*) FROM stimuli_precomputejob WHERE state = 'done'"
    ).fetchone()
    maps = database.execute(
        "SELECT count(*) FROM stimuli_saliencymap WHERE stimulus_id IN (SELECT stimulus_id FROM stimuli_precomputejob)"
    ).fetchone()[0]
    database.close()
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
    return seconds, pictures, maps


def bare_passes(passes: int, rounds: int, batch: int = 16) -> float:
    """Seconds for so many images through the frozen demo classifier; median of `rounds`."""
    from benchmarks.saliency_parts.network import Passes
    from saliency_worker.saliency.bundled import bundled
    from saliency_worker.saliency.demo_cnn import INPUT_SIZE, build_demo_cnn

    network = build_demo_cnn(classes(), INPUT_SIZE, classifier_activation=None)
    network.load_weights(bundled("demo_cnn.weights.h5"))
    contestant = Passes(network, batch)
    contestant.run(batch, frozen=True)
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        contestant.run(passes, frozen=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def classes() -> int:
    """Number of outputs of the bundled classifier."""
    import json

    from saliency_worker.saliency.bundled import bundled

    return len(json.loads(bundled("demo_cnn.json").read_text("utf-8")))


def main() -> int:
    """Print both, as images per second."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of the bare passes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds, pictures, maps = precompute(Path(folder))
    passes = pictures * (1 + NOISY_COPIES) + maps
    bare = bare_passes(passes, options.rounds)
    print(f"{pictures} pictures, {maps} maps, {passes} forward passes on {os.cpu_count()} cores")
    print(
        f"precompute        {seconds:7.1f} s  {pictures / seconds:6.2f} images/s  budget {BUDGET_SECONDS} s"
    )
    print(f"bare passes       {bare:7.1f} s  {pictures / bare:6.2f} images/s")
    return 0 if seconds < BUDGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
