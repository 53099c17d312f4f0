"""Interleaved timing: every contestant once per round, so that a busy machine is busy for all of them."""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Timing:
    """Seconds per image of one contestant, one entry per round: on the clock and summed over all cores."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(self.wall)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(self.cpu)


def interleave(
    contestants: dict[str, Callable[[], object]], images: dict[str, int], rounds: int
) -> dict[str, Timing]:
    """Run each contestant once untimed (tracing, caches), then `rounds` times in turn.

    images: how many images one call of each contestant works on.
    """
    timings = {name: Timing() for name in contestants}
    for name, work in contestants.items():
        print(f"  warming up: {name}", file=sys.stderr, flush=True)
        work()
    for number in range(rounds):
        for name, work in contestants.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            timings[name].wall.append((time.perf_counter() - wall) / images[name])
            timings[name].cpu.append((time.process_time() - cpu) / images[name])
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return timings


def peak_memory(arguments: Sequence[str]) -> int | None:
    """Peak resident bytes of this benchmark run again in a process of its own, None where it failed."""
    child = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    for line in child.stdout.splitlines():
        if line.startswith("peak_rss "):
            return int(line.split()[1])
    print(f"  memory run failed: {' '.join(child.stderr.split())[-300:]}", file=sys.stderr)
    return None


def own_peak() -> int:
    """Peak resident bytes of this process.

    From /proc where there is one: the peak of getrusage starts at that of the process that forked this one.
    """
    with (
        contextlib.suppress(OSError, StopIteration),
        Path("/proc/self/status").open(encoding="utf-8") as lines,
    ):
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def machine() -> str:
    """What the figures were measured on, in one line."""
    model = "unknown processor"
    with contextlib.suppress(OSError, StopIteration), Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return f"{model}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start"


def gpu() -> str:
    """Names of the GPUs TensorFlow sees, "" where there is none."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    return ", ".join(
        str(tf.config.experimental.get_device_details(d).get("device_name", d.name)) for d in devices
    )
