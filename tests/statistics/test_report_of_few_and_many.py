"""Reports of very few answers and of very many columns, and comparisons of what is hardly there."""

from dataclasses import replace

import numpy as np
import pytest

from survey_site.statistics.plan import AnalysisPlan
from tests.statistics.test_report_of_difficult_data import PLAN, report


def test_maps_of_one_image_are_no_independent_observations(made_up) -> None:
    """Machine and people agree by image alone: six times the maps say nothing more."""
    rows, maps = [], {}
    rng = np.random.default_rng(5)
    appeal = rng.normal(0, 1, 8)
    for r in made_up(participants=40, columns=("A", "B", "C"), trials=2):
        if r["task"] != "rating":
            continue
        image = int(r["stimulus"][1:]) % 8
        sha = f"{image}-{r['column']}"
        value = int(np.clip(np.rint(3 + appeal[image] + rng.normal(0, 0.3)), 0, 6))
        rows.append(r | {"stimulus": f"i{image}", "map_sha256": sha, "rating": value})
        maps[sha] = {
            "map_sha256": sha,
            "column": r["column"],
            "confidence": 1 / (1 + np.exp(-rng.normal(0, 0.1) - image)),
        }
    found = next(
        r
        for r in report(rows, maps=list(maps.values()))["human_machine"]
        if (r["human"], r["machine"]) == ("index", "confidence")
    )
    assert (found["n"], found["images"]) == (24, 8)
    naive = 1.96 / np.sqrt(24 - 3)
    assert np.arctanh(found["ci"][1]) - np.arctanh(found["rho"]) > naive


def test_with_very_many_columns_pairs_and_models_are_left_out_and_it_is_said() -> None:
    rows = [
        {"participant": f"p{p}", "task": "rating", "column": f"c{c:03}", "stimulus": f"s{(p + c) % 65}",
         "score": (p + c) % 7}
        for p in range(3)
        for c in range(65)
    ]  # fmt: skip
    result = report(rows, AnalysisPlan(reference="c000", resamples=99))
    assert result["pairs"]["index"]["reason"] == "left out above 60 columns; there are 65"
    for models in ("models", "crossed_models"):
        assert result[models]["index"]["reason"] == "left out above 40 columns; there are 65"
    assert len(result["comparisons"]["index"]["rows"]) == 64


@pytest.mark.parametrize("participants", [3, 4])
def test_no_more_answers_than_a_model_has_parameters(made_up, participants: int) -> None:
    rows = made_up(participants=participants, columns=("A", "B"), trials=1)
    for k, r in enumerate(r for r in rows if r["task"] == "rating"):
        r["rating"] = k % 7
    found = report(rows)["models"]["index"]
    assert found["rows"] or "not estimable" in found["reason"]


def test_too_few_to_bound_a_factor_is_said_and_no_infinity(made_up) -> None:
    rows = [
        r | {"rating": 6 * (k % 2)} if r["task"] == "rating" else r
        for k, r in enumerate(made_up(participants=2, trials=2))
    ]
    result = report(rows, replace(PLAN, level=0.9999))
    for family in result["comparisons"].values():
        for row in family["rows"]:
            for name in ("ratio_ci", "odds_ratio_ci"):
                assert row.get(name) is None or max(row[name]) < 1e30


def test_nothing_is_said_to_be_detected_beyond_the_scale(made_up) -> None:
    result = report(made_up(participants=2, trials=2), replace(PLAN, margins={"faith": 10, "index": 1}))
    for key, width in (("faith", 1), ("index", 6)):
        for row in result["comparisons"][key]["rows"]:
            assert row["detectable"] is None or row["detectable"] <= width
        for row in result["equivalence"][key]["rows"]:
            assert row["ci"] is None or -width <= row["ci"][0] <= row["ci"][1] <= width


def test_two_columns_alike_have_no_interval_of_no_width(made_up) -> None:
    """Answer by answer the same: nothing varies between them, which is not certainty."""
    rows = []
    for r in made_up(columns=("A",)):
        rows += [r, r | {"column": "B"}]
    result = report(rows, replace(PLAN, columns=("A", "B")))
    for family in result["comparisons"].values():
        (row,) = family["rows"]
        assert row["difference"] == 0 and row["difference_ci"] is None and row["reason"]
        assert row.get("odds_ratio_ci") is None and row["ratio_ci"] is None and row["p_holm"] is None
