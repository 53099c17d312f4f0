"""Tables 2 and 3: means by hand, the paper's layout, no invented numbers."""

import csv
import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saliency_worker.cli import tables


def row(key: str, right: bool, confidence: float, **more: Any) -> dict[str, Any]:
    common = {"classifier": "VGG16", "image": "a", "key": key, "right": right, "confidence": confidence}
    return {**common, "increase": right, "drop": 0.5, "kept_share": 0.8, **more}


MEASUREMENTS = [
    row("original", True, 0.9, kept_share=1.0),
    row("gradcam", True, 0.8, higher_than_base=None),
    row("gradcam.add-edges", False, 0.25, higher_than_base=True),
    row("original", True, 0.7, kept_share=1.0),
    row("gradcam", False, 0.5, higher_than_base=None),
    row("gradcam.add-edges", False, 0.75, higher_than_base=False),
]


def test_summaries_are_means_over_images() -> None:
    original, base, ours = tables.summarise(MEASUREMENTS)
    assert (original["method"], base["method"], ours["method"]) == ("original", "G-CAMs", "Ours 1")
    assert base["n"] == 2
    assert base["right_percent"] == 50
    assert base["average_confidence"] == pytest.approx(0.65)
    assert base["higher_than_base_percent"] is None
    assert ours["higher_than_base_percent"] == 50
    assert ours["average_drop_percent"] == 50


def test_a_table_has_a_row_per_classifier_and_cam_and_the_papers_columns() -> None:
    head, rows = tables.layout(tables.summarise(MEASUREMENTS), "right_percent")
    assert head == ["classifier", "CAM", "original", "G-CAMs", "Ours 1"]
    assert rows == [["VGG16", "Grad-CAM", 100.0, 50.0, 0.0]]


def test_a_combination_one_base_lacks_is_missing_not_zero() -> None:
    summaries = tables.summarise([*MEASUREMENTS, row("gradcampp", True, 0.5)])
    _, rows = tables.layout(summaries, "average_confidence")
    assert rows[1] == ["VGG16", "Grad-CAM++", pytest.approx(0.8), 0.5, None]
    assert tables.layout_csv(summaries, "average_confidence").splitlines()[2].endswith("0.5,")


def test_text_shows_every_table_and_the_number_of_images() -> None:
    text = tables.as_text(tables.summarise(MEASUREMENTS))
    assert text.startswith("n = 2 images")
    assert all(title in text for _, title, _ in tables.TABLES)
    assert max(len(line) for line in text.splitlines()) < 120


def test_what_was_measured_beside_has_a_table_of_its_own_where_there_is_a_number() -> None:
    plain = tables.as_text(tables.summarise(MEASUREMENTS))
    assert "Deletion" not in plain and "Pointing" not in plain
    rows = [
        row("layercam", True, 0.5, deletion=0.25, pointing=1),
        row("layercam", True, 0.5, deletion=None, pointing=0),
    ]
    (found,) = tables.summarise(rows)
    assert (found["deletion"], found["pointing_percent"], found["sanity"]) == (0.25, 50, None)
    text = tables.as_text([found])
    assert "Deletion" in text and "0.250" in text and "Pointing game" in text and "Sanity" not in text
    assert (
        "deletion" in tables.as_json([found])["tables"] and "sanity" not in tables.as_json([found])["tables"]
    )


def test_csv_and_json_hold_the_same_numbers() -> None:
    summaries = tables.summarise(MEASUREMENTS)
    rows = list(csv.DictReader(io.StringIO(tables.tidy_csv(summaries))))
    assert [float(found["right_percent"]) for found in rows] == [100, 50, 0]
    assert tables.as_json(summaries)["tables"]["right_percent"][0]["G-CAMs"] == 50


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_limits_solve_their_equation(case: tuple[int, int]) -> None:
    successes, n = case
    share, z = successes / n, 1.959963984540054
    low, high = tables.wilson(successes, n)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    for limit in (low, high):
        # The defining property: the observed share lies z standard errors of the limit away from it.
        assert abs(share - limit) == pytest.approx(z * math.sqrt(limit * (1 - limit) / n), abs=1e-7)
