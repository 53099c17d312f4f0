"""Differences to the bare CAM are paired by image and come with an interval."""

import math
import statistics
from typing import Any

import numpy as np
import pytest

from saliency_worker.cli.gains import ALL_CAMS, gains, layout, paired


def row(image: str, key: str, right: bool) -> dict[str, Any]:
    return {"classifier": "VGG16", "image": image, "key": key, "right": right, "confidence": 0.5}


MEASUREMENTS = [
    row("a", "original", True),
    row("a", "gradcam", False),
    row("a", "gradcam.add-edges", True),
    row("a", "gradcampp", True),
    row("a", "gradcampp.add-edges", True),
    row("b", "gradcam", True),
    row("b", "gradcam.add-edges", True),
    row("b", "gradcampp", True),
    row("b", "gradcampp.add-edges", False),
]


def test_gains_are_mean_differences_in_percentage_points() -> None:
    found = {r["CAM"]: r for r in gains(MEASUREMENTS, "right", 100)}
    assert found["Grad-CAM"]["gain"] == 50
    assert found["Grad-CAM++"]["gain"] == -50
    assert {r["method"] for r in found.values()} == {"Ours 1"}


def test_over_all_cams_an_image_counts_once() -> None:
    found = {r["CAM"]: r for r in gains(MEASUREMENTS, "right", 100)}[ALL_CAMS]
    assert found["n"] == 2
    assert found["gain"] == 0
    # Image a gained on one of two CAMs (+50), image b lost on one (-50).
    assert found["half_width"] == pytest.approx(1.959964 * statistics.stdev([50, -50]) / math.sqrt(2))


def test_the_interval_covers_the_truth_about_19_times_in_20() -> None:
    random = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        mean, half = paired(list(random.choice([-1.0, 0.0, 1.0], 200, p=[0.1, 0.7, 0.2])))
        hits += abs(mean - 0.1) <= half
    assert 0.92 <= hits / 400 <= 0.98


def test_one_image_has_no_interval() -> None:
    assert paired([1.0]) == (1.0, math.inf)


def test_the_mean_over_the_cams_comes_last() -> None:
    head, rows = layout(gains(MEASUREMENTS, "right", 100), 1)
    assert head == ["classifier", "CAM", "Ours 1"]
    assert [cells[1] for cells in rows] == ["Grad-CAM", "Grad-CAM++", ALL_CAMS]
    assert rows[0][2].startswith("+50.0 ±")
