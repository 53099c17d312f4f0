"""The benchmark's tables: seconds, ratios beside their budgets, agreement, memory."""

from collections.abc import Mapping

import numpy as np

from benchmarks.saliency_parts.timing import Timing

# (slower, faster or reference, what the quotient means, budget); the figures of design budgets for MobileNetV2.
RATIOS = (
    ("engine: three CAMs", "frozen passes: three CAMs", "three CAMs / frozen passes", "<= 1.1"),
    ("Xplique: three CAMs", "engine: three CAMs", "Xplique / engine", ">= 1.8"),
    (
        "tf-keras-vis batched by hand: three CAMs",
        "engine: three CAMs",
        "tf-keras-vis batched / engine",
        ">= 8",
    ),
    (
        "tf-keras-vis as documented: three CAMs",
        "engine: three CAMs",
        "tf-keras-vis documented / engine",
        ">= 30",
    ),
    ("compiled passes: three CAMs", "frozen passes: three CAMs", "compiled / frozen passes", ""),
    ("engine: full set", "frozen passes: full set", "full set / frozen passes", "<= 1.25"),
    ("peer script as documented: full set", "engine: full set", "peer script documented / engine", ">= 12"),
    ("peer script batched by hand: full set", "engine: full set", "peer script batched / engine", ""),
    ("engine: edges", "engine: full set", "edges / full set", "<= 0.10"),
)


def print_times(timings: Mapping[str, Timing]) -> None:
    """Median wall and CPU seconds per image of every contestant."""
    print(f"\n{'seconds per image (median)':44}{'wall':>9}{'CPU':>9}   fastest..slowest round")
    for name, timing in timings.items():
        spread = f"{min(timing.wall):.3f}..{max(timing.wall):.3f}"
        print(f"{name:44}{timing.seconds:9.3f}{timing.cpu_seconds:9.3f}   {spread}")


def print_ratios(timings: Mapping[str, Timing], *, budgets: bool) -> dict[str, dict[str, float]]:
    """The quotients that have a budget; budgets are for MobileNetV2 and printed only there."""
    print(f"\n{'ratio':44}{'wall':>9}{'CPU':>9}   budget")
    found = {}
    for above, below, name, budget in RATIOS:
        if above not in timings or below not in timings:
            continue
        # Quotients of one round, then their median: what slows the machine slows both sides.
        wall = _median_quotient(timings[above].wall, timings[below].wall)
        cpu = _median_quotient(timings[above].cpu, timings[below].cpu)
        found[name] = {"wall": wall, "cpu": cpu}
        print(f"{name:44}{wall:9.2f}{cpu:9.2f}   {budget if budgets else ''}")
    return found


def print_agreement(
    ours: Mapping[str, np.ndarray], others: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, float]:
    """Largest difference at h×w as a share of the other's maximum; for shape each map is scaled to its maximum."""
    print(f"\n{'agreement at h×w, largest difference':44}{'plain':>9}{'shape':>9}")
    found = {}
    for peer, maps in others.items():
        for key, theirs in maps.items():
            plain = max(_distance(a, b) for a, b in zip(ours[key], theirs, strict=True))
            shape = max(_distance(_unit(a), _unit(b)) for a, b in zip(ours[key], theirs, strict=True))
            found[f"{key}, {peer}"] = plain
            print(f"{key + ', ' + peer:44}{plain:9.1e}{shape:9.1e}")
    return found


def print_memory(peaks: Mapping[str, int]) -> dict[str, int]:
    """Peak resident memory of each piece of work in a process of its own."""
    print("\npeak memory, MB")
    for name, peak in peaks.items():
        print(f"{name:44}{peak / 1e6:9.0f}")
    return dict(peaks)


def _median_quotient(above: list[float], below: list[float]) -> float:
    return float(np.median(np.array(above) / np.array(below)))


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-30))


def _unit(a: np.ndarray) -> np.ndarray:
    return a / max(float(a.max()), 1e-30)
