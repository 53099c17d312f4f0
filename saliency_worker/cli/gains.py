"""What a combination adds to its bare CAM, image by image, with an interval: is a difference in the tables real?

Pure functions of the measurements of `tables.py`. Paired: the same images under both maps.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean, stdev
from typing import Any

from saliency_worker import catalog
from saliency_worker.cli.tables import ORIGINAL, Measurement, column

# field of a measurement, factor, heading, decimals
GAINS = (
    ("right", 100.0, "Right classification minus that of the bare CAM, percentage points ± 95 %", 1),
    ("confidence", 1.0, "Average confidence minus that of the bare CAM ± 95 %", 3),
)
ALL_CAMS = "mean of the CAMs"

Gain = dict[str, Any]


def gains(measurements: Iterable[Measurement], field: str, factor: float = 1.0) -> list[Gain]:
    """One row per classifier, CAM and combination: mean paired difference, half-width of its 95 % interval, n.

    The CAM "mean of the CAMs" averages an image's differences over the bases first, so that an image counts once.
    """
    values: dict[tuple[str, str, str], float] = {}
    for found in measurements:
        if found[field] is not None:  # an empty map has no score
            values[found["classifier"], found["key"], found["image"]] = factor * float(found[field])
    differences: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (classifier, key, image), value in values.items():
        if key == ORIGINAL:
            continue
        base, combination = catalog.split_key(key)
        bare = values.get((classifier, base, image))
        if not combination or bare is None:
            continue
        for cam in (catalog.label(base), ALL_CAMS):
            differences[classifier, cam, column(key)][image].append(value - bare)
    rows = []
    for (classifier, cam, method), by_image in differences.items():
        mean, half = paired([fmean(one) for one in by_image.values()])
        names = {"classifier": classifier, "CAM": cam, "method": method}
        rows.append({**names, "n": len(by_image), "gain": mean, "half_width": half})
    return sorted(rows, key=lambda row: row["CAM"] == ALL_CAMS)


def paired(differences: list[float]) -> tuple[float, float]:
    """Mean and half-width of its 95 % interval by the normal approximation; infinite below two values."""
    if len(differences) < 2:
        return fmean(differences), math.inf
    return fmean(differences), 1.959963984540054 * stdev(differences) / math.sqrt(len(differences))


def layout(rows: list[Gain], decimals: int) -> tuple[list[str], list[list[str]]]:
    """Rows classifier × CAM, columns the combinations, cells `+1.3 ±2.9`."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    cells = {(row["classifier"], row["CAM"], row["method"]): row for row in rows}
    lines = []
    for classifier in dict.fromkeys(row["classifier"] for row in rows):
        for cam in dict.fromkeys(row["CAM"] for row in rows if row["classifier"] == classifier):
            found = [cells.get((classifier, cam, method)) for method in methods]
            lines.append([classifier, cam, *(_cell(row, decimals) for row in found)])
    return ["classifier", "CAM", *methods], lines


def _cell(row: Gain | None, decimals: int) -> str:
    if row is None:
        return "-"
    return f"{row['gain']:+.{decimals}f} ±{row['half_width']:.{decimals}f}"
