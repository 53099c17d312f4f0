"""`make bench`: every benchmark that needs nothing but this repository, one after the other.

python -m benchmarks                    all of the list below
python -m benchmarks saliency --rounds 9    one, with its own arguments
"""

import subprocess
import sys
from pathlib import Path

# Name of the file in this folder and the arguments of the short run.
BENCHMARKS: dict[str, list[str]] = {
    "load": ["--participants", "60"],
    "front": ["--participants", "20", "--rounds", "3"],
    "demo": [],
    "saliency": ["--rounds", "3", "--count", "4"],
    "perturbation": ["--rounds", "3", "--count", "1"],
    "own_models": ["--rounds", "5"],
    "workers": ["--images", "48", "--processes", "1", "2"],
    "plan": [],
    "gpu": ["--cpu", "--classifier", "MobileNet", "--batches", "2", "--minutes", "0.1"],
    "coverage": ["--repetitions", "60", "--resamples", "199"],
    "power": ["--repetitions", "100"],
    "sequential": ["--repetitions", "500"],
    "few_items": ["--repetitions", "60", "--resamples", "199"],
    "heavy_statistics": [],
    "understanding": ["--studies", "60"],
    "desk": ["--responses", "30000", "--runs", "3"],
    "big": ["--answers", "3000", "--jobs", "3000", "--only", "sizes", "queue", "locks"],
}


def main(arguments: list[str]) -> int:
    """Run the named benchmark, or all. Returns the first failing status, 0 where there is none."""
    name, own = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name and name not in (there := programs()):
        print(f'No benchmark "{name}": one of {", ".join(there)}.', file=sys.stderr)
        return 2
    chosen = {name: own} if name else BENCHMARKS
    statuses = [_run(each, options) for each, options in chosen.items()]
    return next((status for status in statuses if status), 0)


def programs() -> list[str]:
    """The benchmarks of this folder: also those that take hours, or need what is not in this repository."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [
        file.stem for file in files if "__name__ ==" in file.read_text("utf-8") and file.stem != "__main__"
    ]


def _run(name: str, options: list[str]) -> int:
    print(f"== {name} {' '.join(options)}".rstrip(), flush=True)
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options], check=False, cwd=Path(__file__).parents[1]
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
